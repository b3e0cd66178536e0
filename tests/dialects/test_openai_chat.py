"""Chat completions of OpenAI and of servers that speak them, whole and streamed."""

from __future__ import annotations

import pytest

from genspan.dialects import openai_chat, openai_embeddings
from genspan.dialects.errors import error_code, reported_error
from genspan.dialects.openai_media import Fold as MediaFold
from genspan.dialects.openai_media import Media
from genspan.dialects.openai_params import read
from genspan_semconv.model import Response, Usage
from tests.support.folding import folded

USAGE = {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13}
HI = {"type": "text", "content": "hi"}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"temperature": 0}, {"temperature": 0.0}),
        ({"top_p": 0.5}, {"top_p": 0.5}),
        ({"top_k": 5}, {"top_k": 5}),
        ({"max_completion_tokens": 7}, {"max_tokens": 7}),
        ({"max_tokens": 7}, {"max_tokens": 7}),
        ({"max_output_tokens": 7}, {"max_tokens": 7}),
        ({"max_completion_tokens": None, "max_tokens": 7}, {"max_tokens": 7}),
        ({"max_completion_tokens": 8, "max_tokens": 7}, {"max_tokens": 8}),
        ({"stop": "x"}, {"stop_sequences": ["x"]}),
        ({"stop": ["x", "y"]}, {"stop_sequences": ["x", "y"]}),
        ({"stop": []}, {}),
        ({"seed": 0}, {"seed": 0}),
        ({"random_seed": 3}, {"seed": 3}),
        ({"frequency_penalty": 0.5}, {"frequency_penalty": 0.5}),
        ({"presence_penalty": -0.5}, {"presence_penalty": -0.5}),
        ({"n": 1}, {}),
        ({"n": 2}, {"choice_count": 2}),
        ({"reasoning_effort": "low"}, {"reasoning_level": "low"}),
        ({"reasoning": {"effort": "high"}}, {"reasoning_level": "high"}),
        ({"reasoning": {}}, {}),
        ({"modalities": ["text", "audio"]}, {"output_type": "speech"}),
        ({"modalities": ["text"]}, {}),
        ({"output_modalities": ["audio"]}, {"output_type": "speech"}),
        ({"response_format": {"type": "json_schema"}}, {"output_type": "json"}),
        ({"response_format": {"type": "json_object"}}, {"output_type": "json"}),
        ({"response_format": {"type": "text"}}, {"output_type": "text"}),
        ({"response_format": "b64_json"}, {}),
        ({"text": {"format": {"type": "json_schema"}}}, {"output_type": "json"}),
        ({"previous_response_id": "r"}, {"previous_response_id": "r"}),
        ({"conversation": "c"}, {"conversation_id": "c"}),
        ({"conversation": {"id": "c"}}, {"conversation_id": "c"}),
        ({"prompt": {"id": "p", "version": "2"}}, {"prompt_name": "p", "prompt_version": "2"}),
        ({"prompt": "words"}, {}),
        ({"dimensions": 64}, {"dimension_count": 64}),
        ({"encoding_format": "base64"}, {"encoding_formats": ["base64"]}),
        ({"encoding_format": []}, {}),
        ({"temperature": "hot", "top_k": 1.5, "seed": True}, {}),
    ],
)
def test_params(body, expected):
    assert read(body) == expected
    assert openai_chat.params(body) == expected
    assert openai_embeddings.params(body) == expected


CHOICE = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "hi"}}


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (
            {"id": "r", "model": "m", "choices": [CHOICE], "usage": USAGE},
            Response("r", "m", finish_reasons=["stop"], usage=Usage(9, 4, 13), complete=True, final=True),
        ),
        ({"choices": [CHOICE]}, Response(finish_reasons=["stop"], complete=True)),
        (
            {"choices": [CHOICE, {"finish_reason": "length"}]},
            Response(finish_reasons=["stop", "length"], complete=True),
        ),
        ({"choices": [CHOICE, {}]}, Response(finish_reasons=["stop"], complete=False)),
        ({"usage": USAGE}, Response(usage=Usage(9, 4, 13), complete=False)),
        (
            {"choices": [{"finish_reason": "error"}]},
            Response(finish_reasons=["error"], complete=False, error="error"),
        ),
        (
            {"choices": [CHOICE], "usage": USAGE, "error": {"code": "overloaded"}},
            Response(finish_reasons=["stop"], usage=Usage(9, 4, 13), complete=False, error="overloaded"),
        ),
        ({}, Response(complete=False)),
    ],
)
def test_response(data, expected):
    assert openai_chat.response(data) == expected


