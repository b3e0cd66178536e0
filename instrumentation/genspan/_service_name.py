"""The program's name as ``service.name``, where nobody gives one: OpenTelemetry's default says nothing but "python".

https://opentelemetry.io/docs/specs/semconv/resource/#service
"""

from __future__ import annotations

import sys
from os import environ
from pathlib import PurePath
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

_WITH_ARGUMENT: Final = ("-W", "-X", "--check-hash-based-pycs")


def default_service_name() -> str | None:
    """The name of the script or module that Python runs; None where the environment has a name, or there is none."""
    named = "OTEL_SERVICE_NAME" if environ.get("OTEL_SERVICE_NAME", "").strip() else ""
    pairs = [pair.partition("=")[0].strip() for pair in environ.get("OTEL_RESOURCE_ATTRIBUTES", "").split(",")]
    return None if named or "service.name" in pairs else program_name(sys.orig_argv)


def program_name(command: Sequence[str]) -> str | None:
    """``app`` for ``python -X dev app.py``, ``shop`` for ``python -m shop.web``; None for ``python -c`` and a prompt.

    Python's own command line is read, since ``sys.argv`` is not there yet when ``opentelemetry-instrument`` sets up.
    """
    arguments = iter(command[1:])
    for argument in arguments:
        if argument in _WITH_ARGUMENT:
            next(arguments, None)
        elif argument.startswith("-m"):
            module = argument[2:] or next(arguments, "")
            return module.partition(".")[0] or None
        elif argument.startswith("-"):
            if argument == "-" or argument.startswith("-c"):
                return None
        else:
            path = PurePath(argument)
            return (path.parent.name if path.name == "__main__.py" else path.stem) or None
    return None
