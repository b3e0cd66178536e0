"""What of mistralai is wrapped, and which request means which operation; the same names since 2.0."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from genspan._core.calls.call import current_call
from genspan._core.hooks import speakeasy
from genspan._core.hooks.patches import Patch
from genspan._core.routes.contract import Request, Route
from genspan._core.routes.provider_names import Keys
from genspan._core.routes.routing import Row, finder
from genspan.dialects import openai_chat, openai_embeddings
from genspan.mistralai import conversations
from genspan.mistralai.documents import Document, FillIn, Judged, Responses, Sound
from genspan_semconv.model import text

if TYPE_CHECKING:
    from collections.abc import Callable

    from genspan._core.emit.telemetry import Telemetry
    from genspan._core.hooks.wrappers import Args, Kwargs, Wrapped, Wrapper
    from genspan._core.routes.contract import Api
    from genspan_semconv.model import Wire

PROVIDERS: Final = "GENSPAN_MISTRALAI_PROVIDERS"
_AROUND: Final = r"^(https?://[^/]+)?/?(.*/)?(v1|models|providers/mistral/azure)/(projects/.+/)?|[?#].*$"
_PACKAGES: Final = {
    "mistralai.client": "mistral_ai",
    "mistralai.azure.client": "azure.ai.inference",
    "mistralai.gcp.client": "gcp.vertex_ai",
}
"""The SDK's three clients, and who answers where the host does not tell."""

_FILL_IN, _DOCUMENT, _JUDGED, _RESPONSES, _SOUND = FillIn(), Document(), Judged(), Responses(), Sound()
_TEXT, _GENERATE, _JUDGE = "text_completion", "generate_content", "moderation"

_ROWS: Final = (
    Row("POST (chat|agents)/completions", openai_chat, "chat"),
    Row("POST fim/completions", _FILL_IN, _TEXT),
    Row("POST (?P<model>[^/:]+):(streamR|r)awPredict", openai_chat, "chat"),
    Row("POST conversations(/(?P<conversation_id>[^/]+)(/restart)?)?", conversations, "chat"),
    Row("POST responses", _RESPONSES, "chat"),
    Row("POST embeddings", openai_embeddings, "embeddings"),
    Row("POST ocr", _DOCUMENT, _GENERATE),
    Row("POST audio/(transcriptions|speech)", _SOUND, _GENERATE),
    Row("POST (chat/)?(moderations|classifications)", _JUDGED, _JUDGE),
)

_METHODS: Final[tuple[tuple[str, str, str, Api, str], ...]] = (
    ("chat", "Chat", "complete stream parse parse_stream", openai_chat, "chat"),
    ("agents", "Agents", "complete stream", openai_chat, "chat"),
    ("fim", "Fim", "complete stream", _FILL_IN, _TEXT),
    ("conversations", "Conversations", "start append restart", conversations, "chat"),
    ("conversations", "Conversations", "start_stream append_stream restart_stream", conversations, "chat"),
    ("embeddings", "Embeddings", "create", openai_embeddings, "embeddings"),
    ("responses", "Responses", "create", _RESPONSES, "chat"),
    ("ocr", "Ocr", "process", _DOCUMENT, _GENERATE),
    ("transcriptions", "Transcriptions", "complete stream", _SOUND, _GENERATE),
    ("speech", "Speech", "complete", _SOUND, _GENERATE),
    ("classifiers", "Classifiers", "moderate moderate_chat classify classify_chat", _JUDGED, _JUDGE),
)
"""Module, class and public methods, each of which has an asynchronous twin; and what each is."""


def patches() -> tuple[Patch, ...]:
    """The patch points of all three clients."""
    found: list[Patch] = []
    look_up = finder(_ROWS, _AROUND)
    for package, provider in _PACKAGES.items():
        key = Keys(PROVIDERS, {}, provider).key

        def find(sdk: Any, request: Any, read: Callable[[], Wire], key: Any = key) -> Request | None:
            row, parts = look_up(request.method, str(request.url)) or (None, {})
            if row is None:
                return None
            body = {**parts, **read()}
            model = text(body.get("model")) or text(body.get("agent_id")) or speakeasy.requested_model()
            stream = body.get("stream") is True or request.url.fragment == "stream"
            api = _FILL_IN if request.url.fragment == "fim" else row.api
            named = key(sdk, row.operation, model, stream, request.url)
            return Request(Route(api, named), body, request.headers, request.url)

        methods = [
            speakeasy.Method(f"{package}.{module}", f"{kind}.{name}{twin}", api, operation)
            for module, kind, names, api, operation in _METHODS
            for name in names.split()
            for twin in ("", "_async")
        ]
        found += speakeasy.patches(package, find, partial(_named, provider), methods)
    return (*found, Patch("mistralai.client._hooks.tracing", "get_traced_request_and_span", _no_span))


def _named(provider: str, sdk: Any) -> str:
    return provider


def _no_span(telemetry: Telemetry) -> Wrapper:
    """The SDK's own tracing makes no span of what is a span of ours, and sends no trace context for it."""

    def wrapper(wrapped: Wrapped, instance: Any, args: Args, kwargs: Kwargs) -> Any:
        if current_call() is not None and telemetry.tracing():
            return wrapped(*args, **{**kwargs, "tracing_enabled": False})
        return wrapped(*args, **kwargs)

    return wrapper
