"""Messages, content parts and tools of OpenAI's APIs as the conventions have them."""

from __future__ import annotations

import pytest

from genspan.dialects.openai_parts import (
    read_image,
    read_message,
    read_parts,
    read_tools,
    reasoning_details,
    said_by_user,
)

HI = {"type": "text", "content": "hi"}
PNG = {"type": "blob", "modality": "image", "mime_type": "image/png", "content": "QUJD"}


def uri(url, modality):
    return {"type": "uri", "modality": modality, "uri": url}


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ("hi", HI),
        ({"type": "text", "text": "hi"}, HI),
        ({"type": "input_text", "text": "hi"}, HI),
        ({"type": "output_text", "text": "hi", "annotations": []}, HI),
        ({"type": "output_text", "text": "hi", "annotations": [{"url": "u"}]}, {**HI, "annotations": [{"url": "u"}]}),
        ({"type": "refusal", "refusal": "no"}, {"type": "refusal", "content": "no"}),
        ({"type": "thinking", "thinking": "hm"}, {"type": "reasoning", "content": "hm"}),
        (
            {"type": "thinking", "thinking": [{"type": "text", "text": "h"}, {"type": "text", "text": "m"}]},
            {"type": "reasoning", "content": "hm"},
        ),
        ({"type": "thinking"}, {"type": "reasoning", "content": ""}),
        ({"type": "image_url", "image_url": {"url": "https://h/a"}}, uri("https://h/a", "image")),
        ({"type": "image_url", "image_url": "https://h/a"}, uri("https://h/a", "image")),
        ({"type": "input_image", "image_url": "https://h/a"}, uri("https://h/a", "image")),
        ({"type": "image_url", "image_url": {"url": "data:image/png;base64,QUJD"}}, PNG),
        ({"type": "input_image", "file_id": "f"}, {"type": "file", "modality": "image", "file_id": "f"}),
        ({"type": "input_image"}, uri("", "image")),
        ({"type": "video_url", "video_url": {"url": "https://h/v"}}, uri("https://h/v", "video")),
        ({"type": "document_url", "document_url": "https://h/d"}, uri("https://h/d", "document")),
        (
            {"type": "input_audio", "input_audio": {"format": "mp3", "data": "QUJD"}},
            {"type": "blob", "modality": "audio", "mime_type": "audio/mpeg", "content": "QUJD"},
        ),
        (
            {"type": "input_audio", "input_audio": {"data": "QUJD"}},
            {"type": "blob", "modality": "audio", "mime_type": "audio/wav", "content": "QUJD"},
        ),
        (
            {"type": "output_audio"},
            {"type": "blob", "modality": "audio", "mime_type": "audio/wav", "content": ""},
        ),
        ({"type": "audio", "transcript": "hi"}, HI),
        ({"type": "file", "file": {"file_id": "f"}}, {"type": "file", "modality": "document", "file_id": "f"}),
        ({"type": "input_file", "file_id": "f"}, {"type": "file", "modality": "document", "file_id": "f"}),
        (
            {"type": "file", "file": {"file_data": "data:application/pdf;base64,QUJD"}},
            {"type": "blob", "modality": "document", "mime_type": "application/pdf", "content": "QUJD"},
        ),
        ({"type": "input_file", "file_url": "https://h/d"}, uri("https://h/d", "document")),
        ({"type": "new", "x": 1}, {"type": "new", "x": 1}),
        ({"type": "blob", "x": 1}, {"type": "openai_blob", "x": 1}),
    ],
)
def test_parts(part, expected):
    assert read_parts([part]) == [expected]


def test_data_without_a_type_is_a_document():
    (found,) = read_parts([{"type": "file", "file": {"file_data": "QUJD"}}])
    assert (found["type"], found["modality"], found["content"]) == ("blob", "document", "QUJD")


