"""Images and videos: those that are the prompt, those that are made, and those that were filtered."""

from __future__ import annotations

import asyncio
import json

import pytest
from google.genai import types

from tests.support import surfaces, verdict
from tests.support.provider import Reply

pytestmark = pytest.mark.filterwarnings("ignore")  # of methods that the SDK calls experimental

FULL = {"CAPTURE": "true", "GENSPAN_DIALECTS": "genai,mlflow"}
MADE = {"predictions": [{"mimeType": "image/png", "bytesBase64Encoded": "aW1n"}]}
LATER = {"name": "operations/1"}


def _image(data):
    return types.Image(image_bytes=data, mime_type="image/png")


def _png(data):
    return {"type": "blob", "modality": "image", "mime_type": "image/png", "content": data}


def _text(string):
    return {"type": "text", "content": string}


STORED = {"type": "uri", "modality": "image", "mime_type": "image/jpeg", "uri": "gs://bucket/a.jpg"}
CALLS = {
    "edit": (
        "edit_image",
        {
            "model": "imagen-3.0-capability-001",
            "prompt": "sunlit",
            "reference_images": [
                types.RawReferenceImage(reference_id=1, reference_image=_image(b"raw")),
                types.MaskReferenceImage(reference_id=2, reference_image=_image(b"mask")),
                types.StyleReferenceImage(
                    reference_id=3, reference_image=types.Image(gcs_uri="gs://bucket/a.jpg", mime_type="image/jpeg")
                ),
            ],
        },
        [_text("sunlit"), _png("cmF3"), _png("bWFzaw=="), STORED],
    ),
    "try on": (
        "recontext_image",
        {
            "model": "virtual-try-on-preview-08-04",
            "source": types.RecontextImageSource(
                person_image=_image(b"man"), product_images=[types.ProductImage(product_image=_image(b"hat"))]
            ),
        },
        [_png("bWFu"), _png("aGF0")],
    ),
    "recontext": (
        "recontext_image",
        {
            "model": "imagen-product-recontext-preview-06-30",
            "source": types.RecontextImageSource(
                prompt="on a table",
                product_images=[types.ProductImage(product_image=_image(data)) for data in (b"one", b"two")],
            ),
        },
        [_text("on a table"), _png("b25l"), _png("dHdv")],
    ),
    "upscale": (
        "upscale_image",
        {"model": "imagen-4.0-upscale", "image": _image(b"small"), "upscale_factor": "x2"},
        [_png("c21hbGw=")],
    ),
    "segment": (
        "segment_image",
        {
            "model": "image-segmentation-001",
            "source": types.SegmentImageSource(
                prompt="the sky", image=_image(b"sky"), scribble_image=types.ScribbleImage(image=_image(b"line"))
            ),
        },
        [_text("the sky"), _png("c2t5"), _png("bGluZQ==")],
    ),
}
VIDEOS = {
    "first frame": ({"image": _image(b"first")}, [_png("Zmlyc3Q=")]),
    "last frame": (
        {"image": _image(b"first"), "config": types.GenerateVideosConfig(last_frame=_image(b"last"))},
        [_png("Zmlyc3Q="), _png("bGFzdA==")],
    ),
    "references": (
        {
            "config": types.GenerateVideosConfig(
                reference_images=[
                    types.VideoGenerationReferenceImage(image=_image(b"cat"), reference_type="ASSET"),
                    types.VideoGenerationReferenceImage(image=_image(b"dog"), reference_type="ASSET"),
                ]
            )
        },
        [_png("Y2F0"), _png("ZG9n")],
    ),
    "video": (
        {"video": types.Video(video_bytes=b"film", mime_type="video/mp4")},
        [{"type": "blob", "modality": "video", "mime_type": "video/mp4", "content": "ZmlsbQ=="}],
    ),
    "mask": (
        {
            "video": types.Video(uri="gs://bucket/v", mime_type="video/mp4"),
            "config": types.GenerateVideosConfig(
                mask=types.VideoGenerationMask(image=_image(b"mask"), mask_mode="INSERT")
            ),
        },
        [
            {"type": "uri", "modality": "video", "mime_type": "video/mp4", "uri": "gs://bucket/v"},
            _png("bWFzaw=="),
        ],
    ),
}


@pytest.fixture(params=[False, True], ids=["sync", "async"])
def make(request, provider, install):
    """`make(method, body, **arguments)`: the span of one call that is answered by this body."""
    telemetry = install(**FULL)

    async def call(method, arguments):
        client = surfaces.make_client(provider.url, "vertex-credentials")
        side = client.aio if request.param else client
        result = getattr(side.models, method)(**arguments)
        result = await result if request.param else result
        await client.aio.aclose()
        return result

    def run(method, body, **arguments):
        provider.script(Reply(body=body))
        asyncio.run(call(method, arguments))
        verdict.sound(telemetry)
        (span,) = telemetry.spans
        return span

    return run


def _in(span):
    (message,) = json.loads(span.attributes["gen_ai.input.messages"])
    assert message["role"] == "user"
    return message["parts"]


