"""A finished call as attributes: usage and facts first, content last, everything within what the span can hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from genspan._core.emit import large_data, limits
from genspan._core.emit.metrics import INFERENCE
from genspan._core.guard import swallow
from genspan_semconv import attributes as names
from genspan_semconv import render_genai, render_mlflow
from genspan_semconv.model import Prompt

if TYPE_CHECKING:
    from collections.abc import Mapping

    from genspan._core.emit.errors import Failure
    from genspan._core.emit.redaction import Secrets
    from genspan._core.routes.contract import Api
    from genspan_semconv.model import AttributeValue, Key, Message, Params, Response


_FAILED: Final = "error"
"""The finish reason of the conventions where one was due and never came."""


class Outcome(NamedTuple):
    """What is known of a call when it has ended, content apart."""

    response: Response
    failed: Failure | None
    ending: str | None
    attempts: int
    first_chunk: float | None


def of_call(key: Key, params: Params, outcome: Outcome) -> dict[str, AttributeValue]:
    """Attributes of a call in order of importance: under a small attribute limit the first ones stay."""
    response, failed = outcome.response, outcome.failed
    into: dict[str, AttributeValue] = {}
    if failed is not None:
        into[names.ERROR_TYPE] = failed.type
    try:
        if response.usage is not None:
            render_mlflow.usage(key.operation, response.usage, into)
            render_genai.usage(response.usage, into)
    except Exception as error:
        swallow("usage of a call", error)
    try:
        if outcome.ending is not None and (key.stream or failed is None):
            into[names.GENSPAN_RESPONSE_PARTIAL] = True
            into[names.GENSPAN_RESPONSE_END] = outcome.ending
            if failed is not None and not response.finish_reasons:
                response.finish_reasons = [_FAILED]
        render_mlflow.model(key.model, response, into)
        render_genai.response(response, into)
        if outcome.first_chunk is not None:
            into[names.GEN_AI_RESPONSE_TIME_TO_FIRST_CHUNK] = outcome.first_chunk
        if failed is not None and failed.http_status is not None:
            into[names.HTTP_RESPONSE_STATUS_CODE] = failed.http_status
        if outcome.attempts > 1:
            into[names.HTTP_REQUEST_RESEND_COUNT] = outcome.attempts - 1
        render_genai.params(params, into)
    except Exception as error:
        swallow("attributes of a call", error)
    return into


class Content(NamedTuple):
    """The content of a call, once converted, for all who want it."""

    prompt: Prompt
    answer: list[Message]


def read_content(
    api: Api, body: Mapping[str, object], data: Mapping[str, object], max_blob: int, size: int | None = None
) -> Content:
    """Convert request and response, each as far as it can be read; ``size`` is the request's in bytes, if known."""
    prompt, answer = Prompt([], [], []), list["Message"]()
    try:
        prompt = api.prompt(body)
        if size is None or size > max_blob:
            large_data.name_in_messages(prompt.messages, max_blob)
            large_data.name_in_parts(prompt.system, max_blob)
    except Exception as error:
        swallow("content of a request", error)
    try:
        answer = api.answer(data)
        large_data.name_in_messages(answer, max_blob)
    except Exception as error:
        swallow("content of an answer", error)
    return Content(prompt, answer)


class Texts(NamedTuple):
    """Content as the JSON texts of a span's attributes."""

    outputs: dict[str, AttributeValue]
    inputs: dict[str, AttributeValue]


class Writer(NamedTuple):
    """How content is written to one span: in the forms that its destinations read, within a length, scrubbed."""

    dialects: frozenset[str]
    limit: int | None
    secrets: Secrets

    def texts(self, key: Key, params: Params, response: Response, read: Content) -> Texts:
        """The content of a call."""
        outputs: dict[str, object] = {}
        inputs: dict[str, object] = {}
        if "mlflow" in self.dialects:
            outputs[names.MLFLOW_SPAN_OUTPUTS] = render_mlflow.outputs(read.answer, response)
            inputs[names.MLFLOW_SPAN_INPUTS] = render_mlflow.inputs(key.operation, key.model, params, read.prompt)
        if "genai" in self.dialects and key.operation in INFERENCE:
            outputs[names.GEN_AI_OUTPUT_MESSAGES] = read.answer
            inputs.update(render_genai.inputs(read.prompt))
        return Texts(self.write(outputs), self.write(inputs))

    def write(self, forms: Mapping[str, object]) -> dict[str, AttributeValue]:
        """The attributes of some content; what is empty is left out."""
        into: dict[str, AttributeValue] = {}
        for name, value in forms.items():
            if value:
                try:
                    limits.put(name, value, self.limit, self.secrets, into)
                except Exception as error:
                    swallow("rendering content", error)
        return into
