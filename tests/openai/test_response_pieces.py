"""Output items of the Responses API in pieces, as servers that speak it really send them."""

from __future__ import annotations

import json

import pytest

from tests.openai.conftest import ASK

pytestmark = pytest.mark.filterwarnings("ignore:Pydantic serializer warnings:UserWarning")

HEAD = {"id": "resp_1", "object": "response", "created_at": 1, "model": "m-1", "status": "completed"}
USAGE = {"input_tokens": 7, "output_tokens": 5, "total_tokens": 12}
CALL = ("tool_call", "one", {"a": 1})


def item(name="one", arguments="", identity="fc_1"):
    return {"type": "function_call", "id": identity, "call_id": f"c_{name}", "name": name, "arguments": arguments}


def added(one, index=0):
    placed = {} if index is None else {"output_index": index}
    return {"type": "response.output_item.added", **placed, "item": one}


def done(one, index=0):
    return {**added(one, index), "type": "response.output_item.done"}


def piece(how, text, index=0, identity="fc_1"):
    placed = {} if index is None else {"output_index": index}
    field = "delta" if how == "delta" else "arguments"
    return {"type": f"response.function_call_arguments.{how}", "item_id": identity, **placed, field: text}


def _two(index):
    """Two calls whose events have this index."""
    first = (added(item(), index), piece("delta", '{"a": 1}', index))
    return [*first, added(item("two", "", "fc_2"), index), piece("delta", '{"b": 2}', index, "fc_2")]


TWICE = [CALL, ("tool_call", "two", {"b": 2})]
EVENTS = {
    "arguments in pieces": ([added(item()), piece("delta", '{"a"'), piece("delta", ": 1}")], [], [CALL]),
    "arguments in the done event alone": ([added(item()), piece("done", '{"a": 1}')], [], [CALL]),
    "an item that is done without them": ([added(item()), piece("done", '{"a": 1}'), done(item())], [], [CALL]),
    "a response that lacks them": ([added(item()), piece("delta", '{"a": 1}'), done(item())], [item()], [CALL]),
    "arguments in the item alone": ([added(item()), done(item(arguments='{"a": 1}'))], [], [CALL]),
    "no indexes": (_two(None), [], TWICE),
    "one index for all": (_two(0), [], TWICE),
}  # fmt: skip


@pytest.mark.parametrize("name", EVENTS)
def test_tool_calls(install, provider, client, name):
    telemetry = install(CAPTURE="true")
    events, output, right = EVENTS[name]
    created = {"type": "response.created", "response": {**HEAD, "status": "in_progress", "output": []}}
    last = {"type": "response.completed", "response": {**HEAD, "output": output, "usage": USAGE}}
    numbered = [{"sequence_number": number, **one} for number, one in enumerate((created, *events, last))]
    provider.script({"frames": [f"event: {one['type']}\ndata: {json.dumps(one)}\n\n".encode() for one in numbered]})
    list(client.responses.create(**ASK, stream=True))
    (span,) = telemetry.spans
    (message,) = json.loads(span.attributes["gen_ai.output.messages"])
    assert [(part["type"], part["name"], part["arguments"]) for part in message["parts"]] == right
    assert (span.attributes["gen_ai.usage.input_tokens"], span.attributes["gen_ai.usage.output_tokens"]) == (7, 5)
