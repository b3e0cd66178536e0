"""The SDK's loops of model calls and tools: a parent without usage, and a span for each tool that is run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from genspan._core.calls.tool import Tool
from genspan._core.calls.turn import current_turn
from genspan._core.hooks import stainless, wrappers
from genspan._core.hooks.patches import Patch
from genspan.openai import responses
from genspan_semconv.model import obj, parsed, text

if TYPE_CHECKING:
    from genspan._core.hooks.wrappers import Args, Kwargs

_RESPONSES, _DECISIONS = "openai.lib.responses_tool_runner", "openai.lib.decisions_tool_runner"


_loop = stainless.loop(responses, "openai")


def _tool(instance: Any, args: Args, kwargs: Kwargs) -> Tool:
    """``_execute_function(run, item)``: the model's answer has been read by then."""
    turn = current_turn()
    if turn is not None:
        turn.release()
    item = kwargs.get("item", args[-1] if args else None)
    known = obj(getattr(obj(getattr(instance, "_functions", None)).get(item.name), "tool", None))
    return Tool(item.name, item.call_id, parsed(item.arguments), text(known.get("description")))


def _result(returned: Any) -> object:
    return obj(returned).get("output")


_iterate, _run = wrappers.generator(_loop), wrappers.tools(_tool, _result)

PATCHES = (
    Patch(_RESPONSES, "ResponsesToolRunner.iterate", _iterate),
    Patch(_RESPONSES, "AsyncResponsesToolRunner.iterate", _iterate),
    Patch(_RESPONSES, "ResponsesToolRunner._execute_function", wrappers.sync(_run)),
    Patch(_RESPONSES, "AsyncResponsesToolRunner._execute_function", wrappers.asynchronous(_run)),
    Patch(_DECISIONS, "DecisionsToolRunner.run", wrappers.sync(_loop)),
    Patch(_DECISIONS, "AsyncDecisionsToolRunner.run", wrappers.asynchronous(_loop)),
)
