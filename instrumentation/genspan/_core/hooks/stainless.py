"""What openai, anthropic and groq share: one generated base, hooked at the same places under the same names.

One call of ``SyncAPIClient.request`` is one call of the user's with all its retries. ``_build_request`` is one attempt
and has the final body, headers and URL; ``_process_response_data`` has every answer and every chunk as parsed JSON,
before the SDK makes objects of it; ``__stream__`` makes the iterator that every stream object reads.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from inspect import isawaitable
from typing import TYPE_CHECKING, Any, cast
from weakref import ref

from genspan._core.calls.call import current_call
from genspan._core.guard import Guard, swallow
from genspan._core.hooks import wrappers
from genspan._core.hooks.patches import Patch, Replacement
from genspan._core.hooks.propagation import propagate
from genspan._core.hooks.response_watcher import KEY, UNWATCHED, http_response, settle, watch
from genspan._core.routes.contract import Request, Route
from genspan._core.routes.provider_names import port_of
from genspan_semconv.model import Key, obj, text

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from genspan._core.calls.hosted_sessions import Sessions
    from genspan._core.emit.telemetry import Telemetry
    from genspan._core.hooks.wrappers import Args, Kwargs, Wrapped, Wrapper
    from genspan._core.routes.contract import Api
    from genspan._core.routes.routing import Row

    Find = Callable[[Any, Any], Request | None]
    Adjust = Callable[[Request, Any], None]
    LookUp = Callable[[str, str], tuple[Row, dict[str, str]] | None]
    MakeKey = Callable[[Any, str, str | None, bool], Key]


def patches(
    package: str, find: Find, adjust: Adjust, helpers: Sequence[tuple[str, str]] = (), sessions: Sessions | None = None
) -> tuple[Patch | Replacement, ...]:
    """The patch points of one SDK.

    ``find(client, options)`` gives the request as a model call, if it is one; ``adjust(request, options)`` may change
    the options of an attempt, which are a copy; ``helpers`` are stream classes beside ``Stream`` by module and name;
    ``sessions`` is given the parsed JSON that may tell of model calls which the provider makes by itself.
    """
    base, streaming = f"{package}._base_client", f"{package}._streaming"
    streams = ((streaming, "Stream"), (streaming, "AsyncStream"), *helpers)
    call = wrappers.calls(partial(_describe, find), settle)
    return (
        Patch(base, "SyncAPIClient.request", wrappers.sync(call)),
        Patch(base, "AsyncAPIClient.request", wrappers.asynchronous(call)),
        Patch(base, "BaseClient._build_request", partial(_attempt, adjust=adjust)),
        Replacement(base, "BaseClient._process_response_data", partial(_see, sessions=sessions)),
        *(Patch(module, f"{name}.__stream__", partial(_stream, sessions=sessions)) for module, name in streams),
        *(Patch(module, f"{name}.close", _close) for module, name in streams),
    )


def unchanged(request: Request, options: Any) -> None:
    """What ``adjust`` is where the requests of an SDK go out as they are."""


def request(look_up: LookUp, key: MakeKey, client: Any, options: Any) -> Request | None:
    """What ``find`` is where a row of the routes, the body's model and its ``stream`` say all."""
    found = look_up(options.method, options.url)
    if found is None:
        return None
    row, body = found[0], given_body(options)
    named = key(client, row.operation, text(body.get("model")), body.get("stream") is True)
    return Request(Route(row.api, named), body, obj(options.headers), "")


def loop(api: Api, provider: str) -> wrappers.Kind:
    """An SDK's loop of model calls and tools: tools can always run in it."""
    route = Route(api, Key("chat", provider, None, None, None, False))

    def request(instance: Any, args: Args, kwargs: Kwargs) -> Request:
        return Request(route, {}, {}, "")

    def agent(instance: Any, args: Args, kwargs: Kwargs) -> bool:
        return True

    return wrappers.turns(request, agent)


def wire_body(options: Any) -> dict[str, object]:
    """The JSON body that these options are sent with; lists are copied, since the program may go on with its own."""
    body = dict(given_body(options))
    for name, value in body.items():
        if isinstance(value, list):
            body[name] = cast("list[object]", value)[:]
    return body


def given_body(options: Any) -> Mapping[str, object]:
    """The same, as the program gave it: to be looked at and not kept."""
    body, extra = _mapping(options.json_data), _mapping(options.extra_json)
    return {**body, **extra} if extra else body


def _mapping(value: Any) -> Mapping[str, object]:
    found: Mapping[str, object] = value
    return found if isinstance(value, Mapping) else {}


