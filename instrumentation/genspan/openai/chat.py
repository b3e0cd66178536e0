"""OpenAI's chat completions, and the completions before them, by the dialect that other providers share.

https://platform.openai.com/docs/api-reference/chat
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from genspan.dialects import openai_chat
from genspan.dialects.openai_chat import Fold, answer, prompt
from genspan.dialects.openai_parts import said_by_user
from genspan.dialects.openai_usage import all_but_input
from genspan.openai import params as parameters
from genspan_semconv import attributes as names
from genspan_semconv.model import Prompt, text

if TYPE_CHECKING:
    from genspan_semconv.model import Params, Response, Wire

__all__ = ["Completions", "Fold", "Gemini", "answer", "params", "prompt", "response"]


def params(body: Wire) -> Params:
    """Parameters of the request."""
    return {names.OPENAI_API_TYPE: "chat_completions", **parameters.read(body)}


def response(data: Wire) -> Response:
    """The response, with the tier that served it and the configuration of the backend."""
    found = openai_chat.response(data)
    found.attributes = {
        names.OPENAI_RESPONSE_SERVICE_TIER: text(data.get("service_tier")),
        names.OPENAI_RESPONSE_SYSTEM_FINGERPRINT: text(data.get("system_fingerprint")),
    }
    return found


class Completions:
    """Text completions: https://platform.openai.com/docs/api-reference/completions."""

    def __init__(self) -> None:
        self.Fold, self.params, self.response, self.answer = Fold, parameters.read, response, answer

    def prompt(self, body: Wire) -> Prompt:
        """One message per prompt; prompts may be lists of token numbers, which say nothing."""
        return Prompt([], said_by_user(body.get("prompt")), [])


class Gemini:
    """Chat completions answered by Gemini: its thoughts are billed as output and counted in the total alone."""

    def __init__(self) -> None:
        self.Fold, self.params, self.prompt, self.answer = Fold, params, prompt, answer

    def response(self, data: Wire) -> Response:
        """The response, with all that is not input as output."""
        found = response(data)
        found.usage = None if found.usage is None else all_but_input(found.usage)
        return found
