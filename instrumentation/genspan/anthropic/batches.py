"""Results of a batch, a JSON line each: https://platform.claude.com/docs/en/api/retrieving-message-batch-results.

They can be read any number of times. The reading that first has a result counts its usage.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, cast

from genspan.anthropic.usage import read_usage
from genspan_semconv import attributes as names
from genspan_semconv.model import NoContent, Response, Usage, obj, seq, text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from genspan_semconv.model import Params

    Wire = Mapping[str, object]


class Results(NoContent):
    """``GET /v1/messages/batches/{id}/results``: a model call where it has results that were not counted yet.

    Their messages are too many for one span. ``first(number)`` says whether the result of this number is one.
    """

    def __init__(self, first: Callable[[int], bool]) -> None:
        self.Fold = cast("type[Tally]", partial(Tally, first))

    def params(self, body: Wire) -> Params:
        """Which batch is read."""
        return {"response_id": text(body.get("id")) or ""}

    def response(self, data: Wire) -> Response:
        """The usage of what is new; the model and the tier where there is only one."""
        models, usage = seq(data.get("models")), data.get("usage")
        counted = isinstance(usage, Usage)
        return Response(
            model=text(models[0]) if len(models) == 1 else None,
            usage=usage if counted else None,
            operation="chat" if counted else None,
            attributes={names.ANTHROPIC_RESPONSE_SERVICE_TIER: "batch" if counted else None},
            summary=dict(obj(data.get("results"))),
        )


class Tally:
    """What the lines add up to."""

    def __init__(self, first: Callable[[int], bool]) -> None:
        self._first = first
        self._lines = 0
        self._models: dict[str, None] = {}
        self._results: dict[str, int] = {}
        self._usage: Usage | None = None

    def metadata(self, chunk: Wire) -> None:
        """One result: ``succeeded``, ``errored``, ``canceled`` or ``expired``."""
        result = obj(chunk.get("result"))
        kind, message = text(result.get("type")) or "unknown", obj(result.get("message"))
        self._results[kind] = self._results.get(kind, 0) + 1
        if self._first(self._lines) and message:
            usage = read_usage(message.get("usage"))
            self._usage = usage + self._usage if usage and self._usage else usage or self._usage
            self._models[text(message.get("model")) or ""] = None
        self._lines += 1

    def content(self, chunk: Wire) -> None:
        """Nothing of it is kept."""

    def data(self) -> dict[str, object]:
        """Not wire JSON: how many results of which kind, their models, the sum of their usage."""
        return {"results": self._results, "models": list(self._models), "usage": self._usage}
