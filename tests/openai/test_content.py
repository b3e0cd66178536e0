"""What of requests and answers is recorded, and in which form."""

from __future__ import annotations

import base64
import json

import pytest

from tests.openai.conftest import ASK, CHAT
from tests.support import verdict


def test_content_of_a_chat(install, provider, client):
    telemetry = install(CAPTURE="true", GENSPAN_DIALECTS="genai,mlflow")
    image = "data:image/png;base64," + base64.b64encode(b"png").decode()
    parts = [{"type": "text", "text": "What is this?"}, {"type": "image_url", "image_url": {"url": image}}]
    call = {"id": "call-1", "type": "function", "function": {"name": "look", "arguments": '{"x": 1}'}}
    client.chat.completions.create(
        model="gpt-4.1-mini",
        messages=[
            {"role": "developer", "content": "Be brief."},
            {"role": "user", "content": parts},
            {"role": "assistant", "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "call-1", "content": "a cat"},
        ],
        tools=[{"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}],
    )
    (span,) = telemetry.spans
    messages = json.loads(span.attributes["gen_ai.input.messages"])
    assert [message["role"] for message in messages] == ["developer", "user", "assistant", "tool"]
    assert messages[1]["parts"][1] == {"type": "blob", "modality": "image", "mime_type": "image/png", "content": "cG5n"}
    assert messages[2]["parts"] == [{"type": "tool_call", "name": "look", "arguments": {"x": 1}, "id": "call-1"}]
    assert messages[3]["parts"] == [{"type": "tool_call_response", "response": "a cat", "id": "call-1"}]
    answer = json.loads(span.attributes["gen_ai.output.messages"])[0]
    assert answer["finish_reason"] == "stop"
    verdict.sound(telemetry)


CHUNK = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "gpt-4.1-mini"}


def _delta(index=0, reason=None, **delta):
    return {**CHUNK, "choices": [{"index": index, "delta": delta, "finish_reason": reason}]}


def _piece(index, arguments, **fields):
    function = {"arguments": arguments, **({"name": fields.pop("name")} if "name" in fields else {})}
    return _delta(tool_calls=[{"index": index, **fields, "function": function}])


STREAMED_CALLS = {
    "in turn": [_piece(0, '{"a"', id="c1", name="one"), _piece(0, ": 1}"), _piece(1, "{}", id="c2", name="two")],
    "mixed": [
        _piece(0, "", id="c1", name="one"),
        _piece(1, "", id="c2", name="two"),
        _piece(0, '{"a": 1}'),
        _piece(1, "{}"),
    ],
    "sparse": [_piece(3, '{"a": 1}', id="c1", name="one"), _piece(7, "{}", id="c2", name="two")],
    "no index": [
        _piece(None, '{"a"', id="c1", name="one"),
        _piece(None, ": 1}"),
        _piece(None, "{}", id="c2", name="two"),
    ],
    "one index": [_piece(0, '{"a": 1}', id="c1", name="one"), _piece(0, "{}", id="c2", name="two")],
    "id repeated": [
        _piece(0, '{"a"', id="c1", name="one"),
        _piece(0, ": 1}", id="c1", name="one"),
        _piece(1, "{}", id="c2", name="two"),
    ],
}


@pytest.mark.parametrize("name", STREAMED_CALLS)
def test_streamed_tool_calls(install, provider, client, name):
    telemetry = install(CAPTURE="true")
    frames = [b"data: " + json.dumps(one).encode() + b"\n\n" for one in STREAMED_CALLS[name]]
    frames.append(b"data: " + json.dumps(_delta(reason="tool_calls")).encode() + b"\n\ndata: [DONE]\n\n")
    provider.script({"frames": frames})
    list(client.chat.completions.create(**CHAT, stream=True))
    (span,) = telemetry.spans
    parts = json.loads(span.attributes["gen_ai.output.messages"])[0]["parts"]
    assert [(part["name"], part["arguments"], part["id"]) for part in parts] == [
        ("one", {"a": 1}, "c1"),
        ("two", {}, "c2"),
    ]


def test_several_streamed_choices(install, provider, client):
    telemetry = install(CAPTURE="true")
    list(client.chat.completions.create(**CHAT, n=3, stream=True))
    (span,) = telemetry.spans
    assert span.attributes["gen_ai.response.finish_reasons"] == ("stop",) * 3
    assert span.attributes["gen_ai.request.choice.count"] == 3
    assert len(json.loads(span.attributes["gen_ai.output.messages"])) == 3


def test_a_refusal_and_reasoning(install, provider, client):
    telemetry = install(CAPTURE="true", GENSPAN_DIALECTS="genai,mlflow")
    message = {"role": "assistant", "content": None, "refusal": "No.", "reasoning_content": "They must not."}
    choice = {"index": 0, "message": message, "finish_reason": "content_filter"}
    provider.script({"body": {"id": "c", "model": "m", "object": "chat.completion", "created": 1, "choices": [choice]}})
    client.chat.completions.create(**CHAT)
    (span,) = telemetry.spans
    parts = json.loads(span.attributes["gen_ai.output.messages"])[0]["parts"]
    assert [(part["type"], part["content"]) for part in parts] == [("reasoning", "They must not."), ("refusal", "No.")]
    assert span.attributes["gen_ai.response.finish_reasons"] == ("content_filter",)
    verdict.sound(telemetry)


def test_attributes_of_the_refinement(install, client):
    telemetry = install()
    client.chat.completions.create(**CHAT, service_tier="flex", reasoning_effort="high", seed=7, stop=["x"], n=1)
    stored = {"id": "pmpt_1", "version": "3"}
    client.responses.create(
        **ASK, previous_response_id="resp_0", conversation="conv_1", reasoning={"effort": "low"}, prompt=stored
    )
    chat, ask = (dict(span.attributes) for span in telemetry.spans)
    assert chat["openai.api.type"] == "chat_completions"
    assert chat["openai.request.service_tier"] == chat["openai.response.service_tier"] == "flex"
    assert chat["openai.response.system_fingerprint"] == "fp_fake"
    assert chat["gen_ai.request.reasoning.level"] == "high"
    assert chat["gen_ai.request.stop_sequences"] == ("x",)
    assert "gen_ai.request.choice.count" not in chat
    assert ask["openai.api.type"] == "responses"
    assert ask["gen_ai.request.previous_response.id"] == "resp_0"
    assert ask["gen_ai.conversation.id"] == "conv_1"
    assert (ask["gen_ai.prompt.name"], ask["gen_ai.prompt.version"]) == ("pmpt_1", "3")
    assert ask["gen_ai.response.status"] == "completed"
