"""Every method of the installed google-genai that may send a request is classified, and traced as it says there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from google import genai
from google.genai import types

from genspan._core.supported_sdks import SDKS
from genspan.gemini.bindings import route
from tests.support import surfaces, verdict
from tests.support.genai_methods import methods

LIST = Path(__file__).with_name("methods.txt")


def _classified() -> dict[str, str]:
    """Method -> the heading that it stands under."""
    found: dict[str, str] = {}
    heading = ""
    for line in LIST.read_text("utf-8").splitlines():
        if line.startswith("["):
            heading = line.strip("[]")
        elif line and not line.startswith("#"):
            assert line not in found, f"{line} is there twice"
            found[line] = heading
    return found


CLASSIFIED = _classified()


@pytest.fixture(scope="module")
def installed() -> set[str]:
    return {name.removeprefix("aio.") for name in methods()}


def test_every_method_is_classified(installed):
    assert sorted(installed - CLASSIFIED.keys()) == [], f"new in the installed google-genai: add to {LIST.name}"


NEWEST = pytest.mark.skipif(genai.__version__ != SDKS["gemini"].tested[-1], reason="said of the newest version alone")


@NEWEST
def test_the_list_has_no_method_that_is_gone(installed):
    assert CLASSIFIED.keys() - installed == set()


@NEWEST
def test_the_asynchronous_client_has_the_same_methods():
    found = methods()
    sync = {name for name in found if not name.startswith("aio.")}
    twins = {name.removeprefix("aio.") for name in found if name.startswith("aio.")}
    assert sync - twins == {"close"}
    assert {name for name in twins - sync if not name.startswith(("session.", "live."))} <= {
        "aclose",
        "interactions.connect",
    }


# How each traced method is called; the ones of chats and interactions have tests of their own.
_IMAGE = types.Image(image_bytes=b"png", mime_type="image/png")
CALLS: dict[str, dict[str, Any]] = {
    "models.generate_content": {"contents": "hi"},
    "models.generate_content_stream": {"contents": "hi"},
    "models.embed_content": {"contents": "hi"},
    "models.count_tokens": {"contents": "hi"},
    "models.compute_tokens": {"contents": "hi"},
    "models.generate_images": {"model": "imagen-4.0-generate-001", "prompt": "a dot"},
    "models.generate_videos": {"model": "veo-3.0-generate-001", "prompt": "a dot that moves"},
    "models.upscale_image": {"model": "imagen-4.0-upscale", "image": _IMAGE, "upscale_factor": "x2"},
    "models.get": {},
    "caches.create": {"config": {"contents": "hi" * 100}},
    "caches.get": {"name": "cachedContents/1"},
    "caches.update": {"name": "cachedContents/1", "config": {"ttl": "60s"}},
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", CALLS)
def test_traced_as_classified(provider, install, name):
    telemetry = install()
    vertex = any(word in name for word in ("image", "videos", "compute"))
    client = surfaces.make_client(provider.url, "vertex-credentials" if vertex else "gemini")
    method: Any = client
    for part in name.split("."):
        if not hasattr(method, part):
            pytest.skip(f"this version of google-genai has no {name}")
        method = getattr(method, part)
    arguments = CALLS[name] if "name" in CALLS[name] else {"model": surfaces.MODEL, **CALLS[name]}
    result = method(**arguments)
    list(result) if hasattr(result, "__next__") else result
    assert len(provider.ledger) == 1
    operation = CLASSIFIED[name].partition(",")[0]
    expected = [] if operation.startswith("none") else [operation]
    assert [verdict.operation(span) for span in telemetry.spans] == expected
    verdict.sound(telemetry)
    if "without tokens" in CLASSIFIED[name]:
        assert not [one for span in telemetry.spans for one in span.attributes if "usage" in one.lower()]
    client.close()


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/v1beta/models/gemini-2.5-flash:generateContent", ("generate_content", "gcp.gemini", "gemini-2.5-flash")),
        (
            "/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse",
            ("generate_content", "gcp.gemini", "gemini-2.5-flash"),
        ),
        ("/v1beta/tunedModels/mine:generateContent", ("generate_content", "gcp.gemini", "tunedModels/mine")),
        (
            "/v1beta1/projects/p/locations/l/publishers/google/models/gemini-2.5-pro:generateContent",
            ("generate_content", "gcp.vertex_ai", "gemini-2.5-pro"),
        ),
        (
            "/v1beta1/publishers/google/models/gemini-2.5-pro:countTokens",
            ("count_tokens", "gcp.vertex_ai", "gemini-2.5-pro"),
        ),
        (
            "/v1beta1/projects/p/locations/l/publishers/google/models/text-embedding-005:predict",
            ("embeddings", "gcp.vertex_ai", "text-embedding-005"),
        ),
        (
            "/v1beta1/projects/p/locations/l/endpoints/42:generateContent",
            ("generate_content", "gcp.vertex_ai", "endpoints/42"),
        ),
        ("/v1beta/models/m:batchGenerateContent", None),
        ("/v1beta/models/m:computeTokens", None),
        ("/v1beta/models/m", None),
        ("/", None),
        ("", None),
    ],
)
def test_routes(path, expected):
    provider = expected[1] if expected else "gcp.gemini"
    found = route("post", f"https://example.com{path}", provider)
    assert (found and found.key[:3]) == expected
    assert route("GET", f"https://example.com{path}", provider) is None
