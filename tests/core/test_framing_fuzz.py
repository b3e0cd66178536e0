"""The framing of streams takes any bytes, in any pieces: it loses no event that is there whole, and never raises."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genspan._core.emit.redaction import Secrets
from genspan._core.wire.aws_eventstream import decode
from genspan._core.wire.json_text import parse
from genspan._core.wire.jsonl import Lines
from genspan._core.wire.sse import events
from genspan_semconv.encode import dumps
from tests.support.totality import few

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@few
@given(st.lists(JSON, max_size=6), st.sampled_from(["\n", "\r\n", "\r"]))
def test_server_sent_events(values, newline):
    written = [json.dumps(value) for value in values]
    raw = "".join(f"event: x{newline}data: {one}{newline * 2}" for one in written).encode()
    assert [parse(data) for data in events(raw)] == values


@few
@given(st.binary(max_size=300))
def test_any_bytes_as_events(raw):
    assert all(isinstance(data, bytes) for data in events(raw))
    for data in events(raw):
        parse(data)


@few
@given(st.lists(JSON.filter(lambda value: value is not None), max_size=6), st.integers(1, 20))
def test_json_lines(values, size):
    raw = "\n".join(json.dumps(value) for value in values).encode()
    lines, found = Lines(""), []
    for start in range(0, len(raw), size):
        found += lines.feed(raw[start : start + size])
    assert [*found, *lines.end()] == values


@few
@given(st.binary(max_size=300))
def test_any_bytes_as_json_lines(raw):
    lines = Lines("")
    assert len([*lines.feed(raw), *lines.end()]) <= raw.count(b"\n") + 1


def framed(payload):
    return (16 + len(payload)).to_bytes(4, "big") + bytes(8) + payload + bytes(4)


@few
@given(st.lists(st.binary(min_size=1, max_size=40), max_size=4), st.integers(0, 60))
def test_events_of_amazon(sent, cut):
    frames = [framed(json.dumps({"bytes": base64.b64encode(one).decode()}).encode()) for one in sent]
    raw = b"".join(frames)
    assert list(decode(raw)) == sent
    kept = raw[: max(len(raw) - cut, 0)]
    assert list(decode(kept)) == sent[: len(list(decode(kept)))]


@few
@given(st.binary(max_size=300))
def test_any_bytes_as_events_of_amazon(raw):
    assert all(isinstance(event, bytes) for event in decode(raw))
    framed_raw = framed(raw)
    assert all(isinstance(event, bytes) for event in decode(framed_raw))


@few
@given(JSON, st.text(min_size=3, max_size=30))
def test_what_is_scrubbed_stays_json(value, secret):
    scrubbed = Secrets.of([secret]).scrub(dumps({"value": value}))
    assert isinstance(json.loads(scrubbed), dict)


@pytest.mark.parametrize("raw", [b"{", b"\xff", b"[]", b'{"bytes": "M"}', '{"bytes": "é"}'.encode(), b""])
def test_frames_that_hold_something_else(raw):
    assert list(decode(framed(raw) + framed(b'{"bytes": "MQ=="}'))) == [b"1"]
