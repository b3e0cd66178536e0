"""An exception as telemetry: its type always, its message only where content may be recorded."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from genspan._core.guard import Guard
from genspan_semconv import attributes as names
from genspan_semconv.encode import clean
from genspan_semconv.model import obj, text

if TYPE_CHECKING:
    from opentelemetry.trace import Span

    from genspan._core.emit.redaction import Secrets
    from genspan_semconv.model import AttributeValue

_CODE = re.compile(r"[A-Za-z0-9_.\-]{1,64}")
NORMAL_ENDS = (StopIteration, StopAsyncIteration, GeneratorExit)
"""Raised where an iterator ends as it should, or where its consumer closes it."""


class Failure(NamedTuple):
    """``type`` is low in cardinality: a class name or a provider's code. ``message`` only where it may be shown."""

    type: str
    qualified_type: str
    message: str | None
    http_status: int | None


def failure(error: BaseException, show_message: bool, secrets: Secrets) -> Failure:
    """Describe an exception, whatever it is."""
    kind = type(error)
    message = secrets.scrub(_message(error)) if show_message else None
    name = _grpc_code(error) if hasattr(error, "grpc_status_code") else None
    return Failure(name or kind.__qualname__, f"{kind.__module__}.{kind.__qualname__}", message, _http_status(error))


def _grpc_code(error: Any) -> str | None:
    """The code of google.api_core's exceptions. Over REST it is for some in the body alone, which has been read."""
    name = getattr(error.grpc_status_code, "name", None)
    if name is None and hasattr(error.response, "json"):
        with Guard("error of a call"):
            name = text(obj(obj(error.response.json()).get("error")).get("status"))
    return name if isinstance(name, str) and _CODE.fullmatch(name) else None


def reported(code: str) -> Failure:
    """Describe an error that a provider reports inside a response; what is no code is not repeated."""
    kind = code if _CODE.fullmatch(code) else "_OTHER"
    return Failure(kind, kind, None, None)


def named(failed: Failure, code: str) -> Failure:
    """What the SDK raised for an error inside a response: the provider's own code says more than the class."""
    return failed._replace(type=reported(code).type)


def ending(error: BaseException) -> str:
    """How a response that this exception broke off ended."""
    if isinstance(error, GeneratorExit):
        return "closed"
    return "cancelled" if isinstance(error, asyncio.CancelledError) else "failed"


def record(span: Span, failed: Failure) -> None:
    """Put a failure on a span as an event, the only place where MLflow shows it in full."""
    span.add_event("exception", exception(failed))


def exception(failed: Failure) -> dict[str, AttributeValue]:
    """A failure as the attributes of an event, on a span or in a log."""
    attributes: dict[str, AttributeValue] = {names.EXCEPTION_TYPE: failed.qualified_type}
    if failed.message is not None:
        attributes[names.EXCEPTION_MESSAGE] = failed.message
    return attributes


def _message(error: BaseException) -> str:
    """The exception's text, with the ``detail`` of servers written with FastAPI (MLflow), which openai leaves out.

    https://fastapi.tiangolo.com/tutorial/handling-errors/
    """
    try:
        message, given = str(error), obj(getattr(error, "body", None)).get("detail")
        detail = text(given) or text(obj(given).get("message"))
        return clean(f"{message} - {detail}" if detail and detail not in message else message)
    except Exception:
        return f"<{type(error).__qualname__} without a readable message>"


def _http_status(error: BaseException) -> int | None:
    """The HTTP status of an error that SDKs keep: ``status_code`` (openai, anthropic), ``code`` (google-genai).

    Of an error inside a stream they keep 200, which is none.

    Other errors have a ``code`` that is the provider's own, such as openai's of an error inside a stream.
    """
    attributes = getattr(error, "__dict__", {})
    status = attributes.get("status_code", attributes.get("code") if "response" in attributes else None)
    return status if isinstance(status, int) and 400 <= status < 600 else None
