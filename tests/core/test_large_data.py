"""What is named in place of being kept, wherever it stands, and that nothing else is."""

from __future__ import annotations

import json
from base64 import b64encode, encodebytes
from copy import deepcopy
from time import process_time

import pytest

from genspan._core.emit.large_data import name_in_json, name_in_messages, named

LIMIT = 3000
SMALL, LARGE = b64encode(bytes(LIMIT)).decode(), b64encode(bytes(range(256)) * 12).decode()  # 3000 and 3072 bytes
URL = f"data:image/png;base64,{LARGE}"
NAME, NAMED_IMAGE = "[data: 3072 bytes, not kept]", "[image/png: 3072 bytes, not kept]"
PROSE = "Many words, and none of them is data; " * 200


def part(**fields):
    messages = [{"role": "user", "parts": [fields]}]
    before = deepcopy(fields)
    name_in_messages(messages, LIMIT)
    assert fields == before, "what the program passed is not changed"
    return messages[0]["parts"][0]


def test_blobs_by_their_size():
    blob = {"type": "blob", "modality": "image", "mime_type": "image/png"}
    assert part(**blob, content=SMALL) == {**blob, "content": SMALL}
    assert part(**blob, content=LARGE) == {**blob, "type": "blob_omitted", "size": 3072}
    assert part(type="blob", content=bytes(3001)) == {"type": "blob_omitted", "size": 3001}
    assert part(type="blob", modality="audio") == {"type": "blob", "modality": "audio"}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"data": LARGE, "n": 1}, {"data": NAME, "n": 1}),
        ([LARGE, LARGE], [NAME, NAME]),
        ({"url": URL}, {"url": f"data:image/png;base64,{NAME}"}),
        ({"data": SMALL}, {"data": SMALL}),
        (PROSE, PROSE),
        (f"line\n{LARGE}", f"line\n{LARGE}"),
        (f"\u6f22{LARGE}", f"\u6f22{LARGE}"),
    ],
)
def test_json_text_whose_large_data_is_not_parsed(value, expected):
    assert json.loads(name_in_json(json.dumps(value).encode(), LIMIT)) == expected


def test_blob_that_was_named_in_its_json_text():
    blob = {"type": "blob", "modality": "document", "mime_type": "application/pdf"}
    data = json.loads(name_in_json(json.dumps(LARGE).encode(), LIMIT))
    assert part(**blob, content=data) == {**blob, "type": "blob_omitted", "size": 3072}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (URL, NAMED_IMAGE),
        (LARGE, NAME),
        (f"See ![]({URL}) there.", f"See ![]({NAMED_IMAGE}) there."),
        (f"{LARGE} and {URL}, {PROSE}", f"{NAME} and {NAMED_IMAGE}, {PROSE}"),
        (json.dumps({"image": URL, "n": 1}), json.dumps({"image": NAMED_IMAGE, "n": 1})),
        (json.dumps(json.dumps({"image": LARGE})), json.dumps(json.dumps({"image": NAME}))),
        (LARGE.replace("+", "-").replace("/", "_"), NAME),
        (f"data:;base64,{LARGE}", NAME),
        (f"data:audio/pcm;rate=16000;base64,{LARGE}", "[audio/pcm: 3072 bytes, not kept]"),
        (f"metadata: {LARGE}", f"metadata: {NAME}"),
        (PROSE, PROSE),
        (f"{PROSE} data:image/png;base64,{SMALL} {SMALL}", f"{PROSE} data:image/png;base64,{SMALL} {SMALL}"),
        ("word\n" * 2000, "word\n" * 2000),
        ("漢字" * 2000, "漢字" * 2000),
    ],
)
def test_texts(text, expected):
    assert part(type="text", content=text)["content"] == expected
    assert part(type="reasoning", content=text)["content"] == expected
    assert named(text, LIMIT) == expected


def test_base64_in_lines():
    lines = encodebytes(bytes(LIMIT + 300)).decode()
    for text in (f"Here:\n{lines}", json.dumps({"image": lines}), f"a word\r\n{lines}".replace("\n", "\r\n")):
        found = named(text, LIMIT)
        assert "bytes, not kept]" in found
        assert len(found) < 200
    assert named(encodebytes(bytes(LIMIT - 300)).decode() * 2 + PROSE, 10 * LIMIT).endswith(PROSE)


@pytest.mark.parametrize(
    "make",
    [
        lambda data: {"type": "tool_call_response", "id": "1", "response": data},
        lambda data: {"type": "tool_call_response", "response": [{"type": "input_image", "image_url": data}]},
        lambda data: {"type": "tool_call_response", "response": {"type": "computer_screenshot", "image_url": data}},
        lambda data: {"type": "tool_call_response", "response": [{"source": {"type": "base64", "data": data}}]},
        lambda data: {"type": "tool_call_response", "response": {"outputs": [{"url": data}]}, "name": "f"},
        lambda data: {"type": "tool_call", "name": "f", "arguments": {"file": {"bytes": data}}},
        lambda data: {"type": "server_tool_call", "name": "draw", "server_tool_call": {"result": data}},
        lambda data: {"type": "server_tool_call_response", "server_tool_call_response": {"content": [{"x": [data]}]}},
        lambda data: {"type": "openai_something_new", "deep": [[[{"inlineData": {"data": data}}]]]},
        lambda data: {"type": "uri", "modality": "image", "uri": data},
        lambda data: {"type": "refusal", "content": data, "more": 1},
        lambda data: {"type": "text", "text": data},
    ],
)
@pytest.mark.parametrize(("data", "name"), [(URL, NAMED_IMAGE), (LARGE, NAME), (bytes(3072), NAME)])
def test_anywhere_in_any_part(make, data, name):
    assert part(**make(data)) == make(name)
    assert part(**make(SMALL)) == make(SMALL)


def test_bytes_as_numbers():
    assert named({"type": "Buffer", "data": [7] * 3001}, LIMIT) == {
        "type": "Buffer",
        "data": ["[data: 3001 bytes, not kept]"],
    }
    vector = [0.5] * 4000
    assert named(vector, LIMIT) is vector


def test_what_is_small_is_the_same_object():
    value = {"a": [{"b": "text"}, 1, None, 0.5, (True,)]}
    assert named(value, LIMIT) is value


def test_only_what_is_large_is_copied():
    value = {"same": {"a": 1}, "other": [LARGE]}
    found = named(value, LIMIT)
    assert found["same"] is value["same"]
    assert value["other"] == [LARGE]


def test_a_structure_that_never_ends():
    value: dict[str, object] = {"data": LARGE}
    value["self"] = value
    assert named(value, LIMIT)["data"] == NAME


def test_a_limit_of_nothing_keeps_words():
    assert named("These are words.", 0) == "These are words."
    assert named(URL, 0) == NAMED_IMAGE


@pytest.mark.parametrize("text", ["a" * 39 + "\n", "data:", "data:a/b;base64,", "ab ", "=", "-" * 50 + ".", "\\n"])
def test_the_cost_grows_with_the_text_alone(text):
    def cost(times):
        started = process_time()
        for _ in range(3):
            named(text * times, 10)
        return process_time() - started

    assert cost(32_000 // len(text)) < 40 * max(cost(4000 // len(text)), 0.001)
