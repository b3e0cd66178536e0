"""What of google-generativeai is wrapped: the methods of the generated client, whichever transport is below them.

One call of such a method is one request with all its retries. Its argument and its answer are protobuf messages; their
JSON is that of ``generateContent``, which ``genspan.gemini`` reads.
https://googleapis.dev/python/generativelanguage/latest
"""

from __future__ import annotations

from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast
from urllib.parse import urlsplit

from genspan._core.calls.tool import Tool
from genspan._core.guard import swallow
from genspan._core.hooks import wrappers
from genspan._core.hooks.patches import Patch
from genspan._core.hooks.taps import tap_chunks
from genspan._core.routes.contract import Request, Route
from genspan.gemini import count_tokens, embeddings, generate_content
from genspan_semconv.model import Key, count, obj

if TYPE_CHECKING:
    from genspan._core.calls.call import Call
    from genspan._core.hooks.wrappers import Args, Kwargs, MakeWrapper
    from genspan._core.routes.contract import Api

_SERVICE: Final = "google.ai.generativelanguage_v1beta.services.generative_service"
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


class MessageRequest(Request):
    """A request whose body is a protobuf message: it becomes JSON when somebody wants it."""

    __slots__ = ("_read",)

    @property
    def body(self) -> object:
        """The JSON of the message."""
        read, self._read = self._read, dict[str, object]()
        self._read = _json(read)
        return self._read

    @body.setter
    def body(self, value: object) -> None:  # pyright: ignore[reportIncompatibleVariableOverride]
        self._read = value


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
    model: object = obj(request).get("model") or getattr(request, "model", None)
    transport = instance.transport
    address = urlsplit(f"//{transport.host.rpartition('://')[2]}")
    name = str(model).removeprefix("models/") if model else None
    key = Key(method.operation, _PROVIDER, name, address.hostname, address.port or 443, method.stream)
    return MessageRequest(Route(method.api, key), request, _credentials(instance, transport, kwargs), "")


def _credentials(instance: Any, transport: Any, kwargs: Kwargs) -> dict[str, object]:
    """What the request authenticates itself by, under the names of the HTTP headers."""
    options = getattr(getattr(instance, "_client", instance), "_client_options", None)
    found: dict[str, object] = {
        "x-goog-api-key": getattr(options, "api_key", None),
        "authorization": getattr(getattr(transport, "_credentials", None), "token", None),
    }
    metadata = dict(cast("list[tuple[str, object]]", kwargs.get("metadata") or ()))
    return {**{name: value for name, value in found.items() if value}, **metadata}


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
    model = str(getattr(getattr(instance, "model", instance), "model_name", "")).removeprefix("models/")
    return Request(Route(generate_content, Key("generate_content", _PROVIDER, model, None, None, False)), {}, {}, "")


def _runs_functions(instance: Any, args: Args, kwargs: Kwargs) -> bool:
    """Functions run by themselves only in a chat that was made so."""
    return bool(getattr(instance, "enable_automatic_function_calling", False))


def _tool(instance: Any, args: Args, kwargs: Kwargs) -> Tool:
    """``CallableFunctionDeclaration.__call__(function_call)``."""
    called = args[0] if args else kwargs["fc"]
    wire = _json(called)
    return Tool(str(wire.get("name") or ""), None, wire.get("args") or {})


def _result(returned: Any) -> object:
    return _json(returned).get("response")


def _client_patches(module: str, owner: str, driver: Any, settle: Any, stream: Any) -> tuple[Patch, ...]:
    def wrapper(method: Method) -> MakeWrapper:
        return driver(wrappers.calls(partial(_describe, method), stream if method.stream else settle))

    return tuple(Patch(f"{_SERVICE}.{module}", f"{owner}.{name}", wrapper(method)) for name, method in _METHODS.items())


_TURN: Final = wrappers.turns(_unsent, _runs_functions)

PATCHES: Final = (
    *_client_patches("client", "GenerativeServiceClient", wrappers.sync, _settle, _stream),
    *_client_patches("async_client", "GenerativeServiceAsyncClient", wrappers.asynchronous, _settle, _astream),
    Patch(_MODELS, "GenerativeModel.generate_content", wrappers.sync(_TURN)),
    Patch(_MODELS, "GenerativeModel.generate_content_async", wrappers.asynchronous(_TURN)),
    Patch(_MODELS, "ChatSession.send_message", wrappers.sync(_TURN)),
    Patch(_MODELS, "ChatSession.send_message_async", wrappers.asynchronous(_TURN)),
    Patch(_TYPES, "CallableFunctionDeclaration.__call__", wrappers.sync(wrappers.tools(_tool, _result))),
)
