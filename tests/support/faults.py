"""How a provider may answer badly: each fault is the script of one HTTP hop (or of its attempts)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from tests.support.provider import Reply

if TYPE_CHECKING:
    from tests.support.surfaces import Surface

GOOD: dict[str, Any] = {
    "candidates": [{"content": {"parts": [{"text": "Hello "}], "role": "model"}, "index": 0}],
    "usageMetadata": {"promptTokenCount": 11, "candidatesTokenCount": 2, "totalTokenCount": 13},
    "modelVersion": "gemini-2.5-flash",
    "responseId": "response-1",
}


class Fault(NamedTuple):
    """`plain` answers a call, `stream` the opening of a stream or what comes after its first chunk."""

    name: str
    plain: tuple[Reply, ...] = ()
    stream: tuple[Reply, ...] = ()
    attempts: int = 1
    """Requests that the SDK makes of it, where it retries."""
    retry: bool = False
    malformed: bool = False
    """The response may be accepted by the SDK: no error is expected, nor excluded."""
    generating: bool = False
    """Only a response of generateContent has such fields."""
    unbilled: bool = False
    """Figures that nobody can bill."""
    resets: bool = False
    """aiohttp under google-genai waits up to 10 s before it tries again: not driven there."""

    def replies(self, surface: Surface) -> tuple[Reply, ...]:
        return self.stream if surface.stream else self.plain

    def __str__(self) -> str:
        return self.name


def _status(status: int) -> Fault:
    replies = (Reply(status=status),)
    return Fault(f"status-{status}", replies, replies)


def _retried(name: str, *statuses: int) -> Fault:
    replies = tuple(Reply(status=status) for status in statuses)
    return Fault(name, replies, replies, attempts=len(replies), retry=True)


HTTP = (
    *map(_status, (400, 401, 403, 404, 429, 500, 503)),
    _retried("retried", 429, 503, 200),
    _retried("retried-in-vain", 503, 503, 503),
    _retried("retried-then-refused", 429, 400),
)
NETWORK = (
    Fault("no-answer", (Reply(hang=0.01),), (Reply(hang=0.01),), resets=True),
    Fault("cut-at-once", (Reply(cut=0),), (Reply(cut=0),)),
    Fault("cut", (Reply(cut=1),), (Reply(cut=1),)),
    Fault("cut-mid-frame", (Reply(cut_mid=1),), (Reply(cut_mid=1),)),
    Fault("cut-at-end", (), (Reply(cut=4),)),
    Fault("error-first", (), (Reply(error_in_stream=0),)),
    Fault("error-in-stream", (), (Reply(error_in_stream=2, error_status=429),)),
)


def _body(name: str, value: Any) -> Fault:
    """A body, or a chunk after a good one: any JSON."""
    return Fault(f"body-{name}", (Reply(body=value),), (Reply(chunks=[GOOD, value]),), malformed=True)


def _raw(name: str, raw: bytes) -> Fault:
    """A body that is not JSON, or such frames after a good one."""
    first = b"data: " + json.dumps(GOOD).encode() + b"\r\n\r\n"
    return Fault(f"raw-{name}", (Reply(body=raw),), (Reply(frames=[first, raw]),), malformed=True)


def _with(name: str, **fields: Any) -> Fault:
    return _body(name, {**GOOD, **fields})._replace(generating=True)


def _candidate(name: str, value: Any) -> Fault:
    return _with(f"candidate-{name}", candidates=[value])


BODIES = (
    *(
        _body(name, value)
        for name, value in {"null": None, "list": [], "text": "text", "number": 5, "empty": {}}.items()
    ),
    _body("list-of-good", [GOOD])._replace(unbilled=True),
    _body("error-object", {"error": {"code": 429, "message": "slow down", "status": "RESOURCE_EXHAUSTED"}}),
    _body("error-text", {"error": "no"}),
    _body("error-malformed", {"error": {"code": "x", "status": 7, "message": None}}),
    _with("unknown-fields", brandNew={"deep": [1, {"er": None}]}),
    _with("no-usage", usageMetadata=None),
    _with("usage-list", usageMetadata=[]),
    _with("usage-text", usageMetadata={"promptTokenCount": "many"})._replace(unbilled=True),
    _with("usage-negative", usageMetadata={"promptTokenCount": -1})._replace(unbilled=True),
    _with("usage-huge", usageMetadata={"promptTokenCount": 2**70})._replace(unbilled=True),
    _with("model-number", modelVersion=5),
    _with("id-object", responseId={"a": 1}),
    _with("feedback-list", promptFeedback=[]),
    _with("blocked", candidates=None, promptFeedback={"blockReason": "SAFETY"}),
    _with("blocked-malformed", candidates=[], promptFeedback={"blockReason": 3}),
    _with("candidates-object", candidates={}),
    _with("candidates-number", candidates=3),
    *(_candidate(name, value) for name, value in {"null": None, "text": "x", "empty": {}}.items()),
    _candidate("content-null", {"content": None, "finishReason": "STOP"}),
    _candidate("content-text", {"content": "x", "finishReason": "STOP"}),
    _candidate("parts-null", {"content": {"parts": None, "role": "model"}, "finishReason": "STOP"}),
    _candidate("parts-text", {"content": {"parts": "x", "role": "model"}, "finishReason": "STOP"}),
    _candidate("parts-malformed", {"content": {"parts": [None, 1, {}, {"text": 5}, {"functionCall": 1}, {"new": 1}]}}),
    _candidate("role-number", {"content": {"parts": [{"text": "x"}], "role": 1}, "finishReason": "STOP"}),
    _candidate("reason-new", {"content": {"parts": [{"text": "x"}]}, "finishReason": "BRAND_NEW"}),
    _candidate("reason-number", {"content": {"parts": [{"text": "x"}]}, "finishReason": 1}),
    _candidate("reason-object", {"content": {"parts": [{"text": "x"}]}, "finishReason": {}}),
    _candidate("index-text", {"content": {"parts": [{"text": "x"}]}, "index": "zero", "finishReason": "STOP"}),
    _raw("nothing", b""),
    _raw("html", b"<html><body>Sign in to the hotel's network</body></html>"),
    _raw("truncated", json.dumps(GOOD).encode()[:60]),
    _raw("truncated-frame", b"data: " + json.dumps(GOOD).encode()[:60] + b"\r\n\r\n"),
    _raw("not-utf8", b'data: {"responseId": "\xff\xfe"}\r\n\r\n'),
    _raw("nan", b'{"candidates": [], "usageMetadata": {"promptTokenCount": NaN}}')._replace(unbilled=True),
    _raw("surrogate", b'{"responseId": "\\ud800", "modelVersion": "\\udfff"}'),
    _raw("deep", b'{"a":' * 400 + b"1" + b"}" * 400),
    _raw("comment", b": keep-alive\r\n\r\n"),
)
