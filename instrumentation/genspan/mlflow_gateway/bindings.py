"""What of MLflow's server is wrapped: the command that starts it, and the function by which its gateway asks models.

https://mlflow.org/docs/latest/genai/governance/ai-gateway
"""

from __future__ import annotations

import logging
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from importlib.util import find_spec
from inspect import signature
from os import environ
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import urlsplit

from opentelemetry import context as otel

from genspan._core.calls.call import open_call
from genspan._core.emit.propagation import is_counted_by_caller
from genspan._core.guard import Guard
from genspan._core.hooks.patches import Patch
from genspan._core.routes.contract import Request, Route
from genspan._core.routes.provider_names import PUBLIC, port_of, provider_of
from genspan._core.routes.routing import Row, finder
from genspan._core.wire.json_text import parse
from genspan.anthropic import messages
from genspan.dialects import openai_chat, openai_embeddings
from genspan.gemini import bindings as gemini
from genspan.mlflow_gateway.application import TRACE_CONTEXT, WRAPPED
from genspan.openai import responses
from genspan_semconv.model import Key, obj, text

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Mapping
    from inspect import BoundArguments

    from genspan._core.calls.call import Call
    from genspan._core.emit.telemetry import Telemetry
    from genspan._core.hooks.wrappers import Args, Kwargs, Wrapped, Wrapper
    from genspan._core.routes.contract import Api
    from genspan_semconv.model import Response, Wire

_logger = logging.getLogger("genspan")

_find = finder(
    (
        Row("POST (.*/)?chat/completions", openai_chat, "chat"),
        Row("POST (.*/)?responses", responses, "chat"),
        Row("POST (.*/)?embeddings", openai_embeddings, "embeddings"),
        Row("POST (.*/)?messages", messages, "chat"),
    ),
    r"^https?://[^/]+/?|/?(\?.*)?$",
)


class Uncounted:
    """An API whose answers have no usage, since the span of the gateway's caller carries it."""

    def __init__(self, api: Api) -> None:
        self._response = api.response
        self.Fold, self.params, self.prompt, self.answer = api.Fold, api.params, api.prompt, api.answer

    def response(self, data: Wire) -> Response:
        """All that the answer says but its usage."""
        found = self._response(data)
        found.usage = None
        return found


class _Body:
    """The body of an answer, of which what MLflow reads is read by us, too."""

    def __init__(self, call: Call, body: Any) -> None:
        self._call, self._body, self.raw = call, body, bytearray()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._body, name)

    def _keep(self, data: bytes) -> bytes:
        self._call.arrived()
        if self._call.watching:
            self.raw += data
        return data

    async def read(self, n: int = -1) -> bytes:
        return self._keep(await self._body.read(n))

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for line in self._body:
            yield self._keep(line)


def _post(telemetry: Telemetry) -> Wrapper:
    """``_aiohttp_post(headers, base_url, path, payload, ...)``: an asynchronous context manager of a response."""

    def wrapper(wrapped: Wrapped, instance: Any, args: Args, kwargs: Kwargs) -> Any:
        with Guard("request of MLflow's gateway"):
            given = signature(wrapped).bind(*args, **kwargs)
            headers = cast("Mapping[str, str]", given.arguments["headers"])
            kept = {name: value for name, value in headers.items() if name.lower() not in TRACE_CONTEXT}
            given.arguments["headers"] = kept
            return _asked(telemetry, wrapped, given)
        return wrapped(*args, **kwargs)

    return wrapper


@asynccontextmanager
async def _asked(telemetry: Telemetry, wrapped: Wrapped, given: BoundArguments) -> AsyncGenerator[Any]:
    call = open_call(telemetry, partial(_describe, given.arguments))
    if call is None:
        async with wrapped(*given.args, **given.kwargs) as response:
            yield response
        return
    with Guard("trace context of a request"):
        parts = urlsplit(cast("str", given.arguments["base_url"]))
        given.arguments["headers"] |= call.trace_headers(parts.hostname or "", port_of(parts))
    body = _Body(call, None)
    async with AsyncExitStack() as stack:
        try:
            with call:
                response = await stack.enter_async_context(wrapped(*given.args, **given.kwargs))
            body = response.content = _Body(call, response.content)
            yield response
        except BaseException as error:
            _read(call, body)
            call.end(error)
            raise
    _read(call, body)
    call.finish()


def _describe(given: Mapping[str, Any]) -> Request | None:
    url, body = f"{given['base_url'].rstrip('/')}/{given['path'].lstrip('/')}", obj(given["payload"])
    route = gemini.route("POST", url, "gcp.gemini") or _route(url, body)
    if route is None:
        return None
    if is_counted_by_caller(otel.get_current()):
        route = route._replace(api=Uncounted(route.api))
    return Request(route, body, given["headers"], url)


def _route(url: str, body: Wire) -> Route | None:
    row, _ = _find("POST", url) or (None, {})
    parts = urlsplit(url)
    if row is None or not parts.hostname:
        return None
    provider = provider_of(parts.hostname, PUBLIC) or ("anthropic" if row.api is messages else "openai")
    model, stream = text(body.get("model")), body.get("stream") is True
    return Route(row.api, Key(row.operation, provider, model, parts.hostname, port_of(parts), stream))


def _read(call: Call, body: _Body) -> None:
    with Guard("answer to MLflow's gateway"):
        raw = bytes(body.raw)
        if not call.request.route.key.stream:
            call.see(parse(raw))
            return
        for data in call.request.events(raw):
            if data == b"[DONE]":
                call.done_seen = True
            else:
                call.chunk(parse(data))


def _serve(telemetry: Telemetry) -> Wrapper:
    """``_build_uvicorn_command(uvicorn_opts, host, port, workers, app_name, env_file=None, is_factory=False)``.

    uvicorn and its workers are other processes: each is given an application that traces.
    """

    def wrapper(wrapped: Wrapped, instance: Any, args: Args, kwargs: Kwargs) -> Any:
        if find_spec("opentelemetry.instrumentation.asgi") is None:
            _logger.warning("MLflow's gateway is not traced: pip install opentelemetry-instrumentation-asgi")
            return wrapped(*args, **kwargs)
        with Guard("start of MLflow's server"):
            given = signature(wrapped).bind(*args, **kwargs)
            name = cast("str", given.arguments["app_name"])
            environ[WRAPPED] = f"{name}()" if given.arguments.get("is_factory") else name
            # With it MLflow's own traces, also those of its usage tracking, would go where ours go, and not to MLflow.
            environ.setdefault("MLFLOW_ENABLE_OTLP_EXPORTER", "false")
            given.arguments.update(app_name="genspan.mlflow_gateway.application:create", is_factory=True)
            args, kwargs = given.args, given.kwargs
        return wrapped(*args, **kwargs)

    return wrapper


PATCHES: Final = (
    Patch("mlflow.server", "_build_uvicorn_command", _serve),
    Patch("mlflow.gateway.providers.utils", "_aiohttp_post", _post),
)
