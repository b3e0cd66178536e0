"""The content of what runs around model calls (tools, agents, retrievals) as attributes of its span."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from genspan._core.emit import large_data, limits
from genspan._core.emit.span_attributes import Writer
from genspan_semconv import attributes as names

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opentelemetry.trace import Span

    from genspan._core.config import Settings
    from genspan._core.emit.redaction import Secrets
    from genspan_semconv.model import AttributeValue


class RunContent(NamedTuple):
    """What a run was given and what it returned, in the conventions' form and in MLflow's."""

    genai: Mapping[str, object]
    inputs: object
    outputs: object


def of_tool(arguments: object, result: object, returned: bool) -> RunContent:
    """The content of a tool's run. ``returned`` is false where it raised, and there is no result."""
    genai: dict[str, object] = {names.GEN_AI_TOOL_CALL_ARGUMENTS: arguments}
    if returned:  # an object by the conventions
        genai[names.GEN_AI_TOOL_CALL_RESULT] = result if isinstance(result, dict) else {"result": result}
    return RunContent(genai, arguments, result if returned else None)


def write(content: RunContent, settings: Settings, span: Span, secrets: Secrets) -> dict[str, AttributeValue]:
    """The attributes in the forms that are asked for: large data named, scrubbed, within the span's limits."""
    forms: dict[str, object] = {}
    if "mlflow" in settings.dialects:
        forms[names.MLFLOW_SPAN_INPUTS] = content.inputs
        forms[names.MLFLOW_SPAN_OUTPUTS] = content.outputs
    if "genai" in settings.dialects:
        forms.update(content.genai)
    small = {name: large_data.named(value, settings.max_blob_bytes) for name, value in forms.items()}
    return Writer(settings.dialects, limits.of_span(span).length, secrets).write(small)
