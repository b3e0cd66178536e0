"""The SDK's loops of model calls and tools: a parent without usage, and a span for each tool that is run."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from genspan._core import drive
from genspan._core.api import Route
from genspan._core.binding import Patch
from genspan._core.call import Request
from genspan._core.context import current_turn
from genspan._core.tool import Tool
from genspan._core.turn import Plan
from genspan.openai import responses
from genspan_semconv.model import Key, obj, parsed

if TYPE_CHECKING:
    from genspan._core.drive import Args, Kwargs

_RESPONSES, _DECISIONS = "openai.lib.responses_tool_runner", "openai.lib.decisions_tool_runner"


def _intend(instance: Any, args: Args, kwargs: Kwargs) -> Plan:
    """Tools can always run in these loops."""
    key = Key("chat", "openai", None, None, None, False)
    return Plan(lambda: Request(Route(responses, key), {}, {}, ""), lambda: True)


def _tool(instance: Any, args: Args, kwargs: Kwargs) -> Tool:
    """``_execute_function(run, item)``: the model's answer has been read by then."""
    turn = current_turn()
    if turn is not None:
        turn.release()
    item = kwargs.get("item", args[-1] if args else None)
    return Tool(item.name, item.call_id, parsed(item.arguments))


def _result(returned: Any) -> object:
    return obj(returned).get("output")


_tool_sync = partial(drive.tool_sync, describe=_tool, result=_result)
_tool_async = partial(drive.tool_async, describe=_tool, result=_result)

PATCHES = (
    Patch(_RESPONSES, "ResponsesToolRunner.iterate", partial(drive.turn_generator, intend=_intend)),
    Patch(_RESPONSES, "AsyncResponsesToolRunner.iterate", partial(drive.turn_generator, intend=_intend)),
    Patch(_RESPONSES, "ResponsesToolRunner._execute_function", _tool_sync),
    Patch(_RESPONSES, "AsyncResponsesToolRunner._execute_function", _tool_async),
    Patch(_DECISIONS, "DecisionsToolRunner.run", partial(drive.turn_sync, intend=_intend)),
    Patch(_DECISIONS, "AsyncDecisionsToolRunner.run", partial(drive.turn_async, intend=_intend)),
)
