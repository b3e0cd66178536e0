"""Interactions go through a client of their own: of Stainless from google-genai 1.55, of Speakeasy in later 2.x."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs, urlencode

from genspan._core.hooks import speakeasy, stainless
from genspan._core.routes.contract import Request, Route
from genspan._core.routes.provider_names import port_of
from genspan._core.routes.seen_ids import Counted, Recent
from genspan._core.routes.stored_responses import Fetched, Once
from genspan.gemini import decisions, interactions
from genspan.gemini.bindings import provider_of
from genspan.gemini.resources import model_name
from genspan_semconv.model import Key, obj, text

if TYPE_CHECKING:
    from collections.abc import Callable

    from genspan._core.hooks.patches import Patch, Replacement
    from genspan._core.routes.contract import Api
    from genspan_semconv.model import Response, Wire

    Address = tuple[str, str, int | None]

_PATH: Final = re.compile(r"/(?:interactions(?:/(?P<id>[^/:]+))?|(?P<decisions>decisions))$")
_GENERATE, _FETCH = "generate_content", "fetch_response"
_NAMES: Final = speakeasy.Names("BaseSDK", "AsyncBaseSDK", "Stream", "AsyncStream", "asyncsdkhooks:AsyncSDKHooks")


class Unfinished:
    """Interactions, of which those that were seen unfinished are model calls when they are read finished.

    No interaction says whether it was made in the background; one whose maker waited for it is on the maker's span.
    """

    def __init__(self) -> None:
        self._ids = Recent[str, bool]()
        self.Fold, self.params = interactions.Fold, interactions.params
        self.prompt, self.answer = interactions.prompt, interactions.answer

    def response(self, data: Wire) -> Response:
        """The interaction."""
        found = interactions.response(data)
        if found.id and found.usage is None and not found.complete:
            self._ids.put(found.id, True)
        elif found.id in self._ids:
            found.operation = _GENERATE
        return found


def patches() -> tuple[Patch | Replacement, ...]:
    """The patch points; which interactions are unfinished is remembered for one instrumentation."""
    unfinished, counted = Unfinished(), Counted()
    created, fetched = Once(unfinished, counted), Fetched(unfinished, counted)

    def find(
        method: str, path: str, query: str, address: Address, read: Callable[[], Wire]
    ) -> tuple[Route, Wire] | None:
        """Where a request leads, and its body, or what stands for that where it fetches."""
        found = _PATH.search(path)
        if found is None or (method, bool(found["id"])) not in (("POST", False), ("GET", True)):
            return None
        if found["id"]:
            asked = parse_qs(query)
            stream = asked.get("stream", [""])[0].lower() == "true"
            body: Wire = {"id": found["id"], "starting_after": asked.get("last_event_id", [None])[0]}
            return Route(fetched, _key(_FETCH, None, address, stream)), body
        body = read()
        model = text(body.get("model")) or text(body.get("agent"))
        if found["decisions"]:  # their models are named as resources
            return Route(decisions, _key(_GENERATE, model_name(model), address, False)), body
        return Route(created, _key(_GENERATE, model, address, body.get("stream") is True)), body

    def from_speakeasy(sdk: Any, request: Any, body: Callable[[], Wire]) -> Request | None:
        address = _provider(sdk), request.url.host, port_of(request.url)
        query = str(request.url.query, "ascii")
        found = find(request.method, request.url.path, query, address, body)
        return None if found is None else Request(*found, request.headers, str(request.url))

    def from_stainless(client: Any, options: Any) -> Request | None:
        address = _provider(client), client.base_url.host, port_of(client.base_url)
        query = urlencode(obj(options.params), doseq=True)
        body = partial(stainless.given_body, options)
        found = find(options.method.upper(), options.url, query, address, body)
        return None if found is None else Request(*found, obj(options.headers), "")

    module = "google.genai._gaos.google_genai"
    rows: tuple[tuple[str, Api, str], ...] = (
        ("Interactions.create", created, _GENERATE),
        ("Interactions.get", fetched, _FETCH),
        ("Decisions.create", decisions, _GENERATE),
    )
    methods = [
        speakeasy.Method(module, f"{twin}GeminiNextGen{name}", api, operation)
        for twin in ("", "Async")
        for name, api, operation in rows
    ]
    return (
        *speakeasy.patches("google.genai._gaos", from_speakeasy, _provider, methods, _NAMES),
        *stainless.patches("google.genai._interactions", from_stainless, stainless.unchanged),
    )


def _provider(client: Any) -> str:
    """Clients of 2.x do not keep the one that they were made for; only Vertex AI's take access tokens."""
    security = getattr(getattr(client, "sdk_configuration", None), "security", None)
    if getattr(client, "_is_vertex", False) or hasattr(security, "_access_token"):
        return "gcp.vertex_ai"
    return provider_of(getattr(client, "_api_client", None))


def _key(operation: str, model: str | None, address: Address, stream: bool) -> Key:
    return Key(operation, address[0], model, address[1], address[2], stream)
