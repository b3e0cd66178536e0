"""One readable line on the standard error stream for each call that ends, for programs that have no backend yet."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from rich.console import Console
from rich.text import Text

from genspan._core.guard import Guard
from genspan_semconv import attributes as names

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opentelemetry.sdk.trace import ReadableSpan

_NAME_WIDTH: Final = 44
_CONTROL: Final = dict.fromkeys((*range(32), *range(127, 160)), "?")
"""What a server names (a model, an error) moves no cursor here."""


class ConsoleLines(SpanExporter):
    """Prints name, model, tokens in and out, duration and error of GenAI spans; colours where a terminal shows them."""

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        stream = sys.stderr
        with Guard("line of a call in the terminal"):
            if stream is not None:  # pyright: ignore[reportUnnecessaryComparison]  # as under pythonw
                # Rendered first and written in one piece: threads do not mix, and rich itself ends a program
                # whose terminal has gone away.
                console = Console(file=stream, soft_wrap=True, highlight=False)
                with console.capture() as text:
                    for span in spans:
                        if names.GEN_AI_OPERATION_NAME in (span.attributes or {}):
                            console.print(line(span))
                stream.write(text.get())
                stream.flush()
        return SpanExportResult.SUCCESS


def line(span: ReadableSpan) -> Text:
    """``chat gpt-4.1 · 10 in, 5 out · 1.25 s``; the model that answered where the name has another."""
    attributes = span.attributes or {}
    name = span.name.translate(_CONTROL)
    text = Text(name.ljust(_NAME_WIDTH), "bold")
    model = str(attributes.get(names.GEN_AI_RESPONSE_MODEL) or "").translate(_CONTROL)
    if model and model not in name:
        text.append(f"  {model}", "cyan")
    tokens = [
        f"{attributes[key]:>7} {side}"
        for key, side in ((names.GEN_AI_USAGE_INPUT_TOKENS, "in"), (names.GEN_AI_USAGE_OUTPUT_TOKENS, "out"))
        if key in attributes
    ]
    text.append("  " + "  ".join(tokens), "green")
    text.append(f"  {((span.end_time or 0) - (span.start_time or 0)) / 1e9:8.2f} s", "dim")
    error = attributes.get(names.ERROR_TYPE)
    if error:
        text.append(f"  {str(error).translate(_CONTROL)}", "bold red")
    return text
