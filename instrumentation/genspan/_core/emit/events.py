"""Log events of a call: its content, for those who ask for events, and what it failed with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from opentelemetry._logs import SeverityNumber

from genspan._core.context import outside
from genspan._core.emit.errors import exception
from genspan._core.emit.redaction import NO_SECRETS, Secrets
from genspan_semconv import attributes as names
from genspan_semconv import render_genai

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opentelemetry._logs import Logger
    from opentelemetry.context import Context

    from genspan._core.emit.errors import Failure
    from genspan._core.emit.span_attributes import Content
    from genspan_semconv.model import AttributeValue, Key

_OF_SPANS: Final = ("mlflow.", "session.")
"""Attributes that stand on spans alone."""


class Event(NamedTuple):
    """What the events of one call are made of. ``content`` is absent where it is not wanted as an event."""

    key: Key
    context: Context
    attributes: Mapping[str, AttributeValue]
    content: Content | None
    failed: Failure | None
    secrets: Secrets = NO_SECRETS


def emit(logger: Logger, event: Event) -> None:
    """Emit ``gen_ai.client.inference.operation.details`` and ``gen_ai.client.operation.exception``, where due."""
    context = outside(event.context)  # a record waits for its export, and would keep the program's objects till then
    if event.content is not None:
        prompt, answer = event.content
        content: dict[str, Any] = {**render_genai.inputs(prompt), names.GEN_AI_OUTPUT_MESSAGES: answer}
        content = {name: event.secrets.scrub_all(value) for name, value in content.items() if value}
        shared = {name: value for name, value in event.attributes.items() if not name.startswith(_OF_SPANS)}
        logger.emit(
            context=context,
            severity_number=SeverityNumber.DEBUG,
            attributes={**render_genai.start(event.key), **shared, **content},
            event_name=names.EVENT_GEN_AI_CLIENT_INFERENCE_OPERATION_DETAILS,
        )
    if event.failed is not None:
        logger.emit(
            context=context,
            severity_number=SeverityNumber.WARN,
            attributes=exception(event.failed),
            event_name=names.EVENT_GEN_AI_CLIENT_OPERATION_EXCEPTION,
        )
