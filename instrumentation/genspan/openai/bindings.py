"""What of openai is wrapped, and which request means which operation. openai 2.54 and 3.54 have the same names."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from genspan._core import stainless
from genspan._core.api import Route
from genspan._core.call import Request
from genspan._core.config import flag
from genspan.openai import chat
from genspan.openai.providers import provider_of, read_providers
from genspan_semconv.model import Key, obj, text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from genspan._core.api import Api
    from genspan._core.binding import Patch

STREAM_USAGE = "GENSPAN_OPENAI_STREAM_USAGE"
_RAW = "X-Stainless-Raw-Response"

_AROUND = re.compile(r"^(https?://[^/]+)?/?(v\d+/)?|/?(\?.*)?$")

_STREAMS = "openai.lib.streaming"
_HELPERS = (
    (f"{_STREAMS}.chat._completions", "ChatCompletionStream"),
    (f"{_STREAMS}.chat._completions", "AsyncChatCompletionStream"),
    (f"{_STREAMS}.responses._responses", "ResponseStream"),
    (f"{_STREAMS}.responses._responses", "AsyncResponseStream"),
)


class _Row(NamedTuple):
    api: Api
    operation: str


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
        self._hosts = read_providers()
        self._stream_usage = flag(STREAM_USAGE)
        self._rows: dict[str, _Row] = {"POST chat/completions": _Row(chat, "chat")}
        self._row = lru_cache(maxsize=512)(self._look_up)
        self._provider = lru_cache(maxsize=512)(self._name_provider)

    def patches(self) -> tuple[Patch, ...]:
        """The patch points."""
        return stainless.patches("openai", self.find, self.adjust, _HELPERS)

    def find(self, client: Any, options: Any) -> Request | None:
        """The request as a model call, if it is one."""
        row = self._row(options.method, options.url)
        if row is None:
            return None
        body, base = stainless.wire_body(options), client.base_url
        kind = cast("type[Any]", type(client))
        key = Key(
            row.operation,
            self._provider(base.host, kind),
            text(body.get("model")),
            base.host,
            base.port or {"https": 443, "http": 80}.get(base.scheme),
            body.get("stream") is True,
        )
        return OpenAIRequest(Route(row.api, key), body, obj(options.headers), "")

    def adjust(self, request: Request, options: Any) -> None:
        """Ask a stream for its usage where the settings say so; not for those who read its bytes, who would see it."""
        if not self._stream_usage or not isinstance(request, OpenAIRequest) or not request.route.key.stream:
            return
        body, wanted = options.json_data, obj(obj(request.body).get("stream_options"))
        if request.route.api is not chat or "include_usage" in wanted or not isinstance(body, dict):
            return
        if any(name.lower() == _RAW.lower() for name in obj(options.headers)):
            return
        options.json_data = {**body, "stream_options": {**wanted, "include_usage": True}}
        request.asked_usage = True

    def _name_provider(self, host: str, client: type[Any]) -> str:
        return provider_of(host, client, self._hosts)

    def _look_up(self, method: str, url: str) -> _Row | None:
        path = _AROUND.sub("", url)
        return self._rows.get(f"{method.upper()} {path}")
