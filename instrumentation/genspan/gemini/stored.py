"""What is read later than it was asked for: batches, their files, videos; and caches, which are read by other calls."""

from __future__ import annotations

import re
from time import time_ns
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast
from urllib.parse import urlsplit

from genspan._core.calls.call import open_call
from genspan._core.guard import Guard
from genspan._core.hooks.patches import Patch
from genspan._core.routes.contract import Request, Route
from genspan._core.routes.provider_names import port_of
from genspan._core.routes.routing import Row, finder
from genspan._core.routes.seen_ids import Counted, Recent
from genspan._core.wire.jsonl import Lines
from genspan.gemini import images, videos
from genspan.gemini.batches import Jobs, Results
from genspan.gemini.caches import Cache
from genspan.gemini.resources import model_name
from genspan_semconv.model import Key, obj

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opentelemetry.trace import SpanContext

    from genspan._core.calls.call import Call
    from genspan._core.emit.telemetry import Telemetry
    from genspan._core.hooks.wrappers import Args, Kwargs, Wrapped, Wrapper
    from genspan_semconv.model import Wire

_FETCH: Final = "fetch_response"
_AROUND: Final = r"^https?://[^/]+/|\?.*$"
_FILE: Final = re.compile(r"(?:^|/)files/([^/:?]+):download")
_CLIENT: Final = "google.genai._api_client"
_PIECE: Final = 2**20


class _Asked(NamedTuple):
    """A request for videos: its span, and how long each is to be."""

    span: SpanContext
    seconds: int | None


class Stored:
    """What one instrumentation knows of batches, files and videos."""

    def __init__(self) -> None:
        self._counted = Counted()
        self._files, self._videos = Recent[str, str](), Recent[str, _Asked]()
        jobs = Jobs(self._counted.first, self._files.put)
        model, cache = "(?P<model>[^/:]+)", "(?:.*/)?(?P<cache>cachedContents/[^/:]+)"
        self._look_up = finder(
            (
                Row("GET (?:.*/)?(?P<id>(?:batches|batchPredictionJobs)(?:/[^/:]+)?)", jobs, _FETCH),
                Row(f"GET (?:.*/)?(?P<name>models/{model}/operations/[^/:]+)", images, _FETCH),
                Row(f"POST (?:.*/)?models/{model}:fetchPredictOperation", images, _FETCH),
                Row("POST (?:.*/)?cachedContents", Cache("create_cache"), "create_cache"),
                Row(f"GET {cache}", Cache("get_cache"), "get_cache"),
                Row(f"PATCH {cache}", Cache("update_cache"), "update_cache"),
            ),
            _AROUND,
        )

    def find(self, provider: str, request: Any) -> Request | None:
        """The request as one of these, if it is."""
        found = self._look_up(request.method, request.url)
        if found is None:
            return None
        row, parts = found
        body, api, model = obj(request.data), row.api, None
        if "model" in parts:
            body = {"operationName": parts.get("name") or body.get("operationName")}
            api = self._operation(body, parts["model"])
        elif "id" in parts or "cache" in parts:
            body = {**body, **parts}
        else:
            model = model_name(body.get("model"))
        route = Route(api, _key(row.operation, provider, model, request.url))
        return Request(route, body, request.headers, request.url)

    def _operation(self, body: Wire, model: str) -> videos.Operation:
        asked = self._videos.get(model_name(body.get("operationName")) or "")
        return videos.Operation(self._counted.first, model, asked.seconds if asked else None)

    def settle(self, call: Call, data: object) -> None:
        """Remember a request for videos; link what is read of them to it."""
        request = call.request
        if isinstance(request.route.api, videos.Operation):
            asked = self._videos.get(model_name(obj(request.body).get("operationName")) or "")
            if asked is not None:
                call.link(asked.span)
        elif request.url and str(request.url).partition("?")[0].endswith(":predictLongRunning"):
            name = model_name(obj(data).get("name"))
            if name:
                self._videos.put(name, _Asked(call.span_context, videos.seconds_asked(request.body)))

    # Files

    def patches(self) -> tuple[Patch, ...]:
        """The methods that download a file: they do not go through those of all other requests."""
        return (
            Patch(_CLIENT, "BaseApiClient.download_file", self._download),
            Patch(_CLIENT, "BaseApiClient.async_download_file", self._adownload),
        )

    def _download(self, telemetry: Telemetry) -> Wrapper:
        def wrapper(wrapped: Wrapped, instance: Any, args: Args, kwargs: Kwargs) -> Any:
            download = self._begin(telemetry, instance, args, kwargs)
            if download is None:
                return wrapped(*args, **kwargs)
            returned = wrapped(*args, **download.arguments(kwargs))
            download.end(returned)
            return returned

        return wrapper

    def _adownload(self, telemetry: Telemetry) -> Wrapper:
        async def wrapper(wrapped: Wrapped, instance: Any, args: Args, kwargs: Kwargs) -> Any:
            download = self._begin(telemetry, instance, args, kwargs)
            if download is None:
                return await wrapped(*args, **kwargs)
            returned = await wrapped(*args, **download.arguments(kwargs))
            download.end(returned)
            return returned

        return wrapper

    def _begin(self, telemetry: Telemetry, client: Any, args: Args, kwargs: Kwargs) -> _Download | None:
        with Guard("results of a batch"):
            found = _FILE.search(str(args[0] if args else kwargs.get("path")))
            if found is None or not telemetry.listening():
                return None
            model = self._files.get(found[1])
            api = Results(self._counted.first, f"files/{found[1]}", model)
            return _Download(telemetry, client, api, kwargs.get("destination"))
        return None