def _describe(find: Find, instance: Any, args: Args, kwargs: Kwargs) -> Request | None:
    """``request(cast_to, options, ...)``."""
    return find(instance, kwargs["options"] if "options" in kwargs else args[1])


def _attempt(telemetry: Telemetry, adjust: Adjust) -> Wrapper:
    """``_build_request(options, ...)``."""

    def wrapper(wrapped: Wrapped, instance: Any, args: Args, kwargs: Kwargs) -> Any:
        call = current_call()
        if call is None:
            return wrapped(*args, **kwargs)
        options = args[0] if args else kwargs.get("options")
        try:
            call.attempts += 1
            adjust(call.request, options)
        except Exception as error:
            swallow("request of an SDK", error)
        request = wrapped(*args, **kwargs)
        try:
            if call.watching:
                call.request.body = wire_body(options) or call.request.body
                call.request.size = _size(request)
            propagate(call, request, request.url.host, port_of(request.url))
            call.request.headers = request.headers
            call.request.url = request.url
        except Exception as error:
            swallow("request of an SDK", error)
        return request

    return wrapper


def _size(request: Any) -> int | None:
    """Bytes of the body of an HTTP request, where it is there in one piece."""
    try:
        return len(request.content)
    except Exception:  # of httpx, where it is an upload that is read while it is sent
        return None


def _see(telemetry: Telemetry, original: Any, sessions: Sessions | None) -> Any:
    """``_process_response_data(*, data, cast_to, response)`` of a client.

    The SDK looks it up once for an answer and calls it for each chunk. What answers no model call may still tell of
    some.
    """

    def other(client: Any, data: Any, response: Any) -> None:
        call = current_call()
        if call is not None:
            call.see(data)
        elif sessions is not None and sessions.path in response.request.url.path:
            sessions.read(telemetry, client, obj(data), response)

    class Processing:
        """The method, as it is where nobody listens."""

        __doc__ = original.__doc__

        def __get__(self, client: Any, owner: type | None = None) -> Any:
            bound = original.__get__(client, owner)
            if client is None or not telemetry.listening():
                return bound
            return _processing(bound, partial(other, client))

    return Processing()


def _processing(bound: Any, other: Callable[[Any, Any], None]) -> Any:
    """The method of a client; ``other(data, response)`` takes what answers no call that is watched."""

    # With arguments by name: to collect them in a dict takes longer than all else that a chunk needs here.
    def process(*, data: Any, cast_to: Any, response: Any, **others: Any) -> Any:
        try:
            body = response.extensions.get(KEY)
            if body:
                body.see(data)
            elif body is None:
                other(data, response)
        except Exception as error:
            swallow("parsed response of an SDK", error)
        if others:
            return bound(data=data, cast_to=cast_to, response=response, **others)
        return bound(data=data, cast_to=cast_to, response=response)

    return process


def _body(stream: Any) -> Any:
    """The HTTP response of a stream object of the SDK, or of a helper around one."""
    return http_response(getattr(stream, "_raw_stream", stream))


def _stream(telemetry: Telemetry, sessions: Sessions | None) -> Wrapper:
    """``__stream__()``: called when a stream object is made, or before it is read for the first time."""

    def wrapper(wrapped: Wrapped, instance: Any, args: Args, kwargs: Kwargs) -> Any:
        inner = wrapped(*args, **kwargs)
        with Guard("stream of an SDK"):
            response = _body(instance) if telemetry.listening() else None
            body = None if response is None else response.extensions.get(KEY)
            if response is None or body is UNWATCHED:
                return inner
            if body is None:
                call = current_call()
                if call is not None and call.watching:
                    body = watch(call, response)
                elif call is not None or sessions is None or sessions.path not in response.request.url.path:
                    response.extensions[KEY] = UNWATCHED
            if body is not None:
                if body.iterator is None:
                    body.iterator = ref(inner)
                return body.tap(inner)
        return inner

    return wrapper


def _close(telemetry: Telemetry) -> Wrapper:
    """``close()`` of a stream object: where the body is in memory already, it has nothing to close."""

    def over(stream: Any) -> None:
        with Guard("close of a stream"):
            response = _body(stream)
            body = None if response is None else response.extensions.get(KEY)
            if body:
                body.closed()

    async def later(closing: Awaitable[Any], stream: Any) -> Any:
        try:
            return await closing
        finally:
            over(stream)

    def wrapper(wrapped: Wrapped, instance: Any, args: Args, kwargs: Kwargs) -> Any:
        closing = wrapped(*args, **kwargs)
        if isawaitable(closing):
            return later(closing, instance)
        over(instance)
        return closing

    return wrapper
