"""What of groq is wrapped, and which request means which operation: https://console.groq.com/docs/api-reference."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from genspan._core.hooks import stainless
from genspan._core.routes.provider_names import Keys
from genspan._core.routes.routing import Row, finder
from genspan.dialects import openai_chat, openai_embeddings
from genspan.dialects.openai_media import Media

if TYPE_CHECKING:
    from genspan._core.hooks.patches import Patch, Replacement
    from genspan._core.routes.contract import Request

PROVIDERS: Final = "GENSPAN_GROQ_PROVIDERS"

_AROUND: Final = r"^(https?://[^/]+)?/?(openai/)?(v\d+/)?|/?(\?.*)?$"
_ROWS: Final = (
    Row("POST chat/completions", openai_chat, "chat"),
    Row("POST embeddings", openai_embeddings, "embeddings"),
    Row("POST audio/speech", Media("speech"), "generate_content"),
    Row("POST audio/(transcriptions|translations)", Media("text"), "generate_content"),
)


class Routes:
    """Which request leads where, by the settings of one instrumentor."""

    def __init__(self) -> None:
        self._key = Keys(PROVIDERS, {}, "groq").key
        self._look_up = finder(_ROWS, _AROUND)

    def patches(self) -> tuple[Patch | Replacement, ...]:
        """The patch points."""
        return stainless.patches("groq", self.find, stainless.unchanged)

    def find(self, client: Any, options: Any) -> Request | None:
        """The request as a model call, if it is one."""
        return stainless.request(self._look_up, self._key, client, options)
