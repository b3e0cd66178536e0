"""Google's readers, without the SDK: parameters, contents, tools, responses."""

from __future__ import annotations

import pytest

from genspan.gemini import count_tokens, embeddings, generate_content, images, interactions
from genspan.gemini.parts import read_contents, read_parts, read_tools
from genspan_semconv.model import Usage

HI = {"type": "text", "content": "hi"}
USAGE = {"promptTokenCount": 9, "candidatesTokenCount": 4, "totalTokenCount": 13}
SCHEMA = {"type": "OBJECT"}


def uri(where, modality, mime=None):
    found = {"type": "uri", "modality": modality, "uri": where}
    return found if mime is None else {**found, "mime_type": mime}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"temperature": 0}, {"temperature": 0.0}),
        ({"topP": 0.5}, {"top_p": 0.5}),
        ({"top_p": 0.5}, {"top_p": 0.5}),
        ({"topK": 5.0}, {"top_k": 5}),
        ({"top_k": 5}, {"top_k": 5}),
        ({"maxOutputTokens": 7}, {"max_tokens": 7}),
        ({"max_output_tokens": 7}, {"max_tokens": 7}),
        ({"stopSequences": ["x"]}, {"stop_sequences": ["x"]}),
        ({"stop_sequences": ["x"]}, {"stop_sequences": ["x"]}),
        ({"stop_sequences": []}, {}),
        ({"seed": 3}, {"seed": 3}),
        ({"frequencyPenalty": 0.5}, {"frequency_penalty": 0.5}),
        ({"frequency_penalty": 0.5}, {"frequency_penalty": 0.5}),
        ({"presencePenalty": 0.5}, {"presence_penalty": 0.5}),
        ({"presence_penalty": 0.5}, {"presence_penalty": 0.5}),
        ({"candidateCount": 2}, {"choice_count": 2}),
        ({"candidate_count": 1}, {}),
        ({"sampleCount": 4}, {"choice_count": 4}),
        ({"thinkingConfig": {"thinkingBudget": 0}}, {"reasoning_level": "0"}),
        ({"thinking_config": {"thinking_budget": 128}}, {"reasoning_level": "128"}),
        ({"thinkingConfig": {"thinkingLevel": "LOW", "thinkingBudget": 5}}, {"reasoning_level": "LOW"}),
        ({"thinkingConfig": {"thinking_level": "LOW"}}, {"reasoning_level": "LOW"}),
        ({"thinking_level": "high"}, {"reasoning_level": "high"}),
        ({"thinkingConfig": {"includeThoughts": True}}, {}),
        ({"responseMimeType": "application/json"}, {"output_type": "json"}),
        ({"response_mime_type": "text/plain"}, {}),
        ({"responseModalities": ["TEXT", "IMAGE"]}, {"output_type": "image"}),
        ({"response_modalities": ["AUDIO"]}, {"output_type": "speech"}),
        ({"responseModalities": ["TEXT"]}, {}),
        ({"response_format": {"type": "text", "mime_type": "application/json"}}, {"output_type": "json"}),
        ({"response_format": [{"type": "image"}]}, {"output_type": "image"}),
        ({"response_format": {"schema": {}}}, {"output_type": "json"}),
        ({"response_format": {"properties": {}}}, {"output_type": "json"}),
        ({"outputDimensionality": 64}, {"dimension_count": 64}),
        ({"output_dimensionality": 64}, {"dimension_count": 64}),
    ],
)
def test_params(body, expected):
    assert generate_content.params({"generationConfig": body}) == expected
    assert generate_content.params({"generation_config": body}) == expected
    assert interactions.params({"generation_config": body}) == expected
    assert images.params({"parameters": body}) == expected
    assert embeddings.params({"requests": [body]}) == expected
    assert count_tokens.params({"generateContentRequest": {"generationConfig": body}}) == expected


def test_labels_and_what_stands_beside_the_configuration():
    body = {"labels": {"team": "search", "n": 1}, "generationConfig": {"seed": 3}}
    assert generate_content.params(body) == {"gcp.gen_ai.request.labels.team": "search", "seed": 3}
    body = {"agent": "a", "previous_interaction_id": "p", "seed": 2, "generation_config": {"seed": 3}}
    assert interactions.params(body) == {"gen_ai.agent.name": "a", "previous_response_id": "p", "seed": 3}
    assert embeddings.params({"embedContentConfig": {"output_dimensionality": 8}}) == {"dimension_count": 8}


