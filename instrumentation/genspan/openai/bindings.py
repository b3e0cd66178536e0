"""What of openai is wrapped, and which request means which operation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from genspan._core.config import flag
from genspan._core.hooks import stainless
from genspan._core.routes.contract import Request, Route
from genspan._core.routes.provider_names import Keys
from genspan._core.routes.routing import Row, finder
from genspan._core.routes.seen_ids import Counted
from genspan._core.routes.stored_responses import Fetched, Once
from genspan.dialects import openai_embeddings as embeddings
from genspan.dialects.openai_media import Media
from genspan.openai import chat, responses, tools
from genspan.openai.agents import Agents, Turn
from genspan.openai.jobs import Job
from genspan.openai.judgements import Decisions, Moderation, TokenCount
from genspan.openai.sockets import OpenAISockets
from genspan_semconv.model import obj, text

if TYPE_CHECKING:
    from genspan._core.hooks.patches import Patch, Replacement
    from genspan._core.routes.contract import Api

PROVIDERS: Final = "GENSPAN_OPENAI_PROVIDERS"
STREAM_USAGE: Final = "GENSPAN_OPENAI_STREAM_USAGE"

_RAW: Final = "x-stainless-raw-response"
_AROUND: Final = r"^(https?://[^/]+)?/?(openai/)?(deployments/[^/]+/)?(v\d+/)?|/?(\?.*)?$"
_CLIENTS: Final = {"Azure": "azure.ai.openai", "Bedrock": "aws.bedrock"}
_GOOGLE: Final = ("gcp.gemini", "gcp.vertex_ai")
_CHAT, _MEDIA, _FETCH, _ID = "chat", "generate_content", "fetch_response", "(?P<id>[^/]+)"

_HELPERS: Final = tuple(
    (f"openai.lib.streaming.{module}", f"{twin}{name}")
    for module, name in (("chat._completions", "ChatCompletionStream"), ("responses._responses", "ResponseStream"))
    for twin in ("", "Async")
)

_COMPLETIONS, _GEMINI = chat.Completions(), chat.Gemini()
_REPORTING: tuple[Api, ...] = (chat, _COMPLETIONS, _GEMINI)
"""The APIs whose streams report usage where they are asked to."""


def _rows(counted: Counted) -> tuple[Row, ...]:
    fetched = Fetched(responses, counted)
    return (
        Row("POST chat/completions", chat, _CHAT),
        Row("POST completions", _COMPLETIONS, "text_completion"),
        Row("POST responses", Once(responses, counted), _CHAT),
        Row("POST responses/compact", responses, _CHAT),
        Row("POST responses/input_tokens", TokenCount(), "count_tokens"),
        Row(f"GET responses/{_ID}", fetched, _FETCH),
        Row(f"POST responses/{_ID}/cancel", fetched, _FETCH),
        Row("POST embeddings", embeddings, "embeddings"),
        Row("POST images/(generations|edits|variations)", Media("image"), _MEDIA),
        Row("POST audio/speech", Media("speech"), _MEDIA),
        Row("POST audio/(transcriptions|translations)", Media("text"), _MEDIA),
        Row("POST videos(/edits|/extensions|/[^/]+/remix)?", Media(), _MEDIA),
        Row("POST moderations", Moderation(), "moderation"),
        Row("POST decisions", Decisions(), _MEDIA),
        Row(f"GET chat/completions/{_ID}", Fetched(chat, counted), _FETCH),
        Row(f"GET (batches|evals/[^/]+/runs)/{_ID}", Fetched(Job(), counted), _FETCH),
    )


def _is_usage(chunk: object) -> bool:
    """The chunk of usage that we asked for has no choices."""
    return bool(obj(chunk).get("usage")) and not obj(chunk).get("choices")


class Routes:
    """Which request leads where, by the settings of one instrumentor."""

    def __init__(self) -> None:
        self._key = Keys(PROVIDERS, _CLIENTS, "openai").key
        self._stream_usage = flag(STREAM_USAGE)
        self._counted = Counted()
        self._look_up = finder(_rows(self._counted), _AROUND)

    def patches(self) -> tuple[Patch | Replacement, ...]:
        """The patch points."""
        agents = Agents(Turn(), "invoke_agent", self._key, self._counted)
        http = stainless.patches("openai", self.find, self.adjust, _HELPERS, agents)
        return (*http, *OpenAISockets(self._key).all_patches(), *tools.PATCHES)

    def find(self, client: Any, options: Any) -> Request | None:
        """The request as a model call, if it is one."""
        found = self._look_up(options.method, options.url)
        if found is None:
            return None
        row, parts = found
        body = stainless.given_body(options)
        if "id" in parts:
            body = {**parts, **cast("dict[str, object]", options.params or {})}
        key = self._key(client, row.operation, text(body.get("model")), body.get("stream") is True)
        api = _GEMINI if row.api is chat and key.provider in _GOOGLE else row.api
        return Request(Route(api, key), body, obj(options.headers), "")

    def adjust(self, request: Request, options: Any) -> None:
        """Ask a stream for its usage where the settings say so; but not for those who read its bytes."""
        if not self._stream_usage or not request.route.key.stream:
            return
        body, wanted = options.json_data, obj(obj(request.body).get("stream_options"))
        if request.route.api not in _REPORTING or "include_usage" in wanted or not isinstance(body, dict):
            return
        if not any(name.lower() == _RAW and value == "stream" for name, value in obj(options.headers).items()):
            options.json_data = {**body, "stream_options": {**wanted, "include_usage": True}}
            request.hides = _is_usage
