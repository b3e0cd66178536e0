"""Bytes to JSON: server-sent events, JSON lines, Amazon's event streams, content codings."""

from __future__ import annotations

import base64
import gzip
import json
import zlib

import pytest

from genspan._core.wire import aws_eventstream, json_text
from genspan._core.wire.content_encoding import decoder
from genspan._core.wire.jsonl import Lines
from genspan._core.wire.sse import events


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"data: a\n\ndata: b\n\n", [b"a", b"b"]),
        (b"data: a\r\n\r\ndata: b\r\n\r\n", [b"a", b"b"]),
        (b"data: a\r\rdata: b\r\r", [b"a", b"b"]),
        (b"data:a\n\n", [b"a"]),
        (b"data: a", [b"a"]),
        (b"data: a\ndata: b\n\n", [b"a\nb"]),
        (b"event: x\nid: 1\ndata: a\nretry: 5\n\n", [b"a"]),
        (b": comment\n\n", []),
        (b"event: ping\n\ndata: a\n\n", [b"a"]),
        (b'data: {"a": "data: b"}\n\n', [b'{"a": "data: b"}']),
        (b"data\n\n", []),
        (b"", []),
    ],
)
def test_server_sent_events(raw, expected):
    assert list(events(raw)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"a": 1}', {"a": 1}),
        (b"[1]", [1]),
        ("NaN", "nan"),
        ('"\\ud83d"', "\ud83d"),
        ("null", None),
        ("{", None),
        ("[DONE]", None),
        ("", None),
        (b"", None),
        (None, None),
        ({"a": 1}, None),
        (b"\xff", None),
    ],
)
@pytest.mark.parametrize("library", ["orjson", "json"])
def test_json_text(monkeypatch, library, text, expected):
    if library == "json":
        monkeypatch.setattr(json_text, "_parsers", (json.loads,))
    found = json_text.parse(text)
    assert (str(found) if expected == "nan" else found) == expected


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_json_lines_however_they_arrive(size):
    raw = b'{"a": 1}\n\n  \r\n{"b": 2}\r\nnot json\n{"c": "\\u00e9"}'
    lines, found = Lines(""), []
    for start in range(0, len(raw), size):
        found += lines.feed(raw[start : start + size])
    assert found == [{"a": 1}, {"b": 2}, None]
    assert list(lines.end()) == [{"c": "é"}]


def test_json_lines_that_end_as_they_should_leave_nothing():
    lines = Lines("identity")
    assert list(lines.feed(b"1\n2\n  ")) == [1, 2]
    assert list(lines.end()) == []


@pytest.mark.parametrize(
    ("encoding", "packed"),
    [
        ("gzip", gzip.compress(b'{"a":1}\n2\n', mtime=0)),
        ("deflate", zlib.compress(b'{"a":1}\n2\n')),
        ("", b'{"a":1}\n2\n'),
    ],
    ids=["gzip", "deflate", "none"],
)
def test_compressed_json_lines(encoding, packed):
    lines = Lines(encoding)
    assert [value for index in range(len(packed)) for value in lines.feed(packed[index : index + 1])] == [{"a": 1}, 2]


def test_codings_that_the_standard_library_has_not():
    assert decoder("br") is None
    assert decoder("zstd") is None
    for known in ("", "identity"):
        plain = decoder(known)
        assert plain is not None
        assert plain(b"x") == b"x"
    assert list(Lines("br").feed(b"1\n")) == [1]


def framed(payload: bytes, headers: bytes = b"\x05:type\x07\x00\x05chunk") -> bytes:
    total = 12 + len(headers) + len(payload) + 4
    return total.to_bytes(4, "big") + len(headers).to_bytes(4, "big") + b"CRC1" + headers + payload + b"CRC2"


def chunk(event: bytes) -> bytes:
    return framed(json.dumps({"bytes": base64.b64encode(event).decode(), "p": "abc"}).encode())


def test_events_of_amazon():
    one, two = chunk(b'{"a":1}'), chunk(b'{"b":2}')
    assert list(aws_eventstream.decode(one + two)) == [b'{"a":1}', b'{"b":2}']
    assert list(aws_eventstream.decode(one + framed(b"{}") + framed(b"") + framed(b'{"x":1}') + two)) == [
        b'{"a":1}',
        b'{"b":2}',
    ]
    assert list(aws_eventstream.decode(chunk(b"x" * 70_000))) == [b"x" * 70_000]


@pytest.mark.parametrize("name", ["exception-type", "error-code"])
def test_exception_of_amazon(name):
    headers = b"\x0d:message-type\x07\x00\x09exception" + bytes([len(name) + 1]) + f":{name}".encode()
    exception = framed(b'{"message": "slow down"}', headers + b"\x07\x00\x13throttlingException\x04:etc\x07\x00\x01x")
    error = b'{"type": "error", "error": {"type": "throttlingException"}}'
    assert list(aws_eventstream.decode(chunk(b"1") + exception + chunk(b"2"))) == [b"1", error, b"2"]


@pytest.mark.parametrize("cut", [1, 4, 5, 12, 30, 60])
def test_an_event_of_amazon_that_is_not_there_whole(cut):
    one, two = chunk(b'{"a":1}'), chunk(b'{"b":2}')
    assert list(aws_eventstream.decode(one + two[:cut])) == [b'{"a":1}']


def test_a_length_that_cannot_be_ends_the_events():
    assert list(aws_eventstream.decode(bytes(64))) == []
    assert list(aws_eventstream.decode((11).to_bytes(4, "big") + bytes(20))) == []
    bare = (12).to_bytes(4, "big") + bytes(8)
    assert list(aws_eventstream.decode(bare + framed(b'{"bytes": "M"}') + chunk(b"1"))) == [b"1"]
    smallest = framed(b"", b"")
    assert list(aws_eventstream.decode(smallest + chunk(b"1"))) == [b"1"]
