"""What of google-genai is wrapped, and which request means which operation.

One call of ``BaseApiClient._request`` is one HTTP request with all its retries. Its argument holds the final URL and
JSON body; what it returns holds the response text, or yields the parsed chunks of a stream.
"""

from __future__ import annotations

from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from genspan._core.calls.call import Call, current_call
from genspan._core.calls.sessions import Chats
from genspan._core.calls.turn import current_turn
from genspan._core.guard import Guard, swallow
from genspan._core.hooks import wrappers
from genspan._core.hooks.patches import Patch
from genspan._core.hooks.propagation import propagate
from genspan._core.hooks.taps import tap_chunks
from genspan._core.routes.contract import Api, Request, Route
from genspan._core.routes.provider_names import port_of
from genspan._core.wire.json_text import parse
from genspan.gemini import count_tokens, embeddings, generate_content, images, tools
from genspan.gemini.stored import Stored
from genspan_semconv.model import Key

if TYPE_CHECKING:
    from collections.abc import Callable

    from genspan._core.emit.telemetry import Telemetry
    from genspan._core.hooks.wrappers import Args, Kwargs, MakeWrapper, Wrapped, Wrapper

# The last part of the path, after the colon: the API that reads it and the operation's name.
_METHODS: dict[str, tuple[Api, str]] = {
    "generateContent": (generate_content, "generate_content"),
    "streamGenerateContent": (generate_content, "generate_content"),
    "embedContent": (embeddings, "embeddings"),
    "batchEmbedContents": (embeddings, "embeddings"),
    "countTokens": (count_tokens, "count_tokens"),
    "predict": (images, "generate_content"),
    "predictLongRunning": (images, "generate_content"),
}


@lru_cache(maxsize=512)
def route(method: str, url: str, provider: str) -> Route | None:
    """Where a request leads; ``None`` for what is not a model call. ``models/`` before a model's name is left out."""
    parts = urlsplit(url)
    path, _, action = parts.path.rpartition(":")
    if method.upper() != "POST" or action not in _METHODS:
        return None
    api, operation = _METHODS[action]
    _, found, model = path.rpartition("/models/")
    if not found:
        model = "/".join(path.split("/")[-2:])
    if action == "predict" and "embedding" in model:
        api, operation = _METHODS["embedContent"]
    key = Key(operation, provider, model, parts.hostname, port_of(parts), action.startswith("stream"))
    return Route(api, key)


def provider_of(client: Any) -> str:
    """Which of Google's services a ``BaseApiClient`` was made for; a gateway's URL does not tell."""
    return "gcp.vertex_ai" if getattr(client, "vertexai", None) else "gcp.gemini"


def _describe(stored: Stored, instance: Any, args: Args, kwargs: Kwargs) -> Request | None:
    request = args[0] if args else kwargs["http_request"]
    provider = provider_of(instance)
    found = route(request.method, request.url, provider)
    if found is None and (later := stored.find(provider, request)) is not None:
        return later
    found = found or _behind_one_url(request.method, request.url)
    return None if found is None else Request(found, request.data, request.headers, request.url)


def _behind_one_url(method: str, url: str) -> Route | None:
    """A gateway may stand at a base URL to which the SDK adds no path; then only the user's call tells what this is."""
    turn = current_turn()
    parts = urlsplit(url)
    if turn is None or ":" in parts.path or method.upper() != "POST":
        return None
    api, key = turn.request().route
    return Route(api, key._replace(address=parts.hostname, port=port_of(parts)))


def _settle(stored: Stored, call: Call, result: Any) -> Any:
    """Read a whole response, or put a tap on a stream: the parsed chunks pass through it."""
    try:
        body = cast("object", result.response_stream)
        if isinstance(body, list):
            if call.watching:
                data = parse(next(iter(cast("list[object]", body)), None))
                call.see(data)
                stored.settle(call, data)
            call.finish()
        else:
            _tap(call, result)
    except Exception as error:
        swallow("a response of google-genai", error)
    return result


