"""What openai and anthropic share: both SDKs are one generated base, hooked at the same places under the same names.

One call of ``SyncAPIClient.request`` is one call of the user's with all its retries. ``_build_request`` is one attempt
and has the final body, headers and URL; ``_process_response_data`` has every answer and every chunk as parsed JSON,
before the SDK makes objects of it; ``__stream__`` makes the iterator that every stream object reads.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial, wraps
from typing import TYPE_CHECKING, Any, cast
from weakref import ref

from genspan._core.calls.call import current_call
from genspan._core.guard import Guard
from genspan._core.hooks import wrappers
from genspan._core.hooks.patches import Patch, Replacement
from genspan._core.hooks.response_watcher import KEY, Body, http_response, settle, watch
from genspan._core.routes.contract import Request, Route
from genspan_semconv.model import Key, obj

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Sequence

    from genspan._core.emit.telemetry import Telemetry
    from genspan._core.hooks.wrappers import Args, Kwargs, Wrapped, Wrapper
    from genspan._core.routes.contract import Api

    Find = Callable[[Any, Any], Request | None]
    Adjust = Callable[[Request, Any], None]
    Read = Callable[[Telemetry, Any, Mapping[str, object], Any], None]

_building = Guard("request of an SDK")
_seeing = Guard("parsed response of an SDK")
_tapping = Guard("stream of an SDK")


def patches(
    package: str, find: Find, adjust: Adjust, helpers: Sequence[tuple[str, str]], read: Read | None = None
) -> tuple[Patch | Replacement, ...]:
    """The patch points of one SDK.

    ``find(client, options)`` gives the request as a model call, if it is one; ``adjust(request, options)`` may change
    the options of an attempt, which are a copy; ``helpers`` are stream classes beside ``Stream`` by module and name;
    ``read(telemetry, client, data, response)`` is given all parsed JSON that answers no model call.
    """
    base, streaming = f"{package}._base_client", f"{package}._streaming"
    streams = ((streaming, "Stream"), (streaming, "AsyncStream"), *helpers)
    call = wrappers.calls(partial(_describe, find), settle)
    return (
        Patch(base, "SyncAPIClient.request", wrappers.sync(call)),
        Patch(base, "AsyncAPIClient.request", wrappers.asynchronous(call)),
        Patch(base, "BaseClient._build_request", partial(_attempt, adjust=adjust)),
        Replacement(base, "BaseClient._process_response_data", partial(_see, read=read)),
        *(Patch(module, f"{name}.__stream__", _stream) for module, name in streams),
    )


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
    body: dict[str, object] = {}
    for part in (options.json_data, options.extra_json):
        if isinstance(part, Mapping):
            body.update(cast("Mapping[str, object]", part))
    return {name: cast("list[object]", value)[:] if isinstance(value, list) else value for name, value in body.items()}


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
            _building.swallow(error)
        request = wrapped(*args, **kwargs)
        try:
            if call.watching:
                call.request.body = wire_body(options) or call.request.body
            call.request.headers = request.headers
            call.request.url = request.url
        except Exception as error:
            _building.swallow(error)
        return request

    return wrapper


def _see(telemetry: Telemetry, original: Any, read: Read | None) -> Any:
    """``_process_response_data(*, data, cast_to, response)``, a plain function since every chunk comes by.

    What answers no model call may still tell of some.
    """

    @wraps(original)
    def process(*args: Any, **kwargs: Any) -> Any:
        try:
            body = kwargs["response"].extensions.get(KEY)
            if body is not None:
                body.see(kwargs["data"])
            else:
                call = current_call()
                if call is not None:
                    call.see(kwargs["data"])
                elif read is not None:
                    read(telemetry, args[0], obj(kwargs["data"]), kwargs["response"])
        except Exception as error:
            _seeing.swallow(error)
        return original(*args, **kwargs)

    return process


def _stream(telemetry: Telemetry) -> Wrapper:
    """``__stream__()``: called when a stream object is made, before anything is read."""

    def wrapper(wrapped: Wrapped, instance: Any, args: Args, kwargs: Kwargs) -> Any:
        inner = wrapped(*args, **kwargs)
        with _tapping:
            response = http_response(getattr(instance, "_raw_stream", instance))
            body = None if response is None else response.extensions.get(KEY)
            call = current_call() if body is None else None
            if response is not None and call is not None and call.watching:
                body = watch(call, response)
            if body is not None:
                if body.iterator is None:
                    body.iterator = ref(inner)
                return AsyncTap(inner, body) if hasattr(inner, "__anext__") else Tap(inner, body)
        return inner

    return wrapper


class Tap:
    """Reads the SDK's iterator of parsed chunks, and tells the body how that ends. Refers to no stream object."""

    __slots__ = ("_body", "_inner")

    def __init__(self, inner: Any, body: Body) -> None:
        self._inner = inner
        self._body = body

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        body = self._body
        while True:
            body.reading = True
            try:
                item = next(self._inner)
            except BaseException as error:
                body.reading = False
                _over(body, error)
                raise
            body.reading = False
            if not body.hidden:
                return item


class AsyncTap:
    """The same for an asynchronous iterator."""

    __slots__ = ("_body", "_inner")

    def __init__(self, inner: Any, body: Body) -> None:
        self._inner = inner
        self._body = body

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def __aiter__(self) -> AsyncIterator[Any]:
        return self

    async def __anext__(self) -> Any:
        body = self._body
        while True:
            body.reading = True
            try:
                item = await anext(self._inner)
            except BaseException as error:
                body.reading = False
                _over(body, error)
                raise
            body.reading = False
            if not body.hidden:
                return item


def _over(body: Body, error: BaseException) -> None:
    if isinstance(error, (StopIteration, StopAsyncIteration)):
        body.whole()
    else:
        body.failed(error)
