"""Jobs of many requests: https://platform.openai.com/docs/api-reference/batch and ``/evals``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from genspan.dialects.errors import error_code
from genspan.dialects.openai_usage import read_usage
from genspan_semconv.model import NoContent, Response, obj, seq, summed, text

if TYPE_CHECKING:
    from genspan_semconv.model import Wire

_OPERATIONS: Final = {
    "embeddings": "embeddings",
    "completions": "text_completion",
    "images": "generate_content",
    "moderations": "moderation",
}
_OVER: Final = ("completed", "failed", "cancelled")
_STATES: Final = {
    **{state: state for state in ("queued", "in_progress", *_OVER)},
    "validating": "queued",
    "finalizing": "in_progress",
    "cancelling": "in_progress",
    "canceled": "cancelled",
    "expired": "failed",
}


class Job(NoContent):
    """A batch, or a run of evaluations: its state, and once it is over the usage of all its requests together.

    The answers are in files.
    """

    def response(self, data: Wire) -> Response:
        """State and usage; the model where there is only one."""
        status = _STATES.get(text(data.get("status")) or "")
        apart = [obj(item) for item in seq(data.get("per_model_usage"))]
        models = [text(item.get("model_name")) for item in apart] or [text(data.get("model"))]
        usage = obj(data.get("usage"))
        for item in apart:
            usage = summed(usage, item)
        return Response(
            id=text(data.get("id")),
            model=models[0] if len(models) == 1 else None,
            status=status,
            usage=read_usage({"usage": usage}) if status in _OVER else None,
            operation=_OPERATIONS.get(str(data.get("endpoint")).removeprefix("/v1/").partition("/")[0], "chat"),
            error=error_code(data.get("error")),
        )
