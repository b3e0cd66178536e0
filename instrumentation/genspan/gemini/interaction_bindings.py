"""Interactions go through a client of their own, generated, on which requests and answers exist as bytes alone."""

from __future__ import annotations

import re
from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from genspan._core.hooks import wrappers
from genspan._core.hooks.patches import Patch
from genspan._core.hooks.response_watcher import settle
from genspan._core.routes.contract import Request, Route
from genspan._core.routes.provider_names import default_port
from genspan._core.wire.json_text import parse
from genspan.gemini import interactions
from genspan_semconv.model import Key, Prompt, Response, obj, text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from genspan._core.hooks.wrappers import Args, Kwargs
    from genspan_semconv.model import Params

    Wire = Mapping[str, object]

_PATH: Final = re.compile(r"/interactions(?:/(?P<id>[^/:]+))?$")
_MAX_PENDING: Final = 10_000


class Created:
    """The API that creates an interaction."""

    Fold, params, prompt, answer = (
        interactions.Fold,
        staticmethod(interactions.params),
        staticmethod(interactions.prompt),
        staticmethod(interactions.answer),
    )

    def __init__(self, pending: deque[str]) -> None:
        self._pending = pending

    def response(self, data: Wire) -> Response:
        """The interaction; one that goes on in the background is remembered, since its usage comes later."""
        found = interactions.response(data)
        if found.usage is None and found.id and found.status in ("in_progress", "queued"):
            self._pending.append(found.id)
        return found


class Fetched:
    """An interaction read by its id. Its usage was counted when it was made, unless that was in the background."""

    Fold, answer = interactions.Fold, staticmethod(interactions.answer)

    def __init__(self, pending: deque[str]) -> None:
        self._pending = pending

    def params(self, body: Wire) -> Params:
        """Which one."""
        return {"response_id": text(body.get("id")) or ""}

    def prompt(self, body: Wire) -> Prompt:
        """The request has no content."""
        return Prompt([], [], [])

    def response(self, data: Wire) -> Response:
        """The first reading that has the usage of one made here in the background is the model call."""
        found = interactions.response(data)
        if found.usage is not None and found.id in self._pending:
            self._pending.remove(found.id)
            found.operation = "generate_content"
        else:
            found.usage = None
        return found


def patches() -> tuple[Patch, ...]:
    """The patch points; what is pending is of one instrumentation."""
    pending: deque[str] = deque(maxlen=_MAX_PENDING)
    created, fetched = Created(pending), Fetched(pending)
    call = wrappers.calls(partial(_describe, created, fetched), settle)
    create = wrappers.turns(partial(_intended, created, "generate_content"), _no_tools)
    get = wrappers.turns(partial(_intended, fetched, "fetch_response"), _no_tools)
    base, methods = "google.genai._gaos.basesdk", "google.genai._gaos.google_genai"
    client, async_client = "GeminiNextGenInteractions", "AsyncGeminiNextGenInteractions"
    return (
        Patch(base, "BaseSDK.do_request", wrappers.sync(call)),
        Patch(base, "AsyncBaseSDK.do_request_async", wrappers.asynchronous(call)),
        Patch(methods, f"{client}.create", wrappers.sync(create)),
        Patch(methods, f"{client}.get", wrappers.sync(get)),
        Patch(methods, f"{async_client}.create", wrappers.asynchronous(create)),
        Patch(methods, f"{async_client}.get", wrappers.asynchronous(get)),
    )


def _no_tools(instance: Any, args: Args, kwargs: Kwargs) -> bool:
    return False


def _intended(api: Created | Fetched, operation: str, instance: Any, args: Args, kwargs: Kwargs) -> Request:
    """A call of the user's, which alone sees how the SDK gets on with an answer, also with one that says 4xx."""
    model = text(kwargs.get("model")) or text(kwargs.get("agent"))
    key = Key(operation, "gcp.gemini", model, None, None, bool(kwargs.get("stream")))
    return Request(Route(api, key), {}, {}, "")


def _describe(created: Created, fetched: Fetched, instance: Any, args: Args, kwargs: Kwargs) -> Request | None:
    """``do_request(hook_ctx, request, is_error_status_code, stream=False, retry_config=None)``."""
    request = kwargs["request"] if "request" in kwargs else args[1]
    found = _PATH.search(request.url.path)
    if found is None or (request.method, bool(found["id"])) not in (("POST", False), ("GET", True)):
        return None
    vertex = "/projects/" in request.url.path
    provider = "gcp.vertex_ai" if vertex else "gcp.gemini"
    port = request.url.port or default_port(request.url.scheme)
    address = (request.url.host, port)
    if found["id"]:
        stream = "stream=true" in str(request.url.query).lower()
        key = Key("fetch_response", provider, None, *address, stream)
        return Request(Route(fetched, key), {"id": found["id"]}, request.headers, str(request.url))
    body = obj(parse(request.content))
    model = text(body.get("model")) or text(body.get("agent"))
    key = Key("generate_content", provider, model, *address, body.get("stream") is True)
    return Request(Route(created, key), body, request.headers, str(request.url))
