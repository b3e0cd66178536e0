"""Why spans are not stored: answers of a server as errors whose text says what to do, and the log of them."""

from __future__ import annotations

import json
import logging
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

from requests.exceptions import SSLError, Timeout

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan

    from genspan.mlflow.destination import Destination

logger = logging.getLogger("genspan.mlflow")

_OTHER_EXPERIMENT: Final = "already exists in another experiment"
_TRACE_ID: Final = re.compile(r"tr-([0-9a-f]{32})")
_TEMPORARY: Final = (429, 502, 503, 504)
_CONTENT_REFUSED: Final = (400, 404, 413, 422, 500)


class ExportError(Exception):
    """Why spans were not stored; the text is for the user.

    ``cause`` is the key under which the error is logged once. ``blames_spans``: some span of the request is refused for
    its content, the others are fine. ``is_retryable``: the server is away or busy. ``trace_ids``: the traces to blame
    (32 hex digits), where MLflow names them.
    """

    def __init__(
        self,
        cause: str,
        text: str,
        *,
        blames_spans: bool = False,
        is_retryable: bool = False,
        trace_ids: frozenset[str] = frozenset(),
    ) -> None:
        super().__init__(text)
        self.cause = cause
        self.blames_spans = blames_spans
        self.is_retryable = is_retryable
        self.trace_ids = trace_ids


@dataclass(frozen=True, slots=True)
class ServerResponse:
    """An HTTP response, or with ``status`` 0 the exception that came in its place."""

    status: int = 0
    body: str = ""
    content_type: str = ""
    location: str = ""
    error: Exception | None = None

    def json(self) -> dict[str, object]:
        """The body as a JSON object; empty where it is none."""
        try:
            value: object = json.loads(self.body)
        except ValueError:
            return {}
        return cast("dict[str, object]", value) if isinstance(value, dict) else {}

    @property
    def error_code(self) -> str:
        """MLflow's ``error_code``, such as ``RESOURCE_DOES_NOT_EXIST``; empty where there is none."""
        return str(self.json().get("error_code", ""))

    @property
    def reason(self) -> str:
        """The server's message, else its body; at most 300 characters."""
        members = self.json()
        return str(members.get("message") or members.get("detail") or self.body)[:300]


class FailureLog:
    """Logs each cause once, at WARNING or ERROR, and again only after spans had been stored in between."""

    def __init__(self) -> None:
        self._logged: set[str] = set()

    def lost(self, error: ExportError, count: int, example: ReadableSpan | None = None) -> None:
        """``count`` spans are lost, such as ``example``; a cause that was logged already is logged at DEBUG."""
        repeated = error.cause in self._logged
        self._logged.add(error.cause)
        level = logging.WARNING if error.blames_spans or error.is_retryable else logging.ERROR
        which = ""
        if example is not None and example.context is not None:
            which = f", such as {example.name!r} of trace {example.context.trace_id:032x}"
        later = "" if repeated else " Said once; more is logged at DEBUG."
        logger.log(logging.DEBUG if repeated else level, "%s. Lost: %d span(s)%s.%s", error, count, which, later)

    def stored(self) -> None:
        """A request was stored: whatever kept all of them out is over."""
        self._logged -= {cause for cause in self._logged if not cause.startswith("content")}


def error_of(answer: ServerResponse, destination: Destination) -> ExportError | None:
    """The error that a response stands for; None where it means stored (or found)."""
    if answer.error is not None or answer.status == 0:
        return _no_response(answer.error, destination)
    if 200 <= answer.status < 300:
        return _not_mlflow(answer, destination) if "html" in answer.content_type else None
    if 300 <= answer.status < 400:
        return ExportError(
            "redirect",
            f"{destination.shown} redirects to {answer.location or 'another address'}: "
            "set MLFLOW_TRACKING_URI to the address where MLflow itself answers",
        )
    return _refusal(answer, destination)