def test_prompt():
    tool = {"type": "function", "function": {"name": "f"}}
    body = {"messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "hi"}], "tools": [tool]}
    assert openai_chat.prompt({**body, "functions": [{"name": "g"}]}) == (
        [],
        [
            {"role": "system", "parts": [{"type": "text", "content": "s"}]},
            {"role": "user", "parts": [HI]},
        ],
        [{"type": "function", "name": "f"}, {"type": "function", "name": "g"}],
    )
    assert openai_chat.prompt({}) == ([], [], [])


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"choices": [CHOICE]}, [{"role": "assistant", "parts": [HI], "finish_reason": "stop"}]),
        (
            {"choices": [CHOICE, {"finish_reason": "length", "message": {"content": "ho"}}]},
            [
                {"role": "assistant", "parts": [HI], "finish_reason": "stop"},
                {"role": "assistant", "parts": [{"type": "text", "content": "ho"}], "finish_reason": "length"},
            ],
        ),
        (
            {"choices": [{"finish_reason": "tool_calls", "message": {"role": None}}]},
            [{"role": "assistant", "parts": [], "finish_reason": "tool_call"}],
        ),
        (
            {"choices": [{"finish_reason": "function_call"}]},
            [{"role": "assistant", "parts": [], "finish_reason": "tool_call"}],
        ),
        ({"choices": [{"message": {"content": ""}}]}, []),
        ({"choices": [{"text": "hi"}]}, [{"role": "assistant", "parts": [HI]}]),
        ({"choices": [{"delta": {"content": "hi"}}]}, [{"role": "assistant", "parts": [HI]}]),
        (
            {"choices": [CHOICE, CHOICE], "citations": ["u"]},
            [
                {"role": "assistant", "parts": [{**HI, "citations": ["u"]}], "finish_reason": "stop"},
                {"role": "assistant", "parts": [HI], "finish_reason": "stop"},
            ],
        ),
        ({"citations": ["u"]}, []),
        ({}, []),
    ],
)
def test_answer(data, expected):
    assert openai_chat.answer(data) == expected


def piece(delta=None, index=0, finish=None, **more):
    return {"choices": [{"index": index, "delta": delta or {}, "finish_reason": finish}], **more}


@pytest.mark.parametrize("metadata_alone", [False, True])
def test_figures_of_a_stream(metadata_alone):
    data = folded(
        openai_chat,
        piece({"role": "assistant", "content": ""}, id="r", model="m", service_tier=None),
        piece({"content": "h"}, id="later", service_tier="flex"),
        piece({"content": "i"}, system_fingerprint="fp", model=""),
        piece({}, finish="stop"),
        {"choices": [], "usage": USAGE},
        metadata_alone=metadata_alone,
    )
    assert data["id"] == "r"
    assert {name: data[name] for name in ("model", "service_tier", "system_fingerprint")} == {
        "model": "m",
        "service_tier": "flex",
        "system_fingerprint": "fp",
    }
    assert openai_chat.response(data) == Response(
        "r", "m", finish_reasons=["stop"], usage=Usage(9, 4, 13), complete=True, final=True
    )
    assert openai_chat.answer(data) == [
        {"role": "assistant", "parts": [] if metadata_alone else [HI], "finish_reason": "stop"}
    ]


