"""Videos are made after their request; what is read of them later is the operation that makes them.

https://ai.google.dev/gemini-api/docs/video
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from genspan.gemini import images
from genspan_semconv.model import NoContent, Response, Usage, integer, obj, seq, text

if TYPE_CHECKING:
    from collections.abc import Callable

    from genspan_semconv.model import Message, Params, Wire


class Operation(NoContent):
    """Reading an operation: the model's answer where it is done and was not read before, else a look at its state.

    ``first(name)`` says whether it was not. ``seconds`` is how long each video was asked to be, ``model`` who makes it.
    """

    def __init__(self, first: Callable[[str], bool], model: str, seconds: int | None = None) -> None:
        self._first, self._model, self._seconds = first, model, seconds
        self._new = False

    def params(self, body: Wire) -> Params:
        """Which operation is read."""
        return {"response_id": text(body.get("operationName")) or ""}

    def response(self, data: Wire) -> Response:
        """Whether it is done; on the first reading that has them the videos, what was filtered, or the failure."""
        found = images.response(data)
        done = data.get("done") is True
        self._new = done and self._first(found.id or "")
        found.status = ("failed" if found.error else "completed") if done else "in_progress"
        if not self._new:
            found.error = found.summary = None
            found.finish_reasons = []
            return found
        found.operation, found.requested_model = "generate_content", self._model
        if not found.error:
            found.finish_reasons = found.finish_reasons or ["stop"]
            found.usage = self._usage(data)
        return found

    def _usage(self, data: Wire) -> Usage | None:
        """Videos are billed by the second: those that were delivered, each as long as it was asked to be."""
        done = obj(data.get("response"))
        made = obj(done.get("generateVideoResponse")) or done
        videos = len(seq(made.get("videos")) or seq(made.get("generatedSamples")))
        return Usage(video_seconds=float(videos * self._seconds)) if self._seconds and videos else None

    def answer(self, data: Wire) -> list[Message]:
        """The videos, once."""
        return images.answer(data) if self._new else []


def seconds_asked(body: object) -> int | None:
    """How long each video of a request is to be, where the request says so."""
    parameters = obj(obj(body).get("parameters"))
    return integer(parameters.get("durationSeconds"))
