"""OpenAI's embeddings, images and sound: parameters, answers, streams."""

from __future__ import annotations

import pytest

from genspan.dialects import openai_embeddings
from genspan.dialects.openai_media import Fold as MediaFold
from genspan.dialects.openai_media import Media
from genspan_semconv.model import Response, Usage

USAGE = {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13}

HI = {"type": "text", "content": "hi"}


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (
            {
                "model": "m",
                "data": [{"embedding": [0.1, 0.2, 0.3]}, {"embedding": [1]}],
                "usage": {"prompt_tokens": 9, "total_tokens": 9},
            },
            Response(model="m", usage=Usage(input=9, total=9), summary={"embeddings": 2, "dimension": 3}),
        ),
        ({"data": [{"embedding": "QUJD"}]}, Response(summary={"embeddings": 1})),
        ({"usage": {"total_tokens": 9}}, Response(usage=Usage(input=9, total=9))),
        ({"usage": {"prompt_tokens": 9, "completion_tokens": 3}}, Response(usage=Usage(input=9))),
        ({"error": {"code": "c"}}, Response(error="c")),
        ({"data": [{}]}, Response()),
    ],
)
def test_embeddings(data, expected):
    assert openai_embeddings.response(data) == expected
    assert openai_embeddings.answer(data) == []


def test_what_is_embedded():
    assert openai_embeddings.prompt({"input": ["hi", "ho"]}).messages == [
        {"role": "user", "parts": [{"type": "text", "content": one}]} for one in ("hi", "ho")
    ]
    assert openai_embeddings.prompt({"input": [[1, 2]]}).messages == []


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"model": "m", "usage": USAGE}, Response(model="m", usage=Usage(9, 4, 13))),
        ({"complete": True}, Response(final=True)),
        ({"complete": False}, Response(complete=False)),
        ({"object": "video", "id": "v"}, Response(id="v", summary={"video": "v"})),
        ({"object": "image", "id": "v"}, Response(id="v")),
        ({"error": {"code": "c"}}, Response(error="c")),
    ],
)
def test_media(data, expected):
    assert Media("image").response(data) == expected


def test_parameters_and_content_of_media():
    assert Media("image").params({"n": 2}) == {"choice_count": 2, "output_type": "image"}
    assert Media().params({"n": 2}) == {"choice_count": 2}
    assert Media().prompt({"prompt": "hi", "instructions": "s"}) == (
        [{"type": "text", "content": "s"}],
        [{"role": "user", "parts": [HI]}],
        [],
    )
    assert Media().prompt({"input": "hi"}).messages == [{"role": "user", "parts": [HI]}]
    png = {"type": "blob", "modality": "image", "mime_type": "image/png", "content": "QUJD"}
    assert (
        Media().answer({"data": [{"b64_json": "QUJD"}, {"b64_json": "QUJD"}]})
        == [{"role": "assistant", "parts": [png], "finish_reason": "stop"}] * 2
    )
    assert Media().answer({"text": "hi"}) == [{"role": "assistant", "parts": [HI], "finish_reason": "stop"}]
    assert Media().answer({}) == []


def media_folded(*chunks):
    fold = MediaFold()
    for chunk in chunks:
        fold.metadata(chunk)
        fold.content(chunk)
    return fold.data()


def test_several_images_of_a_stream_are_each_counted():
    image = {
        "type": "image_generation.completed",
        "b64_json": "QUJD",
        "usage": {**USAGE, "input_tokens_details": {"text_tokens": 9}},
    }
    data = media_folded({"type": "image_generation.partial_image", "b64_json": "QQ"}, image, image, {"type": "x.done"})
    assert Media("image").response(data) == Response(
        usage=Usage(18, 8, 26, modalities={("text", "input"): 18}), complete=True, final=True
    )
    assert len(Media("image").answer(data)) == 2


def test_pieces_of_what_was_heard():
    delta = "transcript.text.delta"
    data = media_folded(
        {"type": delta, "delta": "h"},
        {"type": delta, "delta": "i"},
        {"type": "transcript.text.segment", "delta": "x"},
        {"type": "transcript.text.done", "text": "hi", "usage": USAGE},
    )
    assert Media("text").response(data).usage == Usage(9, 4, 13)
    assert Media("text").answer(data) == [{"role": "assistant", "parts": [HI], "finish_reason": "stop"}]
    assert Media("text").response(media_folded({"type": delta, "delta": "h"})) == Response(complete=False)
    assert Media("text").response(media_folded({"error": {"code": "c"}})).error == "c"
