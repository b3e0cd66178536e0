"""What of google-generativeai is wrapped: the methods of the generated clients, whichever transport is below them.

One call of such a method is one request with all its retries. Its argument and its answer are protobuf messages; their
JSON is that of ``generateContent``, which ``genspan.gemini`` reads.
https://googleapis.dev/python/generativelanguage/latest
"""

from __future__ import annotations

from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast
from urllib.parse import urlsplit

from genspan._core.calls.sessions import Chats
from genspan._core.calls.tool import Tool
from genspan._core.guard import swallow
from genspan._core.hooks import wrappers
from genspan._core.hooks.patches import Patch
from genspan._core.hooks.taps import tap_chunks
from genspan._core.routes.contract import Request, Route
from genspan.gemini import count_tokens, embeddings, generate_content
from genspan.gemini.caches import Cache
from genspan.gemini.resources import model_name
from genspan_semconv.model import Key, count, obj

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from genspan._core.calls.call import Call
    from genspan._core.hooks.wrappers import Args, Kwargs, MakeWrapper
    from genspan._core.routes.contract import Api

_SERVICES: Final = "google.ai.generativelanguage_v1beta.services"
_MODELS, _TYPES = "google.generativeai.generative_models", "google.generativeai.types.content_types"
_PROVIDER: Final = "gcp.gemini"


class Method(NamedTuple):
    """A method of the client: the API that reads it, the operation's name, and whether it streams."""

    api: Api
    operation: str
    stream: bool = False


_METHODS: Final = {
    "generate_content": Method(generate_content, "generate_content"),
    "stream_generate_content": Method(generate_content, "generate_content", True),
    "generate_answer": Method(generate_content, "generate_content"),
    "embed_content": Method(embeddings, "embeddings"),
    "batch_embed_contents": Method(embeddings, "embeddings"),
    "count_tokens": Method(count_tokens, "count_tokens"),
}
_CACHE_METHODS: Final = {
    "create_cached_content": Method(Cache("create_cache"), "create_cache"),
    "get_cached_content": Method(Cache("get_cache"), "get_cache"),
    "update_cached_content": Method(Cache("update_cache"), "update_cache"),
}


class MessageRequest(Request):
    """A request whose body is a protobuf message: it becomes JSON when somebody wants it.

    Its credentials are looked for when it is over: those of an account have their first token only after it was sent.
    """

    __slots__ = ("_found", "_read")

    @property
    def body(self) -> object:
        """The JSON of the message."""
        read, self._read = self._read, dict[str, object]()
        self._read = _json(read)
        return self._read

    @body.setter
    def body(self, value: object) -> None:  # pyright: ignore[reportIncompatibleVariableOverride]
        self._read = value

    @property
    def headers(self) -> Mapping[str, object]:
        """What the request authenticates itself by, under names as of HTTP headers."""
        found = self._found
        return found() if callable(found) else found

    @headers.setter
    def headers(self, value: Any) -> None:  # pyright: ignore[reportIncompatibleVariableOverride]
        self._found: Mapping[str, object] | Callable[[], Mapping[str, object]] = value


def _json(message: Any) -> dict[str, object]:
    """A message of proto-plus as the JSON of the REST API; a request may also be given as a dict of the same."""
    if message is None or isinstance(message, dict):
        return cast("dict[str, object]", message or {})
    kind = cast("Any", type(message))
    return import_module("google.protobuf.json_format").MessageToDict(kind.pb(message))


def _answer(message: Any) -> dict[str, object]:
    """An answer as JSON. Of its four counts the total alone has the thoughts, which are billed as output."""
    data = _json(message)
    usage = obj(data.get("usageMetadata"))
    total, asked = count(usage.get("totalTokenCount")), count(usage.get("promptTokenCount"))
    if total is not None and asked is not None:
        data["usageMetadata"] = {**usage, "candidatesTokenCount": max(total - asked, 0)}
    if "answer" in data:
        data["candidates"] = [data.pop("answer")]
    return data


def _describe(method: Method, instance: Any, args: Args, kwargs: Kwargs) -> Request:
    request: Any = args[0] if args else kwargs.get("request")
    if request is None:  # the flattened form
        request = {name: value for name, value in kwargs.items() if name == "model"}
    if isinstance(method.api, Cache):  # over REST, too, the cache itself is the body
        request = obj(request).get("cached_content") or getattr(request, "cached_content", request)
    model: object = obj(request).get("model") or getattr(request, "model", None)
    transport = instance.transport
    address = urlsplit(f"//{transport.host.rpartition('://')[2]}")
    key = Key(method.operation, _PROVIDER, model_name(model), address.hostname, address.port or 443, method.stream)
    credentials: Any = partial(_credentials, instance, transport, kwargs.get("metadata"))
    return MessageRequest(Route(method.api, key), request, credentials, "")


