"""What of openai is wrapped, and which request means which operation. openai 2.54 and 3.54 have the same names."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from genspan._core import stainless
from genspan._core.api import Route
from genspan._core.call import Request
from genspan._core.config import flag
from genspan._core.counted import Counted
from genspan._core.fetched import Fetched
from genspan._core.hosts import provider_of, read_hosts
from genspan.openai import chat, completions, embeddings, gemini_chat, responses, tools
from genspan.openai.media import Media
from genspan.openai.plain import Decisions, Free
from genspan.openai.sockets import CLASSES, OpenAISockets
from genspan.openai.stored import Background, Batch, Created
from genspan_semconv.model import Key, obj, text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from genspan._core.api import Api
    from genspan._core.binding import Patch

PROVIDERS = "GENSPAN_OPENAI_PROVIDERS"
STREAM_USAGE = "GENSPAN_OPENAI_STREAM_USAGE"

_RAW = "x-stainless-raw-response"
_AROUND = re.compile(r"^(https?://[^/]+)?/?(openai/)?(deployments/[^/]+/)?(v\d+/)?|/?(\?.*)?$")
_CLIENTS = {"Azure": "azure.ai.openai", "Bedrock": "aws.bedrock"}
_GOOGLE = ("gcp.gemini", "gcp.vertex_ai")
_CHAT, _MEDIA, _FETCH, _ID = "chat", "generate_content", "fetch_response", "(?P<id>[^/]+)"

_REPORTING: tuple[Api, ...] = (chat, completions, gemini_chat)
"""The APIs whose streams report usage where they are asked to."""

_HELPERS = tuple(
    (f"openai.lib.streaming.{module}", f"{twin}{name}")
    for module, name in (("chat._completions", "ChatCompletionStream"), ("responses._responses", "ResponseStream"))
    for twin in ("", "Async")
)


class _Row(NamedTuple):
    """Method and path of a request that a model answers, the API that reads it, and the operation's name."""

    request: str
    api: Api
    operation: str


def _rows(counted: Counted) -> tuple[_Row, ...]:
    fetched = Fetched(Background(), counted)
    return (
        _Row("POST chat/completions", chat, _CHAT),
        _Row("POST completions", completions, "text_completion"),
        _Row("POST responses", Created(counted), _CHAT),
        _Row("POST responses/compact", responses, _CHAT),
        _Row("POST responses/input_tokens", Free(), "count_tokens"),
        _Row(f"GET responses/{_ID}", fetched, _FETCH),
        _Row(f"POST responses/{_ID}/cancel", fetched, _FETCH),
        _Row("POST embeddings", embeddings, "embeddings"),
        _Row("POST images/(generations|edits|variations)", Media("image"), _MEDIA),
        _Row("POST audio/speech", Media("speech"), _MEDIA),
        _Row("POST audio/(transcriptions|translations)", Media("text"), _MEDIA),
        _Row("POST videos(/edits|/extensions|/[^/]+/remix)?", Media(None), _MEDIA),
        _Row("POST moderations", Free(), "moderation"),
        _Row("POST decisions", Decisions(), _MEDIA),
        _Row(f"GET chat/completions/{_ID}", Fetched(chat), _FETCH),
        _Row(f"GET batches/{_ID}", Fetched(Batch(), counted), _FETCH),
    )


class OpenAIRequest(Request):
    """A request of which we may have changed one thing: that a stream reports usage."""

    __slots__ = ("asked_usage",)

    def __init__(self, route: Route, body: object, headers: Mapping[str, object], url: str) -> None:
        super().__init__(route, body, headers, url)
        self.asked_usage = False

    def hides(self, chunk: object) -> bool:
        """The chunk of usage that we asked for has no choices."""
        return self.asked_usage and bool(obj(chunk).get("usage")) and not obj(chunk).get("choices")


class Routes:
    """Which request leads where, by the settings of one instrumentor."""

    def __init__(self) -> None:
        self._hosts = read_hosts(PROVIDERS)
        self._stream_usage = flag(STREAM_USAGE)
        rows = _rows(Counted())
        self._rows = [(re.compile(row.request), row) for row in rows]
        self._row = lru_cache(maxsize=512)(self._look_up)
        self._provider = lru_cache(maxsize=512)(self._name_provider)

    def patches(self) -> tuple[Patch, ...]:
        """The patch points."""
        http = stainless.patches("openai", self.find, self.adjust, _HELPERS)
        return (*http, *OpenAISockets(self.key).patches(CLASSES), *tools.PATCHES)

    def find(self, client: Any, options: Any) -> Request | None:
        """The request as a model call, if it is one."""
        found = self._row(options.method, options.url)
        if found is None:
            return None
        row, identity = found
        body, kind = stainless.wire_body(options), cast("type[Any]", type(client))
        if identity is not None:
            body = {"id": identity, **cast("dict[str, object]", options.params or {})}
        key = self.key(client.base_url, kind, row.operation, text(body.get("model")), body.get("stream") is True)
        api = gemini_chat if row.api is chat and key.provider in _GOOGLE else row.api
        return OpenAIRequest(Route(api, key), body, obj(options.headers), "")

    def key(self, url: Any, client: type[Any], operation: str, model: str | None, stream: bool) -> Key:
        """The key of a call that a client sends to a URL."""
        port = url.port or {"https": 443, "wss": 443, "http": 80, "ws": 80}.get(url.scheme)
        return Key(operation, self._provider(url.host, client), model, url.host, port, stream)

    def adjust(self, request: Request, options: Any) -> None:
        """Ask a stream for its usage where the settings say so; not for those who read its bytes, who would see it."""
        if not self._stream_usage or not isinstance(request, OpenAIRequest) or not request.route.key.stream:
            return
        body, wanted = options.json_data, obj(obj(request.body).get("stream_options"))
        if request.route.api not in _REPORTING or "include_usage" in wanted:
            return
        if isinstance(body, dict) and not any(name.lower() == _RAW for name in obj(options.headers)):
            options.json_data = {**body, "stream_options": {**wanted, "include_usage": True}}
            request.asked_usage = True

    def _name_provider(self, host: str, client: type[Any]) -> str:
        """By host; else by the kind of client, which may talk to a gateway; else it is OpenAI."""
        names = [kind.__name__.removeprefix("Async") for kind in client.__mro__]
        kinds = [provider for prefix, provider in _CLIENTS.items() if any(name.startswith(prefix) for name in names)]
        return provider_of(host, self._hosts) or next(iter(kinds), "openai")

    def _look_up(self, method: str, url: str) -> tuple[_Row, str | None] | None:
        request = f"{method.upper()} {_AROUND.sub('', url)}"
        for pattern, row in self._rows:
            match = pattern.fullmatch(request)
            if match is not None:
                return row, match.groupdict().get("id")
        return None