class _Download:
    """One file on its way: its lines, where it holds results of a batch."""

    def __init__(self, telemetry: Telemetry, client: Any, api: Results, destination: Any) -> None:
        self._telemetry, self._client, self._api = telemetry, client, api
        self._destination, self._known = destination, api.known
        self._began = time_ns()
        self._writer = _Writer(destination) if api.known and hasattr(destination, "write") else None

    def arguments(self, kwargs: Kwargs) -> Kwargs:
        """The arguments of the SDK's method, with eyes on what it writes."""
        return kwargs if self._writer is None else {**kwargs, "destination": self._writer}

    def end(self, returned: Any) -> None:
        """The file is there."""
        with Guard("results of a batch"):
            fold = self._api.Fold()
            for line in self._lines(returned):
                fold.metadata(obj(line))
            data = fold.data()
            worth = self._known or data["usage"] is not None
            call = open_call(self._telemetry, self._describe, self._began) if worth else None
            if call is not None:
                call.see(data)
                call.end()

    def _lines(self, returned: Any) -> Iterator[object]:
        lines, path = Lines(""), self._destination
        if self._writer is not None:
            yield from self._writer.lines
            lines = self._writer.rest
        elif isinstance(returned, bytes) and (self._known or returned[:1] == b"{"):
            yield from lines.feed(returned)
        elif self._known and path is not None:
            with open(cast("str", self._destination), "rb") as file:
                while piece := file.read(_PIECE):
                    yield from lines.feed(piece)
        yield from lines.end()

    def _describe(self) -> Request:
        options = self._client._http_options
        url = str(options.base_url or "")
        key = _key(_FETCH, "gcp.gemini", None, url)  # the only service that has files
        return Request(Route(self._api, key), {}, options.headers or {}, url)


class _Writer:
    """What a program gives to be written to. The lines that pass are kept as what they count, not as they are."""

    def __init__(self, destination: Any) -> None:
        self._destination = destination
        self.rest = Lines("")
        self.lines: list[object] = []

    def write(self, data: bytes) -> Any:
        with Guard("results of a batch"):
            self.lines.extend(map(_without_content, self.rest.feed(data)))
        return self._destination.write(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._destination, name)


def _without_content(line: object) -> dict[str, object]:
    """A line without its content."""
    response = obj(obj(line).get("response"))
    kept = ("usageMetadata", "modelVersion", "tokenCount")
    return {"response": {name: value if name in kept else None for name, value in response.items()}}


def _key(operation: str, provider: str, model: str | None, url: str) -> Key:
    parts = urlsplit(url)
    return Key(operation, provider, model, parts.hostname, port_of(parts), False)
