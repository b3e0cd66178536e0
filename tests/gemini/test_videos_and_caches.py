"""Videos that are made after their request, and caches of content."""

from __future__ import annotations

import json

import pytest
from google.genai import types

from tests.support import surfaces, verdict
from tests.support.provider import Reply
from tests.support.telemetry import Counts

VEO = "veo-3.0-generate-001"
SAMPLES = [{"video": {"uri": f"https://example.com/{n}.mp4", "mimeType": "video/mp4"}} for n in (1, 2)]


def operation(backend, response=None, **more):
    """An operation as each service answers for it."""
    prefix = "" if backend == "gemini" else "projects/project-1/locations/europe-west4/publishers/google/"
    found = {"name": f"{prefix}models/{VEO}/operations/op-1", **more}
    if response is not None:
        found |= {"done": True, "response": response}
    return Reply(body=found)


def videos(backend, count, **filtered):
    if backend == "gemini":
        return {"generateVideoResponse": {"generatedSamples": SAMPLES[:count], **filtered}}
    made = [{"gcsUri": f"gs://bucket/{n}.mp4", "mimeType": "video/mp4"} for n in range(count)]
    return {"videos": made, **filtered}


def make_and_poll(provider, backend, *answers, **config):
    provider.script(operation(backend), *answers)
    client = surfaces.make_client(provider.url, backend)
    try:
        found = client.models.generate_videos(model=VEO, prompt="a dot that moves", config=config or None)
    except ValueError:
        pytest.skip("this version of google-genai makes videos on Vertex AI alone")
    for _ in answers:
        found = client.operations.get(found)
    client.close()
    return found


# google-genai deprecates arguments of its own.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

BACKENDS = pytest.mark.parametrize("backend", ["gemini", "vertex-credentials"])


@BACKENDS
def test_a_video_is_read_once_and_linked_to_its_request(install, provider, backend):
    telemetry = install(CAPTURE="true", GENSPAN_DIALECTS="genai,mlflow")
    done = operation(backend, videos(backend, 2))
    make_and_poll(provider, backend, operation(backend), done, done, duration_seconds=8)
    verdict.sound_but_traces(telemetry)
    asked, waiting, made, again = telemetry.spans
    assert [verdict.operation(span) for span in telemetry.spans] == [
        *("generate_content", "fetch_response", "generate_content", "fetch_response")
    ]
    for span in (waiting, made, again):
        assert [link.context.span_id for link in span.links] == [asked.context.span_id]
        assert [link.context.trace_id for link in span.links] == [asked.context.trace_id]
    assert made.name == f"generate_content {VEO}"
    assert made.attributes["genspan.usage.video.seconds"] == 16.0
    assert [span.attributes.get("gen_ai.response.status") for span in (waiting, made, again)] == [
        *("in_progress", "completed", "completed")
    ]
    outputs = json.loads(made.attributes["gen_ai.output.messages"])
    assert [part["modality"] for message in outputs for part in message["parts"]] == ["video", "video"]
    for span in (asked, waiting, again):
        assert not [name for name in span.attributes if "usage" in name.lower() or "output.messages" in name]
    assert telemetry.usage() == Counts(0, 0)


@BACKENDS
def test_seconds_are_there_only_where_the_program_asked_for_them(install, provider, backend):
    telemetry = install()
    make_and_poll(provider, backend, operation(backend, videos(backend, 1)))
    assert not [name for span in telemetry.spans for name in span.attributes if "usage" in name.lower()]
    verdict.sound_but_traces(telemetry)


@BACKENDS
def test_a_video_that_was_filtered_says_so(install, provider, backend):
    telemetry = install(CAPTURE="true")
    filtered = videos(backend, 1, raiMediaFilteredCount=1, raiMediaFilteredReasons=["a celebrity's likeness"])
    make_and_poll(provider, backend, operation(backend, filtered), duration_seconds=8)
    made = telemetry.spans[-1]
    assert made.attributes["gen_ai.response.finish_reasons"] == ("stop", "content_filter")
    assert made.attributes["genspan.usage.video.seconds"] == 8.0
    messages = json.loads(made.attributes["gen_ai.output.messages"])
    assert [message.get("finish_message") for message in messages] == [None, "a celebrity's likeness"]
    verdict.sound_but_traces(telemetry)


@BACKENDS
def test_a_video_that_failed_is_an_error_once(install, provider, backend):
    telemetry = install()
    failed = operation(backend, done=True, error={"code": 13, "message": "could not be made"})
    make_and_poll(provider, backend, failed, failed, duration_seconds=8)
    assert [verdict.failed(span) for span in telemetry.spans] == [None, "13", None]
    assert [span.attributes.get("gen_ai.response.status") for span in telemetry.spans[1:]] == ["failed", "failed"]
    assert not [name for span in telemetry.spans for name in span.attributes if "usage" in name.lower()]


@pytest.mark.skipif(not hasattr(types.GenerateVideosOperation, "from_api_response"), reason="not in this version")
def test_a_video_that_another_program_asked_for(install, provider, client):
    telemetry = install(CAPTURE="true")
    provider.script(operation("gemini", videos("gemini", 2)))
    client.operations.get(types.GenerateVideosOperation(name=f"models/{VEO}/operations/op-1"))
    (made,) = telemetry.spans
    assert made.name == f"generate_content {VEO}"
    assert list(made.links) == []
    assert made.attributes["gen_ai.output.messages"].count("video/mp4") == 2
    verdict.sound(telemetry)


def test_operations_of_other_things_have_no_span(install, provider, client):
    telemetry = install()
    provider.script(Reply(body={"name": "fileSearchStores/s/operations/o", "done": True}))
    with pytest.raises(Exception):  # noqa: B017 (the fake has no such route)
        client.operations.get(types.GenerateVideosOperation(name="fileSearchStores/s/operations/o"))
    assert telemetry.spans == []


# Caches

CACHED = {"contents": "a long manual " * 100, "system_instruction": "Be brief", "ttl": "3600s"}


@BACKENDS
def test_what_a_cache_holds_is_no_usage(install, provider, backend):
    telemetry = install(CAPTURE="true", GENSPAN_DIALECTS="genai,mlflow")
    client = surfaces.make_client(provider.url, backend)
    cache = client.caches.create(model="gemini-2.5-flash", config=CACHED)
    client.caches.get(name=cache.name)
    client.caches.update(name=cache.name, config={"ttl": "7200s"})
    client.caches.delete(name=cache.name)
    client.close()
    verdict.sound_but_traces(telemetry)
    assert [span.name for span in telemetry.spans] == [
        f"{operation}_cache gemini-2.5-flash" for operation in ("create", "get", "update")
    ]
    for span in telemetry.spans:
        assert span.attributes["gcp.gen_ai.cache.total_tokens"] == 2048
        assert "cachedContents/1" in span.attributes["gen_ai.response.id"]
        assert not [name for name in span.attributes if "usage" in name.lower()]
    assert "a long manual" in telemetry.spans[0].attributes["mlflow.spanInputs"]
    assert telemetry.measured() == Counts(0, 0)


def test_a_cache_that_cannot_be_made_is_an_error(install, provider, client):
    telemetry = install()
    provider.script(Reply(status=400))
    with pytest.raises(Exception, match="scripted failure"):
        client.caches.create(model="gemini-2.5-flash", config=CACHED)
    (span,) = telemetry.spans
    assert verdict.failed(span) == "ClientError"
    assert span.name == "create_cache gemini-2.5-flash"
    assert "manual" not in str(telemetry.exported())
