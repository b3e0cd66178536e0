"""What of anthropic is wrapped, and which request means which operation."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from genspan._core.hooks import stainless
from genspan._core.routes.contract import Request, Route
from genspan._core.routes.provider_names import Keys
from genspan._core.routes.routing import Row, finder
from genspan._core.routes.seen_ids import Counted
from genspan._core.wire import aws_eventstream as amazon
from genspan.anthropic import messages, sdk_tracing, tools
from genspan.anthropic.batches import Results
from genspan.anthropic.sessions import Sessions
from genspan.anthropic.text_completions import TextCompletions
from genspan.anthropic.token_count import TokenCount
from genspan.anthropic.usage import DECLINED
from genspan_semconv.model import seq, text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from genspan._core.hooks.patches import Patch, Replacement

PROVIDERS = "GENSPAN_ANTHROPIC_PROVIDERS"

_AROUND = r"^(https?://[^/]+)?/?(anthropic/)?(v\d[^/]*/)?|/?(\?.*)?$"
_CHAT, _ID, _MODEL = "chat", "(?P<id>[^/]+)", "(?P<model>[^/:]+)"
_VERTEX = "projects/[^/]+/locations/[^/]+/publishers/anthropic/models"

# Who answers, by the kind of client: a cloud, or Anthropic's own service wherever it is sold.
_CLIENTS = {
    "AnthropicBedrock": "aws.bedrock",
    "AnthropicVertex": "gcp.vertex_ai",
    **dict.fromkeys(("AnthropicFoundry", "AnthropicAWS", "AnthropicGoogleCloud"), "anthropic"),
}

_MESSAGES, _BETA = "anthropic.lib.streaming._messages", "anthropic.lib.streaming._beta_messages"
_HELPERS = (
    (_MESSAGES, "MessageStream"),
    (_MESSAGES, "AsyncMessageStream"),
    (_BETA, "BetaMessageStream"),
    (_BETA, "BetaAsyncMessageStream"),
)

_ROWS = (
    Row("POST messages", messages, _CHAT),
    Row("POST messages/count_tokens", TokenCount(), "count_tokens"),
    Row("POST complete", TextCompletions(), "text_completion"),
    Row(f"GET messages/batches/{_ID}/results", Results(lambda _: False), "fetch_response"),
    # As Vertex AI and Bedrock have them, for who sends there by `client.post`; the clients' methods come later.
    Row(f"POST {_VERTEX}/count-tokens:rawPredict", TokenCount(), "count_tokens"),
    Row(f"POST {_VERTEX}/{_MODEL}:(rawPredict|(?P<stream>streamRawPredict))", messages, _CHAT),
    Row("POST model/(?P<model>[^/]+)/(invoke|(?P<stream>invoke-with-response-stream))", messages, _CHAT),
)


class AnthropicRequest(Request):
    """A request of the SDK, which may have several answers where a middleware asks another model."""

    __slots__ = ()

    def after(self, earlier: Mapping[str, object], data: Mapping[str, object]) -> Mapping[str, object]:
        """An answer of another id was refused, and is billed beside this one."""
        if not earlier.get("id") or earlier.get("id") == data.get("id"):
            return {**data, DECLINED: earlier[DECLINED]} if DECLINED in earlier else data
        return {**data, DECLINED: [*seq(earlier.get(DECLINED)), earlier.get("usage")]}

    def events(self, raw: bytes) -> Iterator[bytes]:
        """Bedrock frames them in its own way."""
        return super().events(raw) if not raw.startswith(b"\0") else amazon.decode(raw)


class Routes:
    """Which request leads where, by the settings of one instrumentor."""

    def __init__(self) -> None:
        self._key = Keys(PROVIDERS, _CLIENTS, "anthropic", kind_first=True).key
        self._counted = Counted()
        self._look_up = finder(_ROWS, _AROUND)

    def patches(self) -> tuple[Patch | Replacement, ...]:
        """The patch points."""
        sessions = Sessions(self._key, self._counted)
        http = stainless.patches("anthropic", self.find, stainless.unchanged, _HELPERS, sessions)
        return (*http, *tools.PATCHES, *sdk_tracing.PATCHES)

    def find(self, client: Any, options: Any) -> Request | None:
        """The request as a model call, if it is one."""
        found = self._look_up(options.method, options.url)
        if found is None:
            return None
        row, parts = found
        identity = parts.get("id")
        body = stainless.given_body(options) if identity is None else {"id": identity}
        model = text(body.get("model")) or (unquote(parts["model"]) if parts.get("model") else None)
        stream = body.get("stream") is True or "stream" in parts
        api = row.api if identity is None else Results(partial(self._counted.first, identity))
        request = AnthropicRequest(Route(api, self._key(client, row.operation, model, stream)), body, {}, "")
        request.lines = identity is not None
        option = sdk_tracing.options(client)
        request.propagates = option.get("propagation") is not False
        if text(option.get("conversation_id")):
            request.params = {"conversation_id": str(option["conversation_id"])}
        return request