def _same(parts, expected):
    """In any order but the text, which is first: the wire's order of fields says nothing."""
    texts = [part for part in expected if part["type"] == "text"]
    assert parts[: len(texts)] == texts
    assert sorted(map(json.dumps, parts)) == sorted(map(json.dumps, expected))


@pytest.mark.parametrize("name", CALLS)
def test_images_of_the_prompt(make, name):
    method, arguments, expected = CALLS[name]
    span = make(method, MADE, **arguments)
    _same(_in(span), expected)
    assert json.loads(span.attributes["gen_ai.output.messages"]) == [
        {"role": "assistant", "parts": [_png("aW1n")], "finish_reason": "stop"}
    ]


@pytest.mark.parametrize("name", VIDEOS)
def test_images_and_videos_of_a_videos_prompt(make, name):
    arguments, expected = VIDEOS[name]
    span = make("generate_videos", LATER, model="veo-3.1-generate-001", prompt="it moves", **arguments)
    _same(_in(span), [_text("it moves"), *expected])


WHY = "Unable to show. Support codes: 29310472"
PNG = {"mimeType": "image/png", "bytesBase64Encoded": "aW1n"}
SAFETY = {"contentType": "Positive Prompt", "safetyAttributes": {"categories": ["a"], "scores": [0.1]}}


@pytest.mark.parametrize(
    ("predictions", "reasons", "expected"),
    [
        ([{"raiFilteredReason": WHY}], ["content_filter"], [([], WHY)]),
        ([PNG, {"raiFilteredReason": WHY}], ["stop", "content_filter"], [([_png("aW1n")], None), ([], WHY)]),
        ([{"raiFilteredReason": WHY}] * 2, ["content_filter"] * 2, [([], WHY)] * 2),
        ([PNG, SAFETY], None, [([_png("aW1n")], None)]),
    ],
    ids=["filtered", "one of two", "both", "none"],
)
def test_filtered_images(make, predictions, reasons, expected):
    config = {"number_of_images": 2, "include_rai_reason": True, "labels": {"team": "art"}}
    span = make(
        "generate_images", {"predictions": predictions}, model="imagen-4.0-generate-001", prompt="x", config=config
    )
    found = span.attributes.get("gen_ai.response.finish_reasons")
    assert (list(found) if found else None) == reasons
    assert span.attributes["gcp.gen_ai.request.labels.team"] == "art"
    messages = json.loads(span.attributes["gen_ai.output.messages"])
    assert [(one["parts"], one.get("finish_message")) for one in messages] == expected
    assert [one["finish_reason"] for one in messages] == (reasons or ["stop"])


@pytest.mark.parametrize(
    ("response", "reasons", "parts", "messages"),
    [
        (
            {"raiMediaFilteredCount": 1, "raiMediaFilteredReasons": [WHY]},
            ("content_filter",),
            [[]],
            [WHY],
        ),
        ({"raiMediaFilteredCount": 2}, ("content_filter", "content_filter"), [[], []], [None, None]),
        (
            {
                "videos": [{"gcsUri": "gs://b/v.mp4", "mimeType": "video/mp4"}],
                "raiMediaFilteredCount": 1,
                "raiMediaFilteredReasons": [WHY],
            },
            ("stop", "content_filter"),
            [[{"type": "uri", "modality": "video", "mime_type": "video/mp4", "uri": "gs://b/v.mp4"}], []],
            [None, WHY],
        ),
        (
            {"generateVideoResponse": {"generatedSamples": [{"video": {"uri": "https://v.example/1"}}]}},
            None,
            [[{"type": "uri", "modality": "video", "uri": "https://v.example/1"}]],
            [None],
        ),
    ],
    ids=["filtered", "count alone", "one of two", "none"],
)
def test_filtered_videos(make, response, reasons, parts, messages):
    body = {"name": "operations/1", "done": True, "response": response}
    span = make("generate_videos", body, model="veo-3.1-generate-001", prompt="x")
    assert span.attributes.get("gen_ai.response.finish_reasons") == reasons
    shown = json.loads(span.attributes["gen_ai.output.messages"])
    assert [one["parts"] for one in shown] == parts
    assert [one.get("finish_message") for one in shown] == messages


def test_failed_video_is_an_error(make):
    body = {"name": "operations/1", "done": True, "error": {"code": 3, "message": "No people, please."}}
    span = make("generate_videos", body, model="veo-3.1-generate-001", prompt="x")
    assert verdict.failed(span) == "3"


@pytest.mark.parametrize("capture", ["true", "false"])
def test_large_images_are_named(provider, install, capture):
    telemetry = install(CAPTURE=capture, GENSPAN_MAX_BLOB_BYTES="10")
    provider.script(Reply(body=MADE))
    client = surfaces.make_client(provider.url, "vertex-credentials")
    client.models.upscale_image(model="imagen-4.0-upscale", image=_image(b"x" * 300), upscale_factor="x2")
    client.close()
    assert b"eHh4" not in telemetry.exported()
