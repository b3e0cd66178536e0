"""Spans on their way to MLflow: batches, and what MLflow knows of a trace by its first span."""

from __future__ import annotations

from os import environ
from typing import TYPE_CHECKING, Any, Final

from opentelemetry import trace
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from genspan._core.guard import Guard
from genspan.mlflow import program
from genspan.mlflow.destination import SettingsError, read_destination
from genspan_semconv import attributes as names

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import Span

    from genspan.mlflow.exporter import MlflowSpanExporter

_NOTED: Final = (names.MLFLOW_EXPERIMENT_ID, names.MLFLOW_SOURCE_RUN)


class MlflowSpanProcessor(BatchSpanProcessor):
    """A batch processor that notes on each trace the run which is active in the program, as MLflow's own tracing does.

    And the experiment, where nothing but ``mlflow.set_experiment`` or that run says which: it may change from trace to
    trace, but not within one. Both only where the program's ``mlflow`` has the same server as the exporter.
    """

    def __init__(self, exporter: MlflowSpanExporter, *, any_experiment: bool = False) -> None:
        super().__init__(exporter)
        self._destination = exporter.destination
        self._any_experiment = any_experiment
        self._compared: tuple[str, bool] = ("", False)

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        with Guard("run and experiment of a trace"):
            parent: Any = trace.get_current_span(parent_context)
            if parent.get_span_context().is_valid and not parent.get_span_context().is_remote:
                known: dict[str, str] = getattr(parent, "attributes", None) or {}
                noted = {name: known[name] for name in _NOTED if name in known}
            else:
                noted = self._of_trace()
            if noted:
                span.set_attributes(noted)

    def _of_trace(self) -> dict[str, str]:
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
