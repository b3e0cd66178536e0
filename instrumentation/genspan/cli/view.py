"""Show traces as trees: from an MLflow server, or from a file of OTLP JSON lines."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from genspan.cli.otlp_json import read_lines
from genspan.cli.trace_tree import render, tokens

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from rich.console import Console
    from rich.text import Text

    from genspan.cli.mlflow_traces import Trace
    from genspan.cli.trace_tree import SpanDict

HELP = "show traces as trees in the terminal"


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "what",
        nargs="?",
        help="a trace id (tr-...), or a file of OTLP JSON lines; without it the newest traces of the experiment",
    )
    parser.add_argument("-n", "--newest", type=int, default=5, metavar="N", help="how many traces (default 5)")
    parser.add_argument("--tracking-uri", metavar="URI", help="the MLflow server (default: MLFLOW_TRACKING_URI)")
    parser.add_argument("--experiment", metavar="NAME", help="its name (default: MLFLOW_EXPERIMENT_NAME or _ID)")


def run(arguments: Namespace, console: Console) -> int:
    what: str | None = arguments.what
    if what is not None and Path(what).is_file():
        return _show_file(Path(what), arguments.newest, console)
    return _show_stored(what, arguments, console)


def _show_file(path: Path, newest: int, console: Console) -> int:
    with path.open(encoding="utf-8", errors="replace") as lines:
        traces = read_lines(lines)
    if not traces:
        console.print(f"{path}: no spans; OTLP as JSON, one request a line, is expected", markup=False)
        return 1
    by_time = sorted(traces.items(), key=lambda item: min(span.get("start", 0) for span in item[1]))
    for trace_id, spans in by_time[-newest:]:
        console.print(render(spans, _title(trace_id, spans)))
    return 0


def _show_stored(trace_id: str | None, arguments: Namespace, console: Console) -> int:
    from genspan.cli.mlflow_traces import TraceReader
    from genspan.mlflow.destination import SettingsError, read_destination
    from genspan.mlflow.errors import ExportError

    try:
        destination = read_destination(arguments.tracking_uri, experiment_name=arguments.experiment)
        # One answer is wanted now: no waiting as for spans that would be lost.
        reader = TraceReader(replace(destination, timeout=min(destination.timeout, 30)))
        traces = [reader.trace(trace_id)] if trace_id else reader.newest(arguments.newest)[::-1]
    except (ExportError, SettingsError) as error:
        console.print(str(error), markup=False)
        return 1
    for trace in traces:
        console.print(render(trace.spans, _stored_title(trace)))
    if not traces:
        console.print(f"No traces in that experiment on {destination.shown}", markup=False)
    return 0


def _stored_title(trace: Trace) -> Text:
    title = _title(trace.id, trace.spans)
    title.append(f"  {trace.time}  {trace.state}", "dim")
    if trace.usage:
        title.append(f"  {tokens(trace.usage)}", "bold green")
    return title


def _title(trace_id: str, spans: list[SpanDict]) -> Text:
    from rich.text import Text

    return Text(f"{trace_id}  {len(spans)} span{'s' if len(spans) > 1 else ''}", "dim")
