"""Google's readers, without the SDK: counts, embeddings, images and videos."""

from __future__ import annotations

import pytest

from genspan.gemini import count_tokens, embeddings, images
from genspan_semconv.model import Response, Usage

HI = {"type": "text", "content": "hi"}
BLOB = {"type": "blob", "modality": "image", "mime_type": "image/png", "content": "QUJD"}


def uri(where, modality, mime=None):
    found = {"type": "uri", "modality": modality, "uri": where}
    return found if mime is None else {**found, "mime_type": mime}


def test_count_of_tokens():
    assert count_tokens.response({"totalTokens": 0}) == Response(summary={"total_tokens": 0})
    assert count_tokens.response({}) == Response()
    assert count_tokens.answer({"totalTokens": 3}) == []


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"embedding": {"values": [1, 2, 3]}}, Response(summary={"embeddings": 1, "dimension": 3})),
        (
            {
                "embeddings": [{"values": [1, 2]}, {"values": [3, 4]}],
                "usageMetadata": {"promptTokenCount": 9, "totalTokenCount": 9},
            },
            Response(usage=Usage(input=9, total=9), summary={"embeddings": 2, "dimension": 2}),
        ),
        (
            {"predictions": [{"embeddings": {"values": [1], "statistics": {"token_count": 4}}}] * 2},
            Response(usage=Usage(input=8), summary={"embeddings": 2, "dimension": 1}),
        ),
        ({"predictions": [{"embeddings": {"values": [1]}}]}, Response(summary={"embeddings": 1, "dimension": 1})),
        ({"modelVersion": "m", "usageMetadata": {"candidatesTokenCount": 1}}, Response(model="m")),
        ({}, Response()),
    ],
)
def test_embeddings(data, expected):
    assert embeddings.response(data) == expected
    assert embeddings.answer(data) == []


def test_what_is_embedded():
    content = {"parts": [{"text": "hi"}]}
    said = {"role": "user", "parts": [HI]}
    assert embeddings.prompt({"requests": [{"content": content}, {"content": content}]}).messages == [said, said]
    assert embeddings.prompt({"content": content}).messages == [said]
    assert embeddings.prompt({"instances": [{"content": "hi"}, {"text": "hi"}]}).messages == [said, said]
    image = {"image": {"bytesBase64Encoded": "QUJD", "mimeType": "image/png"}}
    assert embeddings.prompt({"instances": [image]}).messages == [{"role": "user", "parts": [BLOB]}]
    assert embeddings.prompt({"instances": [{}]}).messages == [
        {"role": "user", "parts": [{"type": "text", "content": ""}]}
    ]


DRAWN = {"bytesBase64Encoded": "QUJD", "mimeType": "image/png"}


@pytest.mark.parametrize(
    ("data", "expected", "messages"),
    [
        ({"predictions": [DRAWN]}, Response(), [{"parts": [BLOB], "finish_reason": "stop"}]),
        (
            {"predictions": [DRAWN, {"raiFilteredReason": "why"}]},
            Response(finish_reasons=["stop", "content_filter"]),
            [
                {"parts": [BLOB], "finish_reason": "stop"},
                {"parts": [], "finish_reason": "content_filter", "finish_message": "why"},
            ],
        ),
        ({"name": "o"}, Response(id="o", summary={"operation": "o"}), []),
        ({"name": "o", "error": {"status": "S"}}, Response(id="o", summary={"operation": "o"}, error="S"), []),
        ({"error": {"code": 3}}, Response(error="3"), []),
        ({"error": {"message": "no"}}, Response(error="error"), []),
        (
            {"response": {"videos": [{"gcsUri": "gs://v", "mimeType": "video/mp4"}]}},
            Response(),
            [{"parts": [uri("gs://v", "video", "video/mp4")], "finish_reason": "stop"}],
        ),
        (
            {"response": {"generateVideoResponse": {"generatedSamples": [{"video": {"uri": "https://v"}}]}}},
            Response(),
            [{"parts": [uri("https://v", "video")], "finish_reason": "stop"}],
        ),
        (
            {"response": {"raiMediaFilteredCount": 2, "raiMediaFilteredReasons": ["why"]}},
            Response(finish_reasons=["content_filter", "content_filter"]),
            [
                {"parts": [], "finish_reason": "content_filter", "finish_message": "why"},
                {"parts": [], "finish_reason": "content_filter"},
            ],
        ),
    ],
)
def test_images_and_videos(data, expected, messages):
    assert images.response(data) == expected
    assert images.answer(data) == [{"role": "assistant", **message} for message in messages]


def test_what_is_drawn_from():
    body = {
        "instances": [
            {
                "prompt": "hi",
                "image": DRAWN,
                "video": {"gcsUri": "gs://v"},
                "referenceImages": [{"referenceImage": {"gcsUri": "gs://i", "mimeType": "image/jpeg"}}],
            }
        ]
    }
    assert images.prompt(body).messages == [
        {"role": "user", "parts": [HI, BLOB, uri("gs://v", "video"), uri("gs://i", "image", "image/jpeg")]}
    ]
    for field in ("bytesBase64Encoded", "encodedVideo", "data"):
        assert list(images.read_media({field: "QUJD", "encoding": "image/png"})) == [BLOB]
    for field in ("gcsUri", "uri", "fileUri"):
        assert list(images.read_media({field: "gs://i"})) == [uri("gs://i", "image")]
    deep = DRAWN
    for _ in range(7):
        deep = {"x": deep}
    assert len(list(images.read_media(deep))) == 1
    assert list(images.read_media({"x": deep})) == []
