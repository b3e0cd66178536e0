"""Functions that google-genai runs by itself (automatic function calling): whether it can, and each run."""

from __future__ import annotations

import sys
from functools import lru_cache
from inspect import cleandoc
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from genspan._core.calls.tool import Tool
from genspan._core.calls.turn import current_turn
from genspan._core.guard import Guard
from genspan._core.hooks import wrappers
from genspan._core.hooks.patches import Patch
from genspan_semconv.model import seq, text

if TYPE_CHECKING:
    from genspan._core.emit.telemetry import Telemetry
    from genspan._core.hooks.wrappers import Args, Kwargs, Wrapped, Wrapper


def can_run(instance: Any, args: Args, kwargs: Kwargs) -> bool:
    """Whether the SDK may run a function in this call of ``generate_content``, ``send_message`` or their twins.

    It runs callables and, in asynchronous calls, what MCP sessions offer; unless that is switched off, has no request
    left to send a result with, or a tool beside them is for the program or the server to run. Reads lists and tuples
    only: what else the user passes may be used up by reading.
    """
    chat = getattr(instance, "_modules", None)
    position = 2 if chat is None else 1
    config = kwargs.get("config") or (args[position] if len(args) > position else None)
    config = config or getattr(instance, "_config", None)
    calling = _get(config, "automatic_function_calling")
    limit = _get(calling, "maximum_remote_calls")
    if _get(calling, "disable") or (isinstance(limit, (int, float)) and limit < _sdk().fewest_calls):
        return False
    models = instance if chat is None else chat
    is_async = any(kind.__name__ == "AsyncModels" for kind in type(models).__mro__)
    servers_run = is_async and bool(getattr(getattr(models, "_api_client", None), "vertexai", False))
    runs = False
    for tool in seq(_get(config, "tools")):
        if callable(tool):
            runs = True
        elif _get(tool, "function_declarations") or (_get(tool, "mcp_servers") and not servers_run):
            if _sdk().all_or_none:
                return False
        else:
            runs = runs or (is_async and bool(hasattr(tool, "call_tool") or _get(tool, "mcp_servers")))
    return runs


class _Sdk(NamedTuple):
    """What the installed google-genai does."""

    fewest_calls: int
    """``maximum_remote_calls`` with which functions run: since 2.25 none runs whose result could not be sent."""
    all_or_none: bool
    """Whether no function runs beside a declared one; google-genai 1.32 and older ran it."""


@lru_cache(maxsize=1)
def _sdk() -> _Sdk:
    major, minor = map(int, sys.modules["google.genai.version"].__version__.split(".")[:2])
    utils = sys.modules["google.genai._extra_utils"]
    return _Sdk(2 if (major, minor) >= (2, 25) else 1, hasattr(utils, "find_afc_incompatible_tool_indexes"))


def _get(holder: Any, name: str) -> Any:
    """A field of a config, which may be a dict, in either spelling, or an object."""
    if not isinstance(holder, dict):
        return getattr(holder, name, None)
    fields = cast("dict[str, Any]", holder)
    first, *rest = name.split("_")
    return fields.get(name, fields.get(first + "".join(map(str.capitalize, rest))))


def _note(telemetry: Telemetry) -> Wrapper:
    """Remember the ids of the calls that the model asks for, which the SDK drops before it runs them."""

    def wrapper(wrapped: Wrapped, instance: Any, args: Args, kwargs: Kwargs) -> Any:
        with Guard("function calls of google-genai"):
            turn = current_turn()
            if turn is not None:
                turn.release()
                response = args[0] if args else kwargs["response"]
                parts = response.candidates[0].content.parts or ()
                calls = [part.function_call for part in parts if part.function_call]
                turn.expect((call.name, call.id) for call in calls)
        return wrapped(*args, **kwargs)

    return wrapper


def _function(instance: Any, args: Args, kwargs: Kwargs) -> Tool:
    """``invoke_function_from_dict_args(args, function_to_invoke)``."""
    arguments = args[0] if args else kwargs["args"]
    function = args[1] if len(args) > 1 else kwargs["function_to_invoke"]
    documentation = text(getattr(function, "__doc__", None))  # of which the SDK makes the declaration
    return _pending(getattr(function, "__name__", type(function).__name__), arguments, cleandoc(documentation or ""))


def _mcp(instance: Any, args: Args, kwargs: Kwargs) -> Tool:
    """``McpToGenAiToolAdapter.call_tool(function_call)``."""
    call = args[0] if args else kwargs["function_call"]
    listed = getattr(getattr(instance, "_list_tools_result", None), "tools", ())
    found = next((text(tool.description) for tool in listed if tool.name == call.name), None)
    return _pending(call.name, call.args, found)


def _pending(name: str, arguments: object, description: str | None) -> Tool:
    turn = current_turn()
    call_id = turn.take(name) if turn is not None else None
    return Tool(name, call_id, arguments, description)


def _cause(error: BaseException) -> BaseException:
    """The function's own error, which the SDK wraps in a FunctionInvocationError that has the arguments in its text."""
    wrapped = type(error).__name__ == "FunctionInvocationError"
    return error.__context__ if wrapped and error.__context__ is not None else error


_RUN, _RUN_MCP = wrappers.tools(_function, cause=_cause), wrappers.tools(_mcp, cause=_cause)
_UTILS = "google.genai._extra_utils"

PATCHES = (
    Patch(_UTILS, "get_function_response_parts", _note),
    Patch(_UTILS, "get_function_response_parts_async", _note),
    Patch(_UTILS, "invoke_function_from_dict_args", wrappers.sync(_RUN)),
    Patch(_UTILS, "invoke_function_from_dict_args_async", wrappers.asynchronous(_RUN)),
    Patch("google.genai._adapters", "McpToGenAiToolAdapter.call_tool", wrappers.asynchronous(_RUN_MCP)),
)