@pytest.mark.parametrize(
    ("chunks", "usage"),
    [
        ([{"usage": {"prompt_tokens": 9, "completion_tokens": 1}}, {"usage": {"completion_tokens": 4}}], Usage(9, 4)),
        ([{"x_groq": {"usage": USAGE}}], Usage(9, 4, 13)),
        ([{"usage": USAGE}, {"usage": None}], Usage(9, 4, 13)),
        ([piece({"content": "a"}, usage=USAGE)], Usage(9, 4, 13)),
        ([{"choices": [{"index": 0, "usage": USAGE}]}], Usage(9, 4, 13)),
        (
            [
                {"choices": [{"index": 0, "usage": USAGE}]},
                {"choices": [{"index": 0, "usage": {**USAGE, "completion_tokens": 6}}]},
                {"choices": [{"index": 1, "usage": USAGE}]},
            ],
            Usage(9, 10),
        ),
        ([piece({"content": "a"}), {"timings": {"prompt_n": 6, "predicted_n": 4}}], Usage(6, 4)),
        ([], None),
    ],
)
def test_usage_of_a_stream(chunks, usage):
    assert openai_chat.response(folded(openai_chat, *chunks)).usage == usage


@pytest.mark.parametrize(
    ("chunks", "error"),
    [
        ([piece({"content": "a"}), {"error": {"code": "overloaded"}}], "overloaded"),
        ([piece({"content": "a"}), {"error": {"code": "a"}}, {"error": {"code": "b"}}], "a"),
        ([{"choices": [{"index": 0, "delta": {}, "error": {"code": 502}}]}], "502"),
        ([{"x_groq": {"error": "over_capacity"}}], "over_capacity"),
        ([{"object": "error", "message": "no", "code": 400}], "400"),
        ([piece({"content": "a"}, error={"code": "c"})], "c"),
        ([piece({}, finish="error")], "error"),
        ([piece({"content": "a"}, finish="stop")], None),
    ],
)
def test_error_of_a_stream(chunks, error):
    assert openai_chat.response(folded(openai_chat, *chunks)).error == error


def test_several_choices_of_a_stream():
    chunk = {"choices": [{"index": index, "delta": {"content": str(index)}} for index in (1, 0)]}
    data = folded(openai_chat, chunk, chunk, piece({}, 1, "length"), piece({}, 0, "stop"))
    assert openai_chat.response(data).finish_reasons == ["stop", "length"]
    assert [(one["parts"][0]["content"], one["finish_reason"]) for one in openai_chat.answer(data)] == [
        ("00", "stop"),
        ("11", "length"),
    ]


def test_an_index_that_counts_chunks_is_no_choice():
    data = folded(openai_chat, piece({"content": "h"}, 0), piece({"content": "i"}, 1), piece({}, 2, "stop"))
    assert openai_chat.answer(data) == [{"role": "assistant", "parts": [HI], "finish_reason": "stop"}]
    assert openai_chat.response(data).finish_reasons == ["stop"]


@pytest.mark.parametrize(
    "chunks",
    [
        [piece({"content": "h"}, 0, "stop"), piece({"content": "i"}, 1, "stop")],
        [piece({"content": "h"}, 0), piece({"content": "i"}, 2, "stop")],
        [{"choices": [{"index": 0, "delta": {"content": "h"}}, {"index": 1, "delta": {"content": "i"}}]}],
        [piece({"content": "h"}, 0), piece({}, 0), piece({"content": "i"}, 1, "stop")],
    ],
)
def test_choices_are_choices(chunks):
    assert [one["parts"][0]["content"] for one in openai_chat.answer(folded(openai_chat, *chunks))] == ["h", "i"]