def _no_response(error: Exception | None, destination: Destination) -> ExportError:
    if isinstance(error, SSLError):
        return ExportError(
            "tls",
            f"The certificate of {destination.shown} is not accepted ({_short(error)}): set "
            "MLFLOW_TRACKING_SERVER_CERT_PATH to the file of its certificate authority",
        )
    if isinstance(error, Timeout):
        text = f"{destination.shown} did not answer in time (MLFLOW_HTTP_REQUEST_TIMEOUT seconds): is it overloaded?"
        return ExportError("timeout", text, is_retryable=True)
    if error is None:
        return ExportError("encoding", "A span cannot be encoded, or is larger than 64 MiB", blames_spans=True)
    if isinstance(error, OSError):
        text = f"No server answers at {destination.shown} ({_short(error)}): start MLflow, or set MLFLOW_TRACKING_URI"
        return ExportError("unreachable", text, is_retryable=True)
    return ExportError("request", f"The request to {destination.shown} could not be made: {_short(error)}")


def _short(error: Exception) -> str:
    """The innermost reason, without the object addresses that make every message differ."""
    deepest: BaseException = error
    while isinstance(reason := getattr(deepest, "reason", None) or (deepest.args or [None])[0], BaseException):
        deepest = reason
    return re.sub(r"<[^>]*>:? ?|\(_ssl\.c:\d+\)|HTTPS?Connection\([^)]*\): ?", "", str(deepest)).strip()[:200]


def _refusal(answer: ServerResponse, destination: Destination) -> ExportError:
    rule = _RULES.get(answer.status)
    if rule is not None:
        return ExportError(str(answer.status), rule.format(at=destination.shown, reason=answer.reason))
    if answer.status == 401:
        return _login_required(destination)
    if answer.status in _TEMPORARY:
        text = f"{destination.shown} is not ready or overloaded (HTTP {answer.status}); spans wait and are tried again"
        return ExportError("busy", text, is_retryable=True)
    if answer.status == 404:
        return _not_found(answer, destination)
    return _bad_content(answer, destination)


def _bad_content(answer: ServerResponse, destination: Destination) -> ExportError:
    if _OTHER_EXPERIMENT in answer.body:
        return ExportError(
            "content: other experiment",
            "A trace is already stored in another experiment, and MLflow keeps a trace in one: give all processes that "
            f"share traces the same MLFLOW_EXPERIMENT_NAME ({answer.reason})",
            blames_spans=True,
            trace_ids=frozenset(_TRACE_ID.findall(answer.body)),
        )
    if "x-mlflow-experiment-id" in answer.body and answer.status == 422:
        text = f"The header x-mlflow-experiment-id does not arrive at {destination.shown}: a proxy takes it away"
        return ExportError("header", text)
    return ExportError(
        f"content: {answer.status}",
        f"MLflow refused a span (HTTP {answer.status}: {answer.reason})",
        blames_spans=answer.status in _CONTENT_REFUSED,
    )


_RULES: Final = {
    403: "This user may not write to the experiment on {at} (HTTP 403): ask for EDIT permission on it ({reason})",
    501: "The server at {at} keeps its data in files, which take no spans: start it with "
    "--backend-store-uri sqlite:///mlflow.db or another database",
}


def _login_required(destination: Destination) -> ExportError:
    if destination.has_credentials:
        return ExportError(
            "401", f"{destination.shown} does not accept these credentials (HTTP 401): check MLFLOW_TRACKING_*"
        )
    return ExportError(
        "401",
        f"{destination.shown} wants a login (HTTP 401): set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, "
        "or MLFLOW_TRACKING_TOKEN",
    )


def _not_found(answer: ServerResponse, destination: Destination) -> ExportError:
    if answer.error_code == "RESOURCE_DOES_NOT_EXIST":
        return ExportError(
            "experiment",
            f"There is no such experiment on {destination.shown} ({answer.reason}): correct MLFLOW_EXPERIMENT_ID, "
            "or set MLFLOW_EXPERIMENT_NAME, which is created where it is missing",
        )
    return _not_mlflow(answer, destination)


def _not_mlflow(answer: ServerResponse, destination: Destination) -> ExportError:
    return ExportError(
        "not mlflow",
        f"{destination.shown} does not answer as an MLflow server that takes spans (HTTP {answer.status}): check "
        "MLFLOW_TRACKING_URI, with the path prefix if there is one; the server must be MLflow 3.6 or newer",
    )
