"""Mistral's readers, without the SDK: conversations, documents, judgements, sound."""

from __future__ import annotations

import pytest

from genspan.mistralai import conversations
from genspan.mistralai.documents import Document, FillIn, Judged, Responses, Sound
from genspan_semconv.model import Response, Usage

HI = {"type": "text", "content": "hi"}
USAGE = {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13}
SAID = {"type": "message.output", "model": "m", "content": "hi"}
CALL = {"type": "function.call", "tool_call_id": "c", "name": "f", "arguments": '{"x":1}'}
CALLED = {"type": "tool_call", "name": "f", "arguments": {"x": 1}, "id": "c"}


def test_params():
    body = {"completion_args": {"max_tokens": 7, "random_seed": 3}, "conversation_id": "c"}
    assert conversations.params(body) == {"max_tokens": 7, "seed": 3, "conversation_id": "c"}
    assert conversations.params({"max_tokens": 7}) == {}


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (
            {"conversation_id": "c", "outputs": [SAID, {**SAID, "model": "n"}], "usage": USAGE},
            Response(model="n", operation="chat", usage=Usage(9, 4, 13), conversation_id="c"),
        ),
        ({"model": "m"}, Response(model="m", operation="chat")),
        ({"complete": True}, Response(final=True)),
        ({"complete": False}, Response(complete=False)),
        ({"error": {"code": "c"}}, Response(error="c")),
        ({"error": {"type": "conversation.response.error", "code": 3000}}, Response(error="3000")),
        (
            {"usage": {**USAGE, "total_tokens": 20, "connector_tokens": 7, "connectors": {"web_search": 2, "code": 3}}},
            Response(usage=Usage(16, 4, 20, searches=2)),
        ),
        ({"usage": {**USAGE, "connector_tokens": 7}}, Response(usage=Usage(9, 4, 13))),
        (
            {"usage": {**USAGE, "connectors": {"web_search": 1, "web_search_premium": 2}}},
            Response(usage=Usage(9, 4, 13, searches=3)),
        ),
    ],
)
def test_response(data, expected):
    assert conversations.response(data) == expected


def test_prompt():
    assert conversations.prompt(
        {"instructions": "hi", "inputs": "hi", "tools": [{"type": "function", "function": {"name": "f"}}]}
    ) == (
        [HI],
        [{"role": "user", "parts": [HI]}],
        [{"type": "function", "name": "f"}],
    )
    entries = [
        {"role": "user", "content": "hi"},
        {"type": "message.input", "content": [{"type": "text", "text": "hi"}]},
        SAID,
        CALL,
        {"type": "function.result", "tool_call_id": "c", "result": "42"},
    ]
    assert conversations.prompt({"inputs": entries}).messages == [
        {"role": "user", "parts": [HI]},
        {"role": "user", "parts": [HI]},
        {"role": "assistant", "parts": [HI]},
        {"role": "assistant", "parts": [CALLED]},
        {"role": "tool", "parts": [{"type": "tool_call_response", "response": "42", "id": "c"}]},
    ]


def test_answer():
    assert conversations.answer({"outputs": [SAID, CALL, {**CALL, "tool_call_id": "d"}]}) == [
        {"role": "assistant", "parts": [HI, CALLED, {**CALLED, "id": "d"}]}
    ]
    (message,) = conversations.answer({"outputs": [{"type": "tool.execution", "name": "web_search"}, SAID]})
    assert message["parts"] == [HI, {"type": "tool.execution", "name": "web_search", "output_index": 0}]
    assert conversations.answer({"outputs": []}) == []
    assert conversations.answer({"choices": [{"message": {"content": "hi"}, "finish_reason": "stop"}]}) == [
        {"role": "assistant", "parts": [HI], "finish_reason": "stop"}
    ]


def folded(*events, fold=conversations.Fold):
    made = fold()
    for event in events:
        made.metadata(event)
        made.content(event)
    return made.data()


