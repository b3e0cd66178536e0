"""Batches: https://ai.google.dev/gemini-api/docs/batch-api. Their answers stand in the job, or in a file of JSON lines.

They can be read any number of times. The reading that first has an answer counts its usage, whatever became of the job.
Vertex AI writes the answers into a bucket or a table, which the SDK does not read.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final, cast

from genspan.gemini.resources import error_status, model_name
from genspan.gemini.usage import read_usage
from genspan_semconv.model import NoContent, Response, Usage, count, obj, seq, text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from genspan_semconv.model import Params, Wire

    First = Callable[[str, int], bool]

_STATES: Final = {
    **dict.fromkeys(("UNSPECIFIED", "QUEUED", "PENDING"), "queued"),
    **dict.fromkeys(("RUNNING", "CANCELLING", "PAUSED", "UPDATING"), "in_progress"),
    **dict.fromkeys(("FAILED", "EXPIRED"), "failed"),
    "SUCCEEDED": "completed",
    "PARTIALLY_SUCCEEDED": "completed",
    "CANCELLED": "cancelled",
}
_GENERATED: Final = "generate_content"
_EMBEDDED: Final = "embeddings"


class Tally:
    """What the answers of jobs add up to, as far as they are new. Also the fold of a file of JSON lines.

    ``first(identity, number)`` says whether the answer of this number in a job or a file is one.
    """

    def __init__(self, first: First, identity: str = "") -> None:
        self._first, self._identity = first, identity
        self._number = 0
        self._results: dict[str, int] = {}
        self._models: dict[str, None] = {}
        self._operations: dict[str, None] = {}
        self._usage: Usage | None = None

    def of(self, identity: str) -> None:
        """Go on with the answers of another job."""
        self._identity, self._number = identity, 0

    def metadata(self, chunk: Wire) -> None:
        """One answer: a ``response``, or an ``error``."""
        found = obj(chunk.get("response"))
        kind = "succeeded" if found else "failed"
        self._results[kind] = self._results.get(kind, 0) + 1
        new = self._first(self._identity, self._number)
        self._number += 1
        operation, usage = _read(found)
        if new and usage is not None:
            self._usage = usage + self._usage if self._usage is not None else usage
            self._operations[operation] = None
            self._models[text(found.get("modelVersion")) or ""] = None

    def content(self, chunk: Wire) -> None:
        """Nothing of it is kept: the answers are too many for one span."""

    def data(self) -> dict[str, object]:
        """Not wire JSON: how many answers of which kind, what is new of their usage, and of which models it is."""
        return {
            "results": self._results,
            "models": list(self._models),
            "operations": list(self._operations),
            "usage": self._usage,
        }


def _read(found: Wire) -> tuple[str, Usage | None]:
    """The operation and the usage of one answer. A vector's count is 64 bits wide, and so is a text."""
    if not ("embedding" in found or "embeddings" in found or "tokenCount" in found):
        return _GENERATED, read_usage(found.get("usageMetadata"))
    usage = read_usage(found.get("usageMetadata"))
    tokens = found.get("tokenCount")
    number = usage.input if usage else count(int(tokens) if isinstance(tokens, str) and tokens.isdecimal() else tokens)
    return _EMBEDDED, Usage(input=number) if number is not None else None


def _tallied(data: Wire) -> Response:
    usage, models, operations = data.get("usage"), seq(data.get("models")), seq(data.get("operations"))
    counted = isinstance(usage, Usage)
    return Response(
        model=text(models[0]) if len(models) == 1 else None,
        usage=usage if counted else None,
        operation=(text(operations[0]) if len(operations) == 1 else _GENERATED) if counted else None,
        summary=dict(obj(data.get("results"))) or None,
    )


class Jobs(NoContent):
    """Reading a job, or a list of them: a model call where it has answers that were not counted yet."""

    def __init__(self, first: First, results_in: Callable[[str, str], None]) -> None:
        """``results_in(file, model)`` is told of files that hold the answers."""
        self._first, self._results_in = first, results_in

    def params(self, body: Wire) -> Params:
        """Which job is read, or ``batches`` for a list of them."""
        return {"response_id": text(body.get("id")) or ""}

    def response(self, data: Wire) -> Response:
        """The usage of what is new; state and model where it is one job."""
        jobs = _jobs(data)
        tally = Tally(self._first)
        for job in jobs:
            tally.of(text(job.get("name")) or "")
            for answer in map(obj, _answers(job, self._results_in)):
                tally.metadata(answer)
        found = _tallied(tally.data())
        models = {_model(job) for job in jobs}
        found.requested_model = next(iter(models)) if len(models) == 1 else None
        if "operations" not in data and "batchPredictionJobs" not in data:
            found.id = text(data.get("name"))
            found.status, found.error = _state(data)
        return found


class Results(NoContent):
    """Reading a file of answers, each of which is a chunk."""

    def __init__(self, first: First, file: str, model: str | None) -> None:
        self._file, self._model = file, model
        self.known = model is not None
        """Whether a job was read whose answers are in it."""
        self.Fold = cast("type[Tally]", partial(Tally, first, file))

    def params(self, body: Wire) -> Params:
        """Which file is read."""
        return {"response_id": self._file}

    def response(self, data: Wire) -> Response:
        """The usage of what is new."""
        found = _tallied(data)
        found.requested_model = self._model
        return found


def _jobs(data: Wire) -> list[Wire]:
    listed = seq(data.get("operations")) or seq(data.get("batchPredictionJobs"))
    return [obj(job) for job in listed] if listed or "operations" in data else [data]


def _model(job: Wire) -> str | None:
    return model_name(text(obj(job.get("metadata")).get("model")) or job.get("model"))


def _answers(job: Wire, results_in: Callable[[str, str], None]) -> Iterator[object]:
    """The answers of a job, which the service gives in two places."""
    outputs = [obj(obj(job.get("metadata")).get("output")), obj(job.get("response"))]
    for output in outputs:
        file = text(output.get("responsesFile"))
        if file:
            results_in(file.removeprefix("files/"), _model(job) or "")
    for output in outputs:
        answers = [
            answer
            for name in ("inlinedResponses", "inlinedEmbedContentResponses")
            for answer in seq(obj(output.get(name)).get("inlinedResponses")) or seq(output.get(name))
        ]
        if answers:
            yield from answers
            return


def _state(job: Wire) -> tuple[str | None, str | None]:
    """The conventions' status of a response, and the code of what the whole job failed with."""
    given = text(obj(job.get("metadata")).get("state")) or text(job.get("state")) or ""
    state = _STATES.get(given.partition("STATE_")[2])
    error = obj(job.get("error"))
    if state != "failed" or not error or given.endswith("EXPIRED"):
        return state, None
    return state, error_status(error)
