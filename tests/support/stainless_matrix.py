"""Every surface, every fault, every ending: the program notices nothing, the telemetry is right.

A test module imports these tests and `pytest_generate_tests`, and names its `SURFACES` and those of which one frame of
the wire gives several items to read: `SEVERAL`.
"""

from __future__ import annotations

from typing import NamedTuple

import pytest

from tests.support import verdict
from tests.support.endings import ENDINGS, exhausted
from tests.support.provider import Reply

MODES = ("sync", "async")

# What can be done to any stream; what is thrown into a generator cannot, and an object has nothing to close unread.
_ENDINGS = [one for one in ENDINGS if not one.do.__name__.startswith(("thrown", "interrupted", "closed_by_exit"))]


def pytest_generate_tests(metafunc):
    surfaces = metafunc.module.SURFACES
    for name, found in (("surface", surfaces), ("stream_surface", [one for one in surfaces if one.stream])):
        if name in metafunc.fixturenames:
            metafunc.parametrize(name, found, ids=str)
    if "mode" in metafunc.fixturenames and "ending" not in metafunc.fixturenames:
        metafunc.parametrize("mode", MODES)


class Fault(NamedTuple):
    name: str
    plain: tuple[Reply, ...] = ()
    stream: tuple[Reply, ...] = ()
    attempts: int = 1
    retries: int = 0
    error: str = ""

    def __str__(self):
        return self.name


def _status(status):
    replies = (Reply(status=status),)
    return Fault(f"status-{status}", replies, replies)


_SOON = {"headers": {"retry-after-ms": "1"}}
FAULTS = (
    *map(_status, (400, 401, 403, 404, 409, 422, 429, 500, 503, 529)),
    Fault("no-answer", (Reply(hang=0.01),), (Reply(hang=0.01),)),
    Fault("cut", (Reply(cut=1),), (Reply(cut=1),)),
    Fault("cut-at-once", (Reply(cut=0),), (Reply(cut=0),)),
    Fault("cut-mid-frame", (Reply(cut_mid=1),), (Reply(cut_mid=1),)),
    Fault("error-first", (), (Reply(error_in_stream=0),)),
    Fault("error-in-stream", (), (Reply(error_in_stream=2),)),
    Fault("html", (Reply(body=b"<html>Sign in</html>"),), ()),
    Fault("not-json", (Reply(body=b'{"id": '),), (Reply(frames=[b'event: message_start\ndata: {"id": \n\n']),)),
)


def test_ok(compare, provider, surface, mode):
    seen, telemetry = compare(surface, mode, (Reply(text='{"city": "Paris", "degrees": 21}'),))
    assert seen.errors == []
    (span,) = telemetry.spans
    assert (verdict.failed(span), verdict.ended(span)) == (None, None)
    assert verdict.operation(span) == surface.operation
    assert (provider.ledger.total().input > 0) is (surface.operation != "count_tokens")
    assert span.attributes.get("gen_ai.request.stream") is (True if surface.stream else None)
    assert ("gen_ai.response.time_to_first_chunk" in span.attributes) is surface.stream


@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_faults(compare, surface, mode, fault):
    script = fault.stream if surface.stream else fault.plain
    if not script:
        pytest.skip("not on this surface")
    seen, telemetry = compare(surface, mode, script)
    (span,) = telemetry.spans
    if not seen.errors:
        assert fault.name in ("html", "error-first", "error-in-stream", "not-json")
        assert surface.reads in ("lines", "bytes", "parse") or fault.name == "html"
    elif fault.name.startswith("error"):
        assert verdict.failed(span) in ("server_error", "api_error")  # the provider's own word
    elif not surface.lazy or fault.name.startswith(("status", "no-answer", "cut")):
        assert verdict.failed(span) == type(seen.errors[0]).__qualname__
    status = getattr(seen.errors[0] if seen.errors else 0, "status_code", 0)
    assert span.attributes.get("http.response.status_code", 0) == (0 if status == 200 else status)
    assert "http.request.resend_count" not in span.attributes


@pytest.mark.parametrize("statuses", [(429, 200), (500, 429, 200), (429, 503, 429), (429, 400)], ids=str)
def test_retries(compare, provider, surface, mode, statuses):
    script = tuple(Reply(status=status, **(_SOON if status >= 400 else {})) for status in statuses)
    script = tuple(Reply(text='{"city": "Paris", "degrees": 21}') if one.status == 200 else one for one in script)
    seen, telemetry = compare(surface, mode, script, retries=2)
    (span,) = telemetry.spans
    assert span.attributes["http.request.resend_count"] == len(statuses) - 1
    assert len(provider.ledger) == len(statuses)
    assert bool(seen.errors) is bool(verdict.failed(span)) is (statuses[-1] != 200)


@pytest.mark.parametrize(
    ("mode", "ending"),
    [pytest.param(mode, one, id=f"{mode}-{one}") for mode in MODES for one in _ENDINGS if one.only in (None, mode)],
)
def test_endings(compare, provider, request, stream_surface, mode, ending):
    surface = stream_surface
    text = '{"city": "Paris", "degrees": 21}'
    if ending.do.__name__ == "timed_out" and (surface.reads == "lines" or str(surface) in request.module.SEVERAL):
        pytest.skip("a frame is several lines, or events: the second one does not keep the program waiting")
    if ending.do.__name__ == "left_open" and not getattr(request.module, "CLOSED_BY_THE_LOOP", True):
        pytest.skip("nothing is closed when the event loop ends; the span ends when the stream is let go")
    # What is there to read after it was closed is chance, unless nothing more was sent.
    held = ending.hold or "closed" in ending.do.__name__
    script = (Reply(text=text, hold=1),) if held else (Reply(text=text, slow=0.002),)
    _, telemetry = compare(surface, mode, script, ending.do)
    (span,) = telemetry.spans
    assert verdict.failed(span) == ending.error
    if ending.do is exhausted or not (ending.ends or ending.do.__name__ in ("closed_unread", "never_read")):
        assert verdict.ended(span) is None
    else:
        assert verdict.ended(span) in {"closed", "dropped", *ending.ends}
