"""The command ``genspan``."""

from __future__ import annotations

import argparse
import sys
from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main"]

# One module each, with HELP, add_arguments(parser) and run(arguments, console) -> exit status.
_COMMANDS: Final = ("doctor", "view")


def main(argv: Sequence[str] | None = None) -> int:
    """Runs a command; the exit status."""
    parser = argparse.ArgumentParser(prog="genspan", description="Tracing for GenAI SDKs on OpenTelemetry.")
    parser.add_argument("--version", action="version", version=f"genspan {version('genspan')}")
    commands = parser.add_subparsers(title="commands", dest="command", required=True)
    for name in _COMMANDS:
        module: Any = import_module(f"genspan.cli.{name}")
        command = commands.add_parser(name, help=module.HELP, description=module.__doc__)
        module.add_arguments(command)
        command.set_defaults(run=module.run)
    arguments = parser.parse_args(argv)
    try:
        return arguments.run(arguments, _console())
    except KeyboardInterrupt:
        return 130


def _console() -> Any:
    from rich.console import Console

    reconfigure: Any = getattr(sys.stdout, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="replace")  # names of spans hold any character, terminals do not
    # Lines are not broken where they go into a file or another program.
    return Console(highlight=False, width=None if sys.stdout.isatty() else 1000)