@pytest.mark.parametrize(
    ("deltas", "expected"),
    [
        ([{"content": "h"}, {"content": "i"}], [HI]),
        ([{"content": "hi"}], [HI]),
        ([{"refusal": "n"}, {"refusal": "o"}], [{"type": "refusal", "content": "no"}]),
        ([{"reasoning_content": "h"}, {"reasoning_content": "m"}], [{"type": "reasoning", "content": "hm"}]),
        ([{"reasoning": "h"}, {"reasoning": "m"}], [{"type": "reasoning", "content": "hm"}]),
        (
            [{"reasoning_details": [{"text": "h"}]}, {"reasoning_details": [{"summary": "m"}]}],
            [{"type": "reasoning", "content": "hm"}],
        ),
        (
            [{"audio": {"transcript": "h", "data": "QU"}}, {"audio": {"transcript": "i", "data": "JD"}}],
            [HI, {"type": "blob", "modality": "audio", "content": "QUJD"}],
        ),
        (
            [{"images": [{"url": "https://h/a"}]}, {"images": [{"url": "https://h/a"}, {"url": "https://h/b"}]}],
            [
                {"type": "uri", "modality": "image", "uri": "https://h/a"},
                {"type": "uri", "modality": "image", "uri": "https://h/b"},
            ],
        ),
        (
            [{"content": "h"}, {"content": "i", "annotations": [1]}, {"annotations": [2]}],
            [{**HI, "annotations": [1, 2]}],
        ),
        ([{"content": [{"type": "text", "text": "h"}]}, {"content": ["i"]}], [HI]),
        (
            [
                {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "h"}]}]},
                {"content": [{"type": "thinking", "thinking": "m"}]},
            ],
            [{"type": "reasoning", "content": "hm"}],
        ),
        (
            [{"content": "hi"}, {"content": [{"type": "image_url", "image_url": "https://h/a"}]}],
            [HI, {"type": "uri", "modality": "image", "uri": "https://h/a"}],
        ),
        (
            [{"function_call": {"name": "f", "arguments": '{"x":'}}, {"function_call": {"arguments": "1}"}}],
            [{"type": "tool_call", "name": "f", "arguments": {"x": 1}}],
        ),
    ],
)
def test_pieces_of_a_message(deltas, expected):
    (message,) = openai_chat.answer(folded(openai_chat, *(piece(delta) for delta in deltas)))
    assert message == {"role": "assistant", "parts": expected}


def test_the_role_of_a_stream():
    (message,) = openai_chat.answer(
        folded(openai_chat, piece({"role": "user", "content": "h"}), piece({"content": "i"}))
    )
    assert message == {"role": "user", "parts": [HI]}


def test_a_message_whole_after_its_pieces_is_the_same_once_more():
    whole = {"choices": [{"index": 0, "message": {"content": "hi"}, "finish_reason": "stop"}]}
    (message,) = openai_chat.answer(folded(openai_chat, piece({"content": "h"}), piece({"content": "i"}), whole))
    assert message["parts"] == [HI]
    (message,) = openai_chat.answer(folded(openai_chat, *({"choices": [{"text": one}]} for one in "hi")))
    assert message["parts"] == [HI]


def calls(*chunks):
    """The tool calls of a stream, each chunk a list of pieces."""
    (message,) = openai_chat.answer(folded(openai_chat, *(piece({"tool_calls": list(pieces)}) for pieces in chunks)))
    return [(part.get("id"), part["name"], part["arguments"]) for part in message["parts"]]


def part_of(index=None, identity=None, name=None, arguments=None):
    found = {"index": index, "id": identity, "function": {"name": name, "arguments": arguments}}
    return {key: value for key, value in found.items() if value is not None}