def _tap(call: Call, result: Any) -> None:
    # Shadowed on this one object until the SDK asks for the iterator; kept longer it would be a reference cycle.
    def segments() -> Any:
        del result.segments, result.async_segments
        return tap_chunks(result.segments(), call)

    def async_segments() -> Any:
        del result.segments, result.async_segments
        return tap_chunks(result.async_segments(), call)

    result.segments, result.async_segments = segments, async_segments


def _attempt(telemetry: Telemetry) -> Wrapper:
    def wrapper(wrapped: Wrapped, instance: Any, args: Args, kwargs: Kwargs) -> Any:
        call = current_call()
        if call is not None:
            call.attempts += 1
            with Guard("trace context of a request"):
                request = args[0] if args else kwargs["http_request"]
                parts = urlsplit(str(request.url))
                propagate(call, request, parts.hostname or "", port_of(parts))
        return wrapped(*args, **kwargs)

    return wrapper


def _intended(action: str, instance: Any, args: Args, kwargs: Kwargs) -> Request:
    """The request that stands for a call of the user's if none is sent."""
    model = kwargs.get("model", getattr(instance, "_model", None))
    name = model.rpartition("models/")[2] if isinstance(model, str) else None
    client = getattr(getattr(instance, "_modules", instance), "_api_client", None)
    api, operation = _METHODS[action]
    key = Key(operation, provider_of(client), name, None, None, action.startswith("stream"))
    return Request(Route(api, key), {}, {}, "")


def _turn(driver: Callable[[wrappers.Kind], MakeWrapper], action: str) -> MakeWrapper:
    return driver(wrappers.turns(partial(_intended, action), tools.can_run))


_chats = Chats()


def _chat_turn(driver: Callable[[wrappers.Kind], MakeWrapper], action: str) -> MakeWrapper:
    return driver(wrappers.turns(partial(_intended, action), tools.can_run, _chats))


_CLIENT, _MODELS, _CHATS = "google.genai._api_client", "google.genai.models", "google.genai.chats"


def patches() -> tuple[Patch, ...]:
    """The patch points; what is read later is remembered for one instrumentation."""
    stored = Stored()
    call = wrappers.calls(partial(_describe, stored), partial(_settle, stored))
    return (
        Patch(_CLIENT, "BaseApiClient._request", wrappers.sync(call)),
        Patch(_CLIENT, "BaseApiClient._async_request", wrappers.asynchronous(call)),
        *stored.patches(),
        *_PATCHES,
    )


_PATCHES = (
    Patch(_CLIENT, "BaseApiClient._request_once", _attempt),
    Patch(_CLIENT, "BaseApiClient._async_request_once", _attempt),
    Patch(_MODELS, "Models.generate_content", _turn(wrappers.sync, "generateContent")),
    Patch(_MODELS, "Models.generate_content_stream", _turn(wrappers.generator, "streamGenerateContent")),
    Patch(_MODELS, "AsyncModels.generate_content", _turn(wrappers.asynchronous, "generateContent")),
    Patch(_MODELS, "AsyncModels.generate_content_stream", _turn(wrappers.awaited_generator, "streamGenerateContent")),
    Patch(_MODELS, "Models.embed_content", _turn(wrappers.sync, "embedContent")),
    Patch(_MODELS, "AsyncModels.embed_content", _turn(wrappers.asynchronous, "embedContent")),
    Patch(_MODELS, "Models.count_tokens", _turn(wrappers.sync, "countTokens")),
    Patch(_MODELS, "AsyncModels.count_tokens", _turn(wrappers.asynchronous, "countTokens")),
    Patch(_CHATS, "Chat.send_message", _chat_turn(wrappers.sync, "generateContent")),
    Patch(_CHATS, "Chat.send_message_stream", _chat_turn(wrappers.generator, "streamGenerateContent")),
    Patch(_CHATS, "AsyncChat.send_message", _chat_turn(wrappers.asynchronous, "generateContent")),
    Patch(_CHATS, "AsyncChat.send_message_stream", _chat_turn(wrappers.awaited_generator, "streamGenerateContent")),
    *tools.PATCHES,
)