@pytest.mark.parametrize(
    ("content", "expected"),
    [("hi", [HI]), ("", []), (None, []), ([], []), ([None, "", {}], []), ({"type": "text", "text": "hi"}, [HI])],
)
def test_contents(content, expected):
    assert read_parts(content) == expected


def call(name="f", arguments="{}", identity="c"):
    return {"id": identity, "type": "function", "function": {"name": name, "arguments": arguments}}


CALLED = {"type": "tool_call", "name": "f", "arguments": {}, "id": "c"}


@pytest.mark.parametrize(
    ("message", "role", "parts"),
    [
        ({"role": "user", "content": "hi"}, "user", [HI]),
        ({"content": "hi"}, "assistant", [HI]),
        ({"role": "system", "content": ["a", "b"]}, "system", [{**HI, "content": "a"}, {**HI, "content": "b"}]),
        (
            {"role": "tool", "tool_call_id": "c", "content": "42"},
            "tool",
            [{"type": "tool_call_response", "response": "42", "id": "c"}],
        ),
        (
            {"role": "user", "tool_call_id": "c", "content": [{"type": "text", "text": "42"}]},
            "tool",
            [{"type": "tool_call_response", "response": "42", "id": "c"}],
        ),
        (
            {"role": "function", "name": "f", "content": "42"},
            "tool",
            [{"type": "tool_call_response", "response": "42", "name": "f"}],
        ),
        (
            {"role": "tool", "tool_call_id": "c", "name": "f", "content": "42"},
            "tool",
            [{"type": "tool_call_response", "response": "42", "id": "c"}],
        ),
        ({"role": "assistant", "tool_calls": [call()]}, "assistant", [CALLED]),
        (
            {"role": "assistant", "content": "hi", "tool_calls": [call(), call("g", '{"x": 1}', "d")]},
            "assistant",
            [HI, CALLED, {"type": "tool_call", "name": "g", "arguments": {"x": 1}, "id": "d"}],
        ),
        (
            {"tool_calls": [{"id": "c", "type": "custom", "custom": {"name": "f", "input": "free text"}}]},
            "assistant",
            [{**CALLED, "arguments": "free text"}],
        ),
        ({"tool_calls": [{"id": "c", "name": "f", "arguments": {}}]}, "assistant", [CALLED]),
        ({"tool_calls": {"id": "c", "function": {"name": "f", "arguments": "{}"}}}, "assistant", [CALLED]),
        ({"tool_calls": [{"function": {"name": None, "arguments": ""}}]}, "assistant", []),
        (
            {"function_call": {"name": "f", "arguments": "{}"}},
            "assistant",
            [{"type": "tool_call", "name": "f", "arguments": {}}],
        ),
        ({"content": "hi", "refusal": "no"}, "assistant", [HI, {"type": "refusal", "content": "no"}]),
        ({"content": "hi", "reasoning_content": "hm"}, "assistant", [{"type": "reasoning", "content": "hm"}, HI]),
        ({"content": "hi", "reasoning": "hm"}, "assistant", [{"type": "reasoning", "content": "hm"}, HI]),
        ({"content": "hi", "reasoning_text": "hm"}, "assistant", [{"type": "reasoning", "content": "hm"}, HI]),
        ({"content": "hi", "thinking": "hm"}, "assistant", [{"type": "reasoning", "content": "hm"}, HI]),
        (
            {"content": "hi", "reasoning_details": [{"text": "h"}, {"summary": "m"}, {"data": "x"}]},
            "assistant",
            [{"type": "reasoning", "content": "hm"}, HI],
        ),
        (
            {"reasoning": "hm", "reasoning_details": [{"text": "hm"}]},
            "assistant",
            [{"type": "reasoning", "content": "hm"}],
        ),
        (
            {"content": "hi", "images": [{"image_url": {"url": "https://h/a"}, "type": "image_url"}]},
            "assistant",
            [HI, uri("https://h/a", "image")],
        ),
        ({"images": {"url": "https://h/a"}}, "assistant", [uri("https://h/a", "image")]),
        ({"content": "a", "annotations": [1]}, "assistant", [{"type": "text", "content": "a", "annotations": [1]}]),
        ({"refusal": "no", "annotations": [1]}, "assistant", [{"type": "refusal", "content": "no"}]),
        ({"audio": {"transcript": "hi"}}, "assistant", [HI]),
        (
            {"audio": {"transcript": "hi", "data": "QUJD", "id": "a"}},
            "assistant",
            [HI, {"type": "blob", "modality": "audio", "content": "QUJD"}],
        ),
        ({"audio": {"id": "a"}}, "assistant", [{"type": "file", "modality": "audio", "file_id": "a"}]),
        ({"audio": {"id": "a", "transcript": "hi"}}, "assistant", [HI]),
    ],
)
def test_messages(message, role, parts):
    assert read_message(message) == {"role": role, "parts": parts}