def _credentials(instance: Any, transport: Any, metadata: Any) -> dict[str, object]:
    """The client's, and those that the program sends beside them."""
    options = getattr(getattr(instance, "_client", instance), "_client_options", None)
    found: dict[str, object] = {
        "client-api-key": getattr(options, "api_key", None),
        "client-token": getattr(getattr(transport, "_credentials", None), "token", None),
        **dict(cast("list[tuple[str, object]]", metadata or ())),
    }
    return {name: value for name, value in found.items() if value}


def _settle(call: Call, result: Any) -> Any:
    if call.watching:
        try:
            call.see(_answer(result))
        except Exception as error:
            swallow("a response of google-generativeai", error)
    call.finish()
    return result


def _stream(call: Call, result: Any) -> Any:
    return tap_chunks(iter(result), call, _answer)


def _astream(call: Call, result: Any) -> Any:
    return tap_chunks(aiter(result), call, _answer)


def _unsent(instance: Any, args: Args, kwargs: Kwargs) -> Request:
    """What a call of the user's would have sent, where it fails before."""
    model = model_name(getattr(getattr(instance, "model", instance), "model_name", None))
    return Request(Route(generate_content, Key("generate_content", _PROVIDER, model, None, None, False)), {}, {}, "")


def _runs_functions(instance: Any, args: Args, kwargs: Kwargs) -> bool:
    """Functions run by themselves only in a chat that was made so, and has any that can be called."""
    if not getattr(instance, "enable_automatic_function_calling", False):
        return False
    return _callable(instance.model._tools if (given := kwargs.get("tools")) is None else given)


def _callable(tools: Any) -> bool:
    """Whether there is a function among tools, in any of the forms that the SDK takes. An iterator is not consumed."""
    if tools is None:
        return False
    index = getattr(tools, "_index", None)  # of a FunctionLibrary
    if index is not None:
        return any(map(callable, index.values()))
    if isinstance(tools, dict):
        declared = cast("dict[str, Any]", tools)
        return "function" in declared or _callable(declared.get("function_declarations"))
    if isinstance(tools, (list, tuple)):
        return any(map(_callable, cast("list[Any]", tools)))
    return callable(tools) or hasattr(tools, "__next__") or _callable(getattr(tools, "function_declarations", None))


def _tool(instance: Any, args: Args, kwargs: Kwargs) -> Tool:
    """``CallableFunctionDeclaration.__call__(function_call)``."""
    called = args[0] if args else kwargs["fc"]
    wire = _json(called)
    return Tool(str(wire.get("name") or ""), None, wire.get("args") or {})


def _result(returned: Any) -> object:
    return _json(returned).get("response")


def _patches(service: str, name: str, methods: Mapping[str, Method]) -> tuple[Patch, ...]:
    def rows(module: str, owner: str, driver: Any, stream: Any) -> tuple[Patch, ...]:
        def wrapper(method: Method) -> MakeWrapper:
            return driver(wrappers.calls(partial(_describe, method), stream if method.stream else _settle))

        module = f"{_SERVICES}.{service}.{module}"
        return tuple(Patch(module, f"{owner}.{name}", wrapper(method)) for name, method in methods.items())

    return (
        *rows("client", f"{name}Client", wrappers.sync, _stream),
        *rows("async_client", f"{name}AsyncClient", wrappers.asynchronous, _astream),
    )


_TURN: Final = wrappers.turns(_unsent, _runs_functions)
_CHAT_TURN: Final = wrappers.turns(_unsent, _runs_functions, Chats())

PATCHES: Final = (
    *_patches("generative_service", "GenerativeService", _METHODS),
    *_patches("cache_service", "CacheService", _CACHE_METHODS),
    Patch(_MODELS, "GenerativeModel.generate_content", wrappers.sync(_TURN)),
    Patch(_MODELS, "GenerativeModel.generate_content_async", wrappers.asynchronous(_TURN)),
    Patch(_MODELS, "ChatSession.send_message", wrappers.sync(_CHAT_TURN)),
    Patch(_MODELS, "ChatSession.send_message_async", wrappers.asynchronous(_CHAT_TURN)),
    Patch(_TYPES, "CallableFunctionDeclaration.__call__", wrappers.sync(wrappers.tools(_tool, _result))),
)
