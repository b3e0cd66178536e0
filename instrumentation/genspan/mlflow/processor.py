"""Spans on their way to MLflow: batches, and what MLflow knows of a trace by its first span."""

from __future__ import annotations

from os import environ
from typing import TYPE_CHECKING, Final

from opentelemetry import context as otel
from opentelemetry import trace
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from genspan._core.config import flag
from genspan._core.guard import Guard
from genspan._core.user_context import facts, place_below
from genspan.mlflow import program
from genspan.mlflow.destination import SettingsError, read_destination
from genspan.mlflow.previews import Previews
from genspan_semconv import attributes as names

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import ReadableSpan, Span

    from genspan._core.user_context import Attributes
    from genspan.mlflow.exporter import MlflowSpanExporter

PREVIEWS: Final = "GENSPAN_MLFLOW_PREVIEWS"


class MlflowSpanProcessor(BatchSpanProcessor):
    """A batch processor that notes on the spans of a trace where it goes: the experiment, and the run it is linked to.

    What ``genspan.context`` says comes first. Then the run that is active in the program, as with MLflow's own tracing,
    and, where nothing else names an experiment, that of the run or of ``mlflow.set_experiment``: both only where the
    program's ``mlflow`` has the same server as the exporter. They may change from trace to trace, not within one.

    Traces that begin with a span of somebody else's get a question and an answer for MLflow's list (``Previews``),
    unless ``GENSPAN_MLFLOW_PREVIEWS`` is ``false``.
    """

    def __init__(self, exporter: MlflowSpanExporter, *, any_experiment: bool = False) -> None:
        super().__init__(exporter)
        self._destination = exporter.destination
        self._any_experiment = any_experiment
        self._compared: tuple[str, bool] = ("", False)
        self._previews = Previews() if flag(PREVIEWS, default=True) else None

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        with Guard("run and experiment of a trace"):
            noted = self._noted(span, otel.get_current() if parent_context is None else parent_context)
            if noted:
                span.set_attributes(noted)
        if self._previews is not None:
            with Guard("preview of a trace"):
                self._previews.started(span, parent_context)

    def on_end(self, span: ReadableSpan) -> None:
        if self._previews is not None:
            with Guard("preview of a trace"):
                span = self._previews.ended(span)
        super().on_end(span)

    def _noted(self, span: Span, context: Context) -> Attributes:
        """What is to be added to a span that starts: ours have what the program said with ``genspan.context``."""
        parent = trace.get_current_span(context)
        around, said = parent.get_span_context(), facts(context)
        if around.is_valid and not around.is_remote:
            noted = place_below(parent, said.place)
        else:
            program = self._of_program()
            if names.MLFLOW_EXPERIMENT_NAME in said.place:
                program = {}
            noted = {**program, **said.place}
            if not around.is_valid:
                noted = {**said.first, **said.everywhere, **noted}
        there = span.attributes or {}
        return {name: value for name, value in noted.items() if name not in there}

    def _of_program(self) -> dict[str, str]:
        if not self._is_the_programs():
            return {}
        run, experiment = program.run_id(), program.experiment_id() if self._any_experiment else None
        noted = {names.MLFLOW_SOURCE_RUN: run, names.MLFLOW_EXPERIMENT_ID: experiment}
        return {name: value for name, value in noted.items() if value}

    def _is_the_programs(self) -> bool:
        """Whether the program's ``mlflow`` writes to where the exporter does."""
        if self._destination is None:
            return False
        uri = program.variables().get("MLFLOW_TRACKING_URI")
        if uri is None:
            return False
        if self._compared[0] != uri:
            try:
                self._compared = uri, read_destination(uri).uri == self._destination.uri
            except SettingsError:
                self._compared = uri, False
        return self._compared[1]


def leaves_experiment_open() -> bool:
    """Whether no variable names an experiment but the one that ``mlflow.set_experiment`` writes itself."""
    number = environ.get("MLFLOW_EXPERIMENT_ID")
    return environ.get("MLFLOW_EXPERIMENT_NAME") is None and number in (None, program.experiment_id())