def test_sources_stand_beside_the_last_text():
    message = {"content": ["a", "b", {"type": "refusal", "refusal": "no"}], "annotations": [{"url": "u"}]}
    found = read_message(message)["parts"]
    assert [part.get("annotations") for part in found] == [None, [{"url": "u"}], None]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("hi", [[HI]]),
        (["hi", "there", ""], [[HI], [{**HI, "content": "there"}]]),
        ([[1, 2], [3]], []),
        (
            [{"type": "text", "text": "hi"}, {"type": "image_url", "image_url": "https://h/a"}],
            [[HI, uri("https://h/a", "image")]],
        ),
        (None, []),
        ("", []),
    ],
)
def test_what_the_user_said(content, expected):
    assert said_by_user(content) == [{"role": "user", "parts": parts} for parts in expected]


SCHEMA = {"type": "object", "properties": {"x": {"type": "string"}}}


@pytest.mark.parametrize(
    ("tools", "functions", "expected"),
    [
        (
            [{"type": "function", "function": {"name": "f", "description": "d", "parameters": SCHEMA}}],
            None,
            [{"type": "function", "name": "f", "description": "d", "parameters": SCHEMA}],
        ),
        (
            [{"type": "function", "name": "f", "parameters": SCHEMA}],
            None,
            [{"type": "function", "name": "f", "parameters": SCHEMA}],
        ),
        ([{"function": {"name": "f"}}], None, [{"type": "function", "name": "f"}]),
        (
            [{"type": "custom", "custom": {"name": "f", "description": "d"}}],
            None,
            [{"type": "custom", "name": "f", "description": "d"}],
        ),
        ([{"type": "web_search"}], None, [{"type": "web_search", "name": "web_search"}]),
        ([{"type": "mcp", "server_label": "l"}], None, [{"type": "mcp", "name": "l"}]),
        (None, [{"name": "f", "description": "d"}], [{"type": "function", "name": "f", "description": "d"}]),
        ([{"type": "a"}], [{"name": "f"}], [{"type": "a", "name": "a"}, {"type": "function", "name": "f"}]),
        (None, None, []),
    ],
)
def test_tools(tools, functions, expected):
    assert read_tools(tools, functions) == expected


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        ({"b64_json": "QUJD"}, PNG),
        ({"url": "https://h/a"}, uri("https://h/a", "image")),
        ({"url": "https://h/a", "b64_json": "QUJD"}, uri("https://h/a", "image")),
        ("https://h/a", uri("https://h/a", "image")),
        ({"type": "image_url", "image_url": {"url": "https://h/a"}}, uri("https://h/a", "image")),
    ],
)
def test_images(image, expected):
    assert read_image(image) == expected


@pytest.mark.parametrize(
    ("details", "expected"),
    [
        ([{"type": "reasoning.text", "text": "a"}, {"type": "reasoning.summary", "summary": "b"}], "ab"),
        ({"text": "a"}, "a"),
        ([{"type": "reasoning.encrypted", "data": "x"}], ""),
        (None, ""),
    ],
)
def test_reasoning_details(details, expected):
    assert reasoning_details(details) == expected