BLOB = {"type": "blob", "modality": "image", "mime_type": "image/png", "content": "QUJD"}


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ({"text": "hi"}, HI),
        ({"text": "hi", "thought": True}, {"type": "reasoning", "content": "hi"}),
        ({"text": "hi", "thought": False}, HI),
        ({"text": ""}, {"type": "text", "content": ""}),
        ({"text": "", "thoughtSignature": "x"}, None),
        ({"thoughtSignature": "x"}, None),
        ({"inlineData": {"mimeType": "image/png", "data": "QUJD"}}, BLOB),
        ({"inline_data": {"mime_type": "image/png", "data": "QUJD"}}, BLOB),
        ({"inlineData": {"mimeType": "image/png", "data": "-_-_"}}, {**BLOB, "content": "+/+/"}),
        ({"inlineData": {"mimeType": "image/png", "data": "-"}}, {**BLOB, "content": "+"}),
        ({"fileData": {"mimeType": "video/mp4", "fileUri": "gs://v"}}, uri("gs://v", "video", "video/mp4")),
        ({"file_data": {"mime_type": "audio/wav", "file_uri": "gs://a"}}, uri("gs://a", "audio", "audio/wav")),
        ({"fileData": {"fileUri": "gs://d"}}, uri("gs://d", "document")),
        (
            {"functionCall": {"name": "f", "args": {"x": 1}, "id": "c"}},
            {"type": "tool_call", "name": "f", "arguments": {"x": 1}, "id": "c"},
        ),
        ({"function_call": {"name": "f"}}, {"type": "tool_call", "name": "f", "arguments": {}}),
        (
            {"functionResponse": {"name": "f", "response": {"x": 1}, "id": "c"}},
            {"type": "tool_call_response", "name": "f", "response": {"x": 1}, "id": "c"},
        ),
        ({"function_response": {"response": 1}}, {"type": "tool_call_response", "response": 1}),
        (
            {
                "functionResponse": {
                    "name": "f",
                    "response": 1,
                    "parts": [{"inlineData": {"mimeType": "image/png", "data": "QUJD"}}],
                }
            },
            {"type": "tool_call_response", "name": "f", "response": 1, "parts": [BLOB]},
        ),
        (
            {"executableCode": {"code": "1+1", "language": "PYTHON"}},
            {
                "type": "server_tool_call",
                "name": "code_execution",
                "server_tool_call": {"type": "code_execution", "code": "1+1", "language": "PYTHON"},
            },
        ),
        (
            {"executable_code": {"code": "1"}},
            {
                "type": "server_tool_call",
                "name": "code_execution",
                "server_tool_call": {"type": "code_execution", "code": "1"},
            },
        ),
        *(
            (
                {spelling: {"output": "2", "id": "c"}},
                {
                    "type": "server_tool_call_response",
                    "server_tool_call_response": {"type": "code_execution", "output": "2", "id": "c"},
                    "id": "c",
                },
            )
            for spelling in ("codeExecutionResult", "code_execution_result")
        ),
        (
            {"toolCall": {"toolType": "GOOGLE_SEARCH", "id": "c"}},
            {
                "type": "server_tool_call",
                "name": "GOOGLE_SEARCH",
                "server_tool_call": {"type": "tool", "toolType": "GOOGLE_SEARCH", "id": "c"},
                "id": "c",
            },
        ),
        (
            {"toolResponse": {"x": 1}},
            {"type": "server_tool_call_response", "server_tool_call_response": {"type": "tool", "x": 1}},
        ),
        ({"new": 1, "thoughtSignature": "x"}, {"type": "new", "content": 1}),
        ({"thought": True, "new": 1}, {"type": "new", "content": 1}),
        ({"blob": 1}, {"type": "gemini_blob", "content": 1}),
    ],
)
def test_parts(part, expected):
    assert read_parts([part]) == ([] if expected is None else [expected])
    assert read_parts(part) == ([] if expected is None else [expected])


RESULT = {"functionResponse": {"name": "f", "response": 1}}


@pytest.mark.parametrize(
    ("content", "role"),
    [
        ({"role": "user", "parts": [{"text": "hi"}]}, "user"),
        ({"parts": [{"text": "hi"}]}, "user"),
        ({"role": "model", "parts": [{"text": "hi"}]}, "assistant"),
        ({"role": "user", "parts": [RESULT, RESULT]}, "tool"),
        ({"role": "user", "parts": [RESULT, {"text": "hi"}]}, "user"),
        ({"role": "function", "parts": []}, "function"),
    ],
)
def test_roles(content, role):
    assert [message["role"] for message in read_contents([content])] == [role]
    assert [message["role"] for message in read_contents(content)] == [role]


@pytest.mark.parametrize(
    ("tool", "expected"),
    [
        *(
            (
                {spelling: [{"name": "f", "description": "d", parameters: SCHEMA}, {"name": "g"}]},
                [
                    {"type": "function", "name": "f", "description": "d", "parameters": SCHEMA},
                    {"type": "function", "name": "g"},
                ],
            )
            for spelling in ("functionDeclarations", "function_declarations")
            for parameters in ("parameters", "parametersJsonSchema", "parameters_json_schema")
        ),
        (
            {"googleSearch": {}, "codeExecution": {}},
            [{"type": one, "name": one} for one in ("googleSearch", "codeExecution")],
        ),
    ],
)
def test_tools(tool, expected):
    assert read_tools([tool]) == expected
    assert generate_content.prompt({"tools": [tool]}).tools == expected