def test_a_stream():
    data = folded(
        {"type": "conversation.response.started", "conversation_id": "c"},
        {"type": "message.output.delta", "content": "h", "model": "m"},
        {"type": "message.output.delta", "content": {"type": "text", "text": "i"}},
        {"type": "function.call.delta", "tool_call_id": "c", "name": "f", "arguments": '{"x":', "output_index": 1},
        {"type": "function.call.delta", "tool_call_id": "c", "name": "f", "arguments": "1}", "output_index": 1},
        {"type": "conversation.response.done", "usage": USAGE},
    )
    assert conversations.response(data) == Response(
        model="m", operation="chat", usage=Usage(9, 4, 13), final=True, conversation_id="c"
    )
    assert conversations.answer(data) == [{"role": "assistant", "parts": [HI, CALLED]}]


def test_a_stream_that_failed_or_broke_off():
    data = folded({"type": "conversation.response.error", "code": 3000, "message": "no"})
    assert conversations.response(data) == Response(complete=False, error="3000")
    assert conversations.response(folded({"type": "message.output.delta", "content": "h"})).complete is False


def test_code_that_is_filled_in():
    api = FillIn()
    assert api.prompt({"prompt": "hi", "suffix": "hi"}).messages == [{"role": "user", "parts": [HI, HI]}]
    assert api.prompt({"suffix": "hi"}).messages == [{"role": "user", "parts": [HI]}]
    assert api.prompt({}).messages == []
    answer = {"choices": [{"message": {"content": "hi"}, "finish_reason": "stop"}], "usage": USAGE}
    assert api.response(answer).usage == Usage(9, 4, 13)
    assert api.answer(answer) == [{"role": "assistant", "parts": [HI], "finish_reason": "stop"}]
    assert api.params({"max_tokens": 7}) == {"max_tokens": 7}


@pytest.mark.parametrize(
    ("document", "parts"),
    [
        ({"document_url": "https://d"}, [{"type": "uri", "modality": "document", "uri": "https://d"}]),
        ({"image_url": "https://i"}, [{"type": "uri", "modality": "image", "uri": "https://i"}]),
        ({"image_url": {"url": "https://i"}}, [{"type": "uri", "modality": "image", "uri": "https://i"}]),
        ({}, None),
    ],
)
def test_documents(document, parts):
    expected = [] if parts is None else [{"role": "user", "parts": parts}]
    assert Document().prompt({"document": document}).messages == expected


def test_pages():
    assert Document().response({"model": "m", "usage_info": {"pages_processed": 2}}) == Response(model="m")
    pages = [{"markdown": "hi"}, {"markdown": "hi"}]
    assert Document().answer({"pages": pages}) == [{"role": "assistant", "parts": [HI, HI], "finish_reason": "stop"}]
    assert Document().answer({}) == []


def test_what_is_judged():
    results = [{"categories": {"violence": False}}]
    assert Judged().response({"model": "m", "results": results}) == Response(model="m", summary={"results": results})
    assert Judged().response({}) == Response()
    question = {"role": "user", "parts": [HI]}
    assert Judged().prompt({"input": ["hi", "hi"]}).messages == [question, question]
    assert Judged().prompt({"input": "hi"}).messages == [question]
    assert Judged().prompt({"input": [{"role": "user", "content": "hi"}]}).messages == [question]


def test_responses():
    output = [
        {"type": "message", "content": [{"type": "output_text", "text": "hi"}]},
        {"type": "function_call", "call_id": "c", "name": "f", "arguments": '{"x":1}'},
    ]
    assert Responses().answer({"output": output}) == [{"role": "assistant", "parts": [HI, CALLED]}]
    assert Responses().answer({}) == []


def test_sound():
    usage = {**USAGE, "prompt_audio_seconds": 3}
    assert Sound().response({"model": "m", "usage": usage}) == Response(model="m", usage=Usage(9, 4, 13, seconds=3.0))
    assert Sound().answer({"text": "hi"}) == [{"role": "assistant", "parts": [HI], "finish_reason": "stop"}]
    delta = "transcription.text.delta"
    pieces = [
        {"type": delta, "text": "h"},
        {"type": delta, "text": "i"},
        {"type": "transcription.language", "text": "x"},
    ]
    broken = folded(*pieces, fold=Sound().Fold)
    assert (broken["text"], Sound().response(broken).complete) == ("hi", False)
    done = folded(
        *pieces, {"type": "transcription.done", "text": "hi!", "model": "m", "usage": usage}, fold=Sound().Fold
    )
    assert done["text"] == "hi!"
    assert Sound().response(done) == Response(model="m", usage=Usage(9, 4, 13, seconds=3.0), final=True)
