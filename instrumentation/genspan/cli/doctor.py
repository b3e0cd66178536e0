"""Check versions, SDKs, settings, and whether the destinations answer. The exit status is 1 if spans are lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from genspan._core.config import exporters
from genspan.cli import local_checks
from genspan.cli.check_result import show

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from rich.console import Console

HELP = "check versions, settings, and whether the destinations answer"


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--probe", action="store_true", help="also store one small span in MLflow")
    parser.add_argument("--offline", action="store_true", help="ask no server")


def run(arguments: Namespace, console: Console) -> int:
    results = [
        show("Versions", local_checks.versions(), console),
        show("SDKs", local_checks.sdks(), console),
        show("Other instrumentations", local_checks.rivals(), console),
        show("Loading", local_checks.loading(), console),
        show("Destinations", local_checks.destinations(), console),
        show("Content", local_checks.content(), console),
    ]
    if not arguments.offline:
        from genspan.cli import network_checks

        names = exporters()
        if "mlflow" in names:
            results.append(show("MLflow", network_checks.mlflow(arguments.probe), console))
        if any(name.startswith("otlp") for name in names):
            results.append(show("OTLP", network_checks.otlp(), console))
    return 0 if all(results) else 1