def test_prompt():
    body = {"systemInstruction": {"parts": [{"text": "s"}]}, "contents": [{"role": "user", "parts": [{"text": "hi"}]}]}
    expected = ([{"type": "text", "content": "s"}], [{"role": "user", "parts": [HI]}], [])
    assert generate_content.prompt(body) == expected
    assert (
        generate_content.prompt({"system_instruction": body["systemInstruction"], "contents": body["contents"]})
        == expected
    )
    assert count_tokens.prompt({"generateContentRequest": body}) == expected
    assert count_tokens.prompt(body) == expected


def candidate(reason=None, parts=({"text": "hi"},), **more):
    found = {"content": {"role": "model", "parts": list(parts)}, **more}
    return {**found, "finishReason": reason} if reason is not None else found


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (
            {"responseId": "r", "modelVersion": "m", "candidates": [candidate("STOP")], "usageMetadata": USAGE},
            {"id": "r", "model": "m", "finish_reasons": ["STOP"], "usage": Usage(9, 4, 13), "complete": True},
        ),
        (
            {"candidates": [candidate("STOP"), candidate("MAX_TOKENS")]},
            {"finish_reasons": ["STOP", "MAX_TOKENS"], "complete": True},
        ),
        ({"candidates": [candidate("STOP"), candidate()]}, {"finish_reasons": ["STOP"], "complete": False}),
        ({"candidates": [candidate(17)]}, {"finish_reasons": ["17"], "complete": True}),
        ({"promptFeedback": {"blockReason": "SAFETY"}}, {"finish_reasons": ["SAFETY"], "complete": True}),
        (
            {"promptFeedback": {"blockReason": "SAFETY"}, "candidates": [candidate("STOP")]},
            {"finish_reasons": ["STOP"], "complete": True},
        ),
        ({"error": {"status": "UNAVAILABLE", "code": 503}}, {"complete": False, "error": "UNAVAILABLE"}),
        ({"error": {"code": 503}}, {"complete": False, "error": "503"}),
        ({}, {"complete": False}),
    ],
)
def test_response(data, expected):
    found = generate_content.response(data)
    names = ("id", "model", "finish_reasons", "usage", "complete", "error")
    assert {name: getattr(found, name) for name in names} == {
        "id": None,
        "model": None,
        "finish_reasons": [],
        "usage": None,
        "error": None,
        **expected,
    }


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("STOP", "stop"),
        ("MAX_TOKENS", "length"),
        ("SAFETY", "content_filter"),
        ("RECITATION", "content_filter"),
        ("BLOCKLIST", "content_filter"),
        ("PROHIBITED_CONTENT", "content_filter"),
        ("SPII", "content_filter"),
        ("IMAGE_SAFETY", "content_filter"),
        ("IMAGE_PROHIBITED_CONTENT", "content_filter"),
        ("IMAGE_RECITATION", "content_filter"),
        ("MODEL_ARMOR", "content_filter"),
        ("MALFORMED_FUNCTION_CALL", "malformed_function_call"),
        ("OTHER", "other"),
    ],
)
def test_finish_reasons(reason, expected):
    (message,) = generate_content.answer({"candidates": [candidate(reason)]})
    assert message == {"role": "assistant", "parts": [HI], "finish_reason": expected}


CALL = {"functionCall": {"name": "f", "args": {"x": 1}}}


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (
            {"candidates": [candidate("STOP", [CALL], finishMessage="Model generated function call(s).")]},
            [{"parts": [{"type": "tool_call", "name": "f", "arguments": {"x": 1}}], "finish_reason": "tool_call"}],
        ),
        (
            {"candidates": [candidate("SAFETY", [], finishMessage="why")]},
            [{"parts": [], "finish_reason": "content_filter", "finish_message": "why"}],
        ),
        (
            {"candidates": [candidate("STOP"), candidate("MAX_TOKENS", [{"text": "ho"}])]},
            [
                {"parts": [HI], "finish_reason": "stop"},
                {"parts": [{"type": "text", "content": "ho"}], "finish_reason": "length"},
            ],
        ),
        ({"candidates": [candidate()]}, [{"parts": [HI]}]),
        ({"candidates": [candidate(None, [])]}, []),
        (
            {"promptFeedback": {"blockReason": "SAFETY"}},
            [{"parts": [], "finish_reason": "content_filter", "finish_message": "SAFETY"}],
        ),
        (
            {"promptFeedback": {"blockReason": "SAFETY", "blockReasonMessage": "why"}},
            [{"parts": [], "finish_reason": "content_filter", "finish_message": "why"}],
        ),
        (
            {"promptFeedback": {"blockReason": "SAFETY"}, "candidates": [candidate("STOP")]},
            [{"parts": [HI], "finish_reason": "stop"}],
        ),
        ({}, []),
    ],
)
def test_answer(data, expected):
    assert generate_content.answer(data) == [{"role": "assistant", **message} for message in expected]