@pytest.mark.parametrize(
    ("chunks", "expected"),
    [
        (
            [
                [part_of(0, "a", "f", "")],
                [part_of(0, arguments='{"x":')],
                [part_of(0, arguments="1}")],
                [part_of(1, "b", "g", "")],
                [part_of(1, arguments="{}")],
            ],
            [("a", "f", {"x": 1}), ("b", "g", {})],
        ),
        # Of interleaved calls each keeps its own pieces.
        (
            [
                [part_of(0, "a", "f", ""), part_of(1, "b", "g", "")],
                [part_of(1, arguments='{"y":')],
                [part_of(0, arguments='{"x":1}')],
                [part_of(1, arguments="2}")],
            ],
            [("a", "f", {"x": 1}), ("b", "g", {"y": 2})],
        ),
        # No index: by the id, or the call before.
        (
            [[part_of(None, "a", "f", '{"x":')], [part_of(None, "a", None, "1}")], [part_of(None, "b", "g", "{}")]],
            [("a", "f", {"x": 1}), ("b", "g", {})],
        ),
        ([[part_of(None, "a", "f", '{"x":')], [part_of(None, None, None, "1}")]], [("a", "f", {"x": 1})]),
        # Several in one chunk without an index.
        ([[part_of(None, "a", "f", "{}"), part_of(None, "b", "g", "{}")]], [("a", "f", {}), ("b", "g", {})]),
        # Every piece another id, at one index.
        ([[part_of(0, "a", "f", '{"x":')], [part_of(0, "z", None, "1}")]], [("a", "f", {"x": 1})]),
        # Every call the same index.
        ([[part_of(0, "a", "f", "{}")], [part_of(0, "b", "g", "{}")]], [("a", "f", {}), ("b", "g", {})]),
        ([[part_of(0, "a", "f", "{}")], [part_of(0, "b", "f", '{"x":1}')]], [("a", "f", {}), ("b", "f", {"x": 1})]),
        ([[part_of(0, None, "f", "{}")], [part_of(0, None, "g", "{}")]], [(None, "f", {}), (None, "g", {})]),
        # The name once more with each piece, or in pieces.
        ([[part_of(0, "a", "f", '{"x":')], [part_of(0, "a", "f", "1}")]], [("a", "f", {"x": 1})]),
        (
            [[part_of(0, "a", "get_")], [part_of(0, None, "weather")], [part_of(0, None, None, "{}")]],
            [("a", "get_weather", {})],
        ),
        # Arguments as an object, or whole once more.
        ([[part_of(0, "a", "f", {"x": 1})]], [("a", "f", {"x": 1})]),
        ([[part_of(0, "a", "f", '{"x":1}')], [part_of(0, "a", None, '{"x":1}')]], [("a", "f", {"x": 1})]),
        # A custom tool has an input, which is a text.
        (
            [
                [{"index": 0, "id": "a", "custom": {"name": "f", "input": "fr"}}],
                [{"index": 0, "custom": {"input": "ee"}}],
            ],
            [("a", "f", "free")],
        ),
        # Broken off.
        ([[part_of(0, "a", "f", '{"x":')]], [("a", "f", '{"x":')]),
    ],
)
def test_tool_calls_of_a_stream(chunks, expected):
    assert calls(*chunks) == expected


@pytest.mark.parametrize("index", [0, 1, 2])
def test_tool_calls_of_each_choice_of_a_stream(index):
    chunks = [piece({"tool_calls": [part_of(0, "a", "f", "")]}, index)]
    chunks += [piece({"tool_calls": [part_of(0, arguments=one)]}, index) for one in ('{"x"', ":1}")]
    chunks += [piece({}, index, "tool_calls")]
    (message,) = openai_chat.answer(folded(openai_chat, *chunks))
    assert message["parts"] == [{"type": "tool_call", "name": "f", "arguments": {"x": 1}, "id": "a"}]
    assert message["finish_reason"] == "tool_call"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        ({"error": {"code": "c", "type": "t"}}, "c"),
        ({"error": {"code": None, "type": "t"}}, "t"),
        ({"error": {"message": "no"}}, "error"),
        ({"error": "overloaded"}, "overloaded"),
        ({"error": "Your words"}, "error"),
        ({"error": {"code": 429}}, "429"),
        ({"error": {"status": "UNAVAILABLE"}}, "UNAVAILABLE"),
        ({"error": {"error_code": "e"}}, "e"),
        ({"x_groq": {"error": "g"}}, "g"),
        ({"choices": [{"error": {"code": 502}}]}, "502"),
        ({"object": "error", "message": "no", "code": 404}, "404"),
        ({"type": "error", "message": "no"}, "error"),
        ({"detail": "Not found"}, "error"),
        ({"code": 1001, "msg": "no"}, "1001"),
        ({"code": "InvalidKey", "message": "no"}, "InvalidKey"),
        ({"error_code": 17, "error_msg": "no"}, "17"),
        ({"errors": [{"code": 7003, "message": "no"}], "success": False}, "7003"),
        ({"base_resp": {"status_code": 1004, "status_msg": "no"}}, "1004"),
        ({"base_resp": {"status_code": 0, "status_msg": "success"}}, None),
        ({"code": 200, "message": "ok"}, None),
        ({"code": "success", "message": "done"}, None),
        ({"message": {"content": "hi"}}, None),
        ({"message": "hi", "choices": [{}]}, None),
        ({"message": "hi", "usage": {"prompt_tokens": 1}}, None),
        ({"error": None, "choices": [{"error": None}]}, None),
        ({}, None),
    ],
)
def test_errors_in_the_place_of_an_answer(data, code):
    assert error_code(reported_error(data)) == code


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
