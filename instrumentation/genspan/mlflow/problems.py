"""What can go wrong between a span and MLflow, in words that say what to do."""

from __future__ import annotations

import json
import logging
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

from requests.exceptions import SSLError, Timeout

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan

    from genspan.mlflow.settings import Destination

logger = logging.getLogger("genspan.mlflow")

_FOREIGN: Final = "already exists in another experiment"
_TRACE_ID: Final = re.compile(r"tr-([0-9a-f]{32})")
_TEMPORARY: Final = (429, 502, 503, 504)
_CONTENT: Final = (400, 404, 413, 422, 500)


class Problem(Exception):
    """Why spans were not stored.

    ``cause`` tells apart what is said once each. ``is_content``: some span of the request is to blame, the others are
    fine. ``is_passing``: worth trying again. ``traces``: ids (hex) of the traces to blame, where MLflow names them.
    """

    def __init__(
        self,
        cause: str,
        text: str,
        *,
        is_content: bool = False,
        is_passing: bool = False,
        traces: frozenset[str] = frozenset(),
    ) -> None:
        super().__init__(text)
        self.cause = cause
        self.is_content = is_content
        self.is_passing = is_passing
        self.traces = traces


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said, or why it said nothing."""

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
    def code(self) -> str:
        """MLflow's own name for an error, such as ``RESOURCE_DOES_NOT_EXIST``."""
        return str(self.json().get("error_code", ""))

    @property
    def reason(self) -> str:
        members = self.json()
        return str(members.get("message") or members.get("detail") or self.body)[:300]


class Voice:
    """Says each cause once, and again only after things had been well in between."""

    def __init__(self) -> None:
        self._said: set[str] = set()

    def tell(self, problem: Problem, lost: int, example: ReadableSpan | None = None) -> None:
        """Says that so many spans are lost, the first time at WARNING or ERROR, later at DEBUG."""
        told = problem.cause in self._said
        self._said.add(problem.cause)
        level = logging.WARNING if problem.is_content or problem.is_passing else logging.ERROR
        which = ""
        if example is not None and example.context is not None:
            which = f", such as {example.name!r} of trace {example.context.trace_id:032x}"
        later = "" if told else " Said once; more is logged at DEBUG."
        logger.log(logging.DEBUG if told else level, "%s. Lost: %d span(s)%s.%s", problem, lost, which, later)

    def all_well(self) -> None:
        """A request was stored: whatever kept all of them out is over."""
        self._said -= {cause for cause in self._said if not cause.startswith("content")}


def judge(answer: Answer, destination: Destination) -> Problem | None:
    """The problem that an answer stands for; None if it means stored (or found)."""
    if answer.error is not None or answer.status == 0:
        return _silence(answer.error, destination)
    if 200 <= answer.status < 300:
        return _not_mlflow(answer, destination) if "html" in answer.content_type else None
    if 300 <= answer.status < 400:
        return Problem(
            "redirect",
            f"{destination.shown} redirects to {answer.location or 'another address'}: "
            "set MLFLOW_TRACKING_URI to the address where MLflow itself answers",
        )
    return _refusal(answer, destination)


def _silence(error: Exception | None, destination: Destination) -> Problem:
    if isinstance(error, SSLError):
        return Problem(
            "tls",
            f"The certificate of {destination.shown} is not accepted ({_short(error)}): set "
            "MLFLOW_TRACKING_SERVER_CERT_PATH to the file of its certificate authority",
        )
    if isinstance(error, Timeout):
        text = f"{destination.shown} did not answer in time (MLFLOW_HTTP_REQUEST_TIMEOUT seconds): is it overloaded?"
        return Problem("timeout", text, is_passing=True)
    if error is None:
        return Problem("encoding", "A span cannot be encoded, or is larger than 64 MiB", is_content=True)
    if isinstance(error, OSError):
        text = f"No server answers at {destination.shown} ({_short(error)}): start MLflow, or set MLFLOW_TRACKING_URI"
        return Problem("unreachable", text, is_passing=True)
    return Problem("request", f"The request to {destination.shown} could not be made: {_short(error)}")


def _short(error: Exception) -> str:
    """The innermost reason, without the object addresses that make every message differ."""
    deepest: BaseException = error
    while isinstance(reason := getattr(deepest, "reason", None) or (deepest.args or [None])[0], BaseException):
        deepest = reason
    return re.sub(r"<[^>]*>:? ?|\(_ssl\.c:\d+\)|HTTPS?Connection\([^)]*\): ?", "", str(deepest)).strip()[:200]


def _refusal(answer: Answer, destination: Destination) -> Problem:
    rule = _RULES.get(answer.status)
    if rule is not None:
        return Problem(str(answer.status), rule.format(at=destination.shown, reason=answer.reason))
    if answer.status == 401:
        return _not_logged_in(destination)
    if answer.status in _TEMPORARY:
        text = f"{destination.shown} is not ready or overloaded (HTTP {answer.status}); spans wait and are tried again"
        return Problem("busy", text, is_passing=True)
    if answer.status == 404:
        return _not_found(answer, destination)
    return _bad_content(answer, destination)


def _bad_content(answer: Answer, destination: Destination) -> Problem:
    if _FOREIGN in answer.body:
        return Problem(
            "content: foreign trace",
            "A trace is already stored in another experiment, and MLflow keeps a trace in one: give all processes that "
            f"share traces the same MLFLOW_EXPERIMENT_NAME ({answer.reason})",
            is_content=True,
            traces=frozenset(_TRACE_ID.findall(answer.body)),
        )
    if "x-mlflow-experiment-id" in answer.body and answer.status == 422:
        text = f"The header x-mlflow-experiment-id does not arrive at {destination.shown}: a proxy takes it away"
        return Problem("header", text)
    return Problem(
        f"content: {answer.status}",
        f"MLflow refused a span (HTTP {answer.status}: {answer.reason})",
        is_content=answer.status in _CONTENT,
    )


_RULES: Final = {
    403: "This user may not write to the experiment on {at} (HTTP 403): ask for EDIT permission on it ({reason})",
    501: "The server at {at} keeps its data in files, which take no spans: start it with "
    "--backend-store-uri sqlite:///mlflow.db or another database",
}


def _not_logged_in(destination: Destination) -> Problem:
    if destination.has_credentials:
        return Problem(
            "401", f"{destination.shown} does not accept these credentials (HTTP 401): check MLFLOW_TRACKING_*"
        )
    return Problem(
        "401",
        f"{destination.shown} wants a login (HTTP 401): set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, "
        "or MLFLOW_TRACKING_TOKEN",
    )


def _not_found(answer: Answer, destination: Destination) -> Problem:
    if answer.code == "RESOURCE_DOES_NOT_EXIST":
        return Problem(
            "experiment",
            f"There is no such experiment on {destination.shown} ({answer.reason}): correct MLFLOW_EXPERIMENT_ID, "
            "or set MLFLOW_EXPERIMENT_NAME, which is created where it is missing",
        )
    return _not_mlflow(answer, destination)


def _not_mlflow(answer: Answer, destination: Destination) -> Problem:
    return Problem(
        "not mlflow",
        f"{destination.shown} does not answer as an MLflow server that takes spans (HTTP {answer.status}): check "
        "MLFLOW_TRACKING_URI, with the path prefix if there is one; the server must be MLflow 3.6 or newer",
    )
