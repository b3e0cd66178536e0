"""Google's readers, without the SDK: contents, responses, streams, embeddings, images, interactions."""

from __future__ import annotations

import pytest

from genspan.gemini import count_tokens, embeddings, generate_content, images, interactions
from genspan.gemini.parts import read_contents, read_parts, read_tools
from genspan_semconv.model import Response, Usage
from tests.support.folding import folded

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


@pytest.mark.parametrize("metadata_alone", [False, True])
def test_a_stream(metadata_alone):
    data = folded(
        generate_content,
        {
            "responseId": "r",
            "modelVersion": "m",
            "candidates": [candidate(None, [{"text": "h"}])],
            "usageMetadata": {"promptTokenCount": 9},
        },
        {"responseId": "other", "modelVersion": "n", "candidates": [candidate(None, [{"text": "i"}])]},
        {
            "candidates": [candidate("STOP", [], finishMessage="why")],
            "usageMetadata": {"candidatesTokenCount": 4, "totalTokenCount": 13},
        },
        metadata_alone=metadata_alone,
    )
    found = generate_content.response(data)
    assert (found.id, found.model, found.finish_reasons, found.complete) == ("r", "n", ["STOP"], True)
    assert found.usage == Usage(9, 4, 13)
    parts = [] if metadata_alone else [HI]
    assert generate_content.answer(data) == [{"role": "assistant", "parts": parts, "finish_reason": "stop"}]


def test_candidates_of_a_stream():
    chunk = {"candidates": [candidate(None, [{"text": "b"}], index=1), candidate(None, [{"text": "a"}])]}
    data = folded(
        generate_content, chunk, chunk, {"candidates": [candidate("SAFETY", [], index=1), candidate("STOP", [])]}
    )
    assert generate_content.response(data).finish_reasons == ["STOP", "SAFETY"]
    assert [one["parts"][0]["content"] for one in generate_content.answer(data)] == ["aa", "bb"]


def test_an_error_or_a_block_inside_a_stream():
    assert (
        generate_content.response(folded(generate_content, {"error": {"status": "UNAVAILABLE"}})).error == "UNAVAILABLE"
    )
    blocked = folded(generate_content, {"promptFeedback": {"blockReason": "SAFETY"}}, {"usageMetadata": USAGE})
    assert generate_content.response(blocked).finish_reasons == ["SAFETY"]


def parts_of(*pieces):
    (message,) = generate_content.answer(
        folded(generate_content, *({"candidates": [candidate(None, [piece])]} for piece in pieces))
    )
    return message["parts"]


def partial(path=None, more=True, name=None, identity=None, **value):
    call = {"partialArgs": [{"jsonPath": path, **value}]} if path else {}
    if name:
        call["name"] = name
    if identity:
        call["id"] = identity
    return {"functionCall": {**call, "willContinue": True} if more else call}


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        ([{"text": "h"}, {"text": "i"}], [HI]),
        (
            [{"text": "h", "thought": True}, {"text": "m", "thought": True}, {"text": "hi"}],
            [{"type": "reasoning", "content": "hm"}, HI],
        ),
        ([{"text": "hi"}, CALL, {"text": "hi"}], [HI, {"type": "tool_call", "name": "f", "arguments": {"x": 1}}, HI]),
        (
            [
                partial(name="f", identity="c"),
                partial("$.x", stringValue="a"),
                partial("$.x", more=False, stringValue="b"),
            ],
            [{"type": "tool_call", "name": "f", "arguments": {"x": "ab"}, "id": "c"}],
        ),
        (
            [
                partial("$.a[0].b", name="f", numberValue=1),
                partial("$.a[1]['c d']", boolValue=True),
                partial('$.e["f"]', nullValue="NULL_VALUE"),
                partial(more=False),
            ],
            [{"type": "tool_call", "name": "f", "arguments": {"a": [{"b": 1}, {"c d": True}], "e": {"f": None}}}],
        ),
        (
            [
                partial(name="f", identity="c"),
                partial(name="g", identity="d"),
                partial("$.x", identity="c", numberValue=1),
                partial("$.y", identity="d", more=False, numberValue=2),
                partial(identity="c", more=False),
            ],
            [
                {"type": "tool_call", "name": "f", "arguments": {"x": 1}, "id": "c"},
                {"type": "tool_call", "name": "g", "arguments": {"y": 2}, "id": "d"},
            ],
        ),
        ([partial("x", name="f", numberValue=1)], [{"type": "tool_call", "name": "f", "arguments": {}}]),
        ([partial("$.x", name="f", otherValue=1)], [{"type": "tool_call", "name": "f", "arguments": {}}]),
        (
            [
                {
                    "functionCall": {
                        "name": "f",
                        "partial_args": [{"json_path": "$.x", "number_value": 1}],
                        "will_continue": True,
                    }
                }
            ],
            [{"type": "tool_call", "name": "f", "arguments": {"x": 1}}],
        ),
        ([CALL, {"functionCall": {}}], [{"type": "tool_call", "name": "f", "arguments": {"x": 1}}]),
        (
            [partial("$.x[5000]", name="f", numberValue=1)],
            [{"type": "tool_call", "name": "f", "arguments": {"x": []}}],
        ),
    ],
)
def test_pieces(pieces, expected):
    assert parts_of(*pieces) == expected


def test_a_streamed_call_that_a_chat_sends_back_is_one():
    pieces = [partial(name="f", identity="c"), partial("$.x", numberValue=1), partial(more=False)]
    contents = [
        {"role": "user", "parts": [{"text": "hi"}]},
        *({"role": "model", "parts": [piece]} for piece in pieces),
        {"role": "user", "parts": [RESULT]},
        {"role": "model", "parts": [{"text": "hi"}]},
    ]
    assert [(one["role"], len(one["parts"])) for one in read_contents(contents)] == [
        ("user", 1),
        ("assistant", 1),
        ("tool", 1),
        ("assistant", 1),
    ]
    assert read_contents(contents)[1]["parts"] == [{"type": "tool_call", "name": "f", "arguments": {"x": 1}, "id": "c"}]


def test_count_of_tokens():
    assert count_tokens.response({"totalTokens": 0}) == Response(summary={"total_tokens": 0})
    assert count_tokens.response({}) == Response()
    assert count_tokens.answer({"totalTokens": 3}) == []


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"embedding": {"values": [1, 2, 3]}}, Response(summary={"embeddings": 1, "dimension": 3})),
        (
            {
                "embeddings": [{"values": [1, 2]}, {"values": [3, 4]}],
                "usageMetadata": {"promptTokenCount": 9, "totalTokenCount": 9},
            },
            Response(usage=Usage(input=9, total=9), summary={"embeddings": 2, "dimension": 2}),
        ),
        (
            {"predictions": [{"embeddings": {"values": [1], "statistics": {"token_count": 4}}}] * 2},
            Response(usage=Usage(input=8), summary={"embeddings": 2, "dimension": 1}),
        ),
        ({"predictions": [{"embeddings": {"values": [1]}}]}, Response(summary={"embeddings": 1, "dimension": 1})),
        ({"modelVersion": "m", "usageMetadata": {"candidatesTokenCount": 1}}, Response(model="m")),
        ({}, Response()),
    ],
)
def test_embeddings(data, expected):
    assert embeddings.response(data) == expected
    assert embeddings.answer(data) == []


def test_what_is_embedded():
    content = {"parts": [{"text": "hi"}]}
    said = {"role": "user", "parts": [HI]}
    assert embeddings.prompt({"requests": [{"content": content}, {"content": content}]}).messages == [said, said]
    assert embeddings.prompt({"content": content}).messages == [said]
    assert embeddings.prompt({"instances": [{"content": "hi"}, {"text": "hi"}]}).messages == [said, said]
    image = {"image": {"bytesBase64Encoded": "QUJD", "mimeType": "image/png"}}
    assert embeddings.prompt({"instances": [image]}).messages == [{"role": "user", "parts": [BLOB]}]
    assert embeddings.prompt({"instances": [{}]}).messages == [
        {"role": "user", "parts": [{"type": "text", "content": ""}]}
    ]


DRAWN = {"bytesBase64Encoded": "QUJD", "mimeType": "image/png"}


@pytest.mark.parametrize(
    ("data", "expected", "messages"),
    [
        ({"predictions": [DRAWN]}, Response(), [{"parts": [BLOB], "finish_reason": "stop"}]),
        (
            {"predictions": [DRAWN, {"raiFilteredReason": "why"}]},
            Response(finish_reasons=["stop", "content_filter"]),
            [
                {"parts": [BLOB], "finish_reason": "stop"},
                {"parts": [], "finish_reason": "content_filter", "finish_message": "why"},
            ],
        ),
        ({"name": "o"}, Response(id="o", summary={"operation": "o"}), []),
        ({"name": "o", "error": {"status": "S"}}, Response(id="o", summary={"operation": "o"}, error="S"), []),
        ({"error": {"code": 3}}, Response(error="3"), []),
        ({"error": {"message": "no"}}, Response(error="error"), []),
        (
            {"response": {"videos": [{"gcsUri": "gs://v", "mimeType": "video/mp4"}]}},
            Response(),
            [{"parts": [uri("gs://v", "video", "video/mp4")], "finish_reason": "stop"}],
        ),
        (
            {"response": {"generateVideoResponse": {"generatedSamples": [{"video": {"uri": "https://v"}}]}}},
            Response(),
            [{"parts": [uri("https://v", "video")], "finish_reason": "stop"}],
        ),
        (
            {"response": {"raiMediaFilteredCount": 2, "raiMediaFilteredReasons": ["why"]}},
            Response(finish_reasons=["content_filter", "content_filter"]),
            [
                {"parts": [], "finish_reason": "content_filter", "finish_message": "why"},
                {"parts": [], "finish_reason": "content_filter"},
            ],
        ),
    ],
)
def test_images_and_videos(data, expected, messages):
    assert images.response(data) == expected
    assert images.answer(data) == [{"role": "assistant", **message} for message in messages]


def test_what_is_drawn_from():
    body = {
        "instances": [
            {
                "prompt": "hi",
                "image": DRAWN,
                "video": {"gcsUri": "gs://v"},
                "referenceImages": [{"referenceImage": {"gcsUri": "gs://i", "mimeType": "image/jpeg"}}],
            }
        ]
    }
    assert images.prompt(body).messages == [
        {"role": "user", "parts": [HI, BLOB, uri("gs://v", "video"), uri("gs://i", "image", "image/jpeg")]}
    ]
    for field in ("bytesBase64Encoded", "encodedVideo", "data"):
        assert list(images.read_media({field: "QUJD", "encoding": "image/png"})) == [BLOB]
    for field in ("gcsUri", "uri", "fileUri"):
        assert list(images.read_media({field: "gs://i"})) == [uri("gs://i", "image")]
    deep = DRAWN
    for _ in range(7):
        deep = {"x": deep}
    assert len(list(images.read_media(deep))) == 1
    assert list(images.read_media({"x": deep})) == []


TEXT = {"type": "text", "text": "hi"}
STEP = {"type": "model_output", "content": [TEXT]}


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (
            {
                "id": "i",
                "model": "m",
                "status": "completed",
                "usage": {"total_input_tokens": 9, "total_output_tokens": 4},
            },
            {"id": "i", "model": "m", "finish_reasons": ["completed"], "status": "completed", "usage": Usage(9, 4)},
        ),
        ({"status": "in_progress"}, {"status": "in_progress", "complete": False}),
        ({"status": "queued"}, {"status": "queued", "complete": False}),
        ({}, {"complete": False}),
        ({"status": "requires_action"}, {"finish_reasons": ["requires_action"], "status": "completed"}),
        ({"status": "requires_continuation"}, {"finish_reasons": ["requires_continuation"], "status": "incomplete"}),
        ({"status": "budget_exceeded"}, {"finish_reasons": ["budget_exceeded"], "status": "incomplete"}),
        ({"status": "idle"}, {"finish_reasons": ["idle"], "status": "completed"}),
        ({"status": "failed"}, {"finish_reasons": ["failed"], "status": "failed", "error": "failed"}),
        (
            {"status": "failed", "error": {"status": "S"}},
            {"finish_reasons": ["failed"], "status": "failed", "error": "S"},
        ),
        (
            {"status": "failed", "errors": [{"code": "a"}, {"code": "https://x/errors/b/"}]},
            {"finish_reasons": ["failed"], "status": "failed", "error": "b"},
        ),
        (
            {"status": "failed", "error": {"code": 13}},
            {"finish_reasons": ["failed"], "status": "failed", "error": "13"},
        ),
        (
            {"status": "failed", "error": {"message": "no"}},
            {"finish_reasons": ["failed"], "status": "failed", "error": "error"},
        ),
        ({"status": "completed", "errors": [{"code": "a"}]}, {"finish_reasons": ["completed"], "status": "completed"}),
        ({"agent": "a"}, {"requested_model": "a", "complete": False, "attributes": {"gen_ai.agent.name": "a"}}),
    ],
)
def test_interaction(data, expected):
    assert interactions.response(data) == Response(**{"attributes": {"gen_ai.agent.name": None}, **expected})


@pytest.mark.parametrize(
    ("item", "role", "parts"),
    [
        ({"role": "user", "content": "hi"}, "user", [HI]),
        ({"role": "model", "content": [TEXT]}, "assistant", [HI]),
        ({"type": "user_input", "content": [TEXT]}, "user", [HI]),
        (STEP, "assistant", [HI]),
        (TEXT, "user", [HI]),
        (
            {"type": "thought", "summary": [{"type": "text", "text": "hm"}, {"text": ""}]},
            "assistant",
            [{"type": "reasoning", "content": "hm"}],
        ),
        (
            {"type": "function_call", "name": "f", "arguments": {"x": 1}, "id": "c"},
            "assistant",
            [{"type": "tool_call", "name": "f", "arguments": {"x": 1}, "id": "c"}],
        ),
        (
            {"type": "function_result", "name": "f", "result": 42, "call_id": "c"},
            "tool",
            [{"type": "tool_call_response", "name": "f", "response": 42, "id": "c"}],
        ),
        ({"type": "image", "data": "QUJD", "mime_type": "image/png"}, "user", [BLOB]),
        ({"type": "video", "uri": "gs://v"}, "user", [uri("gs://v", "video")]),
        ({"type": "audio", "uri": "gs://a"}, "user", [uri("gs://a", "audio")]),
        ({"type": "document", "uri": "gs://d"}, "user", [uri("gs://d", "document")]),
        (
            {"type": "google_search_call", "id": "c", "arguments": {}},
            "assistant",
            [
                {
                    "type": "server_tool_call",
                    "name": "google_search",
                    "server_tool_call": {"type": "google_search_call", "id": "c", "arguments": {}},
                    "id": "c",
                }
            ],
        ),
        (
            {"type": "google_search_result", "call_id": "c"},
            "user",
            [
                {
                    "type": "server_tool_call_response",
                    "server_tool_call_response": {"type": "google_search_result", "call_id": "c"},
                    "id": "c",
                }
            ],
        ),
        ({"type": "new", "x": 1}, "user", [{"type": "new", "x": 1}]),
    ],
)
def test_items_of_an_interaction(item, role, parts):
    assert interactions.prompt({"input": [item]}).messages == [{"role": role, "parts": parts}]


def test_prompt_and_answer_of_an_interaction():
    tools = [{"type": "function", "name": "f", "description": "d", "parameters": SCHEMA}, {"type": "google_search"}]
    assert interactions.prompt({"system_instruction": "s", "input": "hi", "tools": tools}) == (
        [{"type": "text", "content": "s"}],
        [{"role": "user", "parts": [HI]}],
        [
            {"type": "function", "name": "f", "description": "d", "parameters": SCHEMA},
            {"type": "google_search", "name": "google_search"},
        ],
    )
    assert interactions.prompt({"input": TEXT}).messages == [{"role": "user", "parts": [HI]}]
    turns = [TEXT, TEXT, STEP, {"type": "function_call", "name": "f"}]
    assert [(one["role"], len(one["parts"])) for one in interactions.prompt({"input": turns}).messages] == [
        ("user", 2),
        ("assistant", 2),
    ]
    steps = [{"type": "user_input", "content": "no"}, STEP, {"type": "text", "text": "hi"}]
    assert interactions.answer({"steps": steps}) == [{"role": "assistant", "parts": [HI, HI]}]
    assert interactions.answer({"outputs": [TEXT]}) == [{"role": "assistant", "parts": [HI]}]
    assert interactions.answer({}) == []


@pytest.mark.parametrize("metadata_alone", [False, True])
def test_figures_of_a_streamed_interaction(metadata_alone):
    data = folded(
        interactions,
        {"event_type": "interaction.created", "interaction": {"id": "i", "model": "m", "status": "in_progress"}},
        {
            "event_type": "step.stop",
            "index": 0,
            "metadata": {"total_usage": {"total_input_tokens": 9, "total_output_tokens": 1}},
        },
        {"event_type": "step.stop", "index": 0, "metadata": {"usage": {"total_output_tokens": 2}}},
        {"event_type": "interaction.status_update", "status": "requires_action"},
        {"event_type": "interaction.completed", "interaction": {"usage": {"total_output_tokens": 4}, "model": ""}},
        metadata_alone=metadata_alone,
    )
    found = interactions.response(data)
    assert (found.id, found.model, found.status, found.usage) == ("i", "m", "completed", Usage(9, 4))
    assert found.finish_reasons == ["requires_action"]


def test_an_error_of_a_streamed_interaction():
    data = folded(interactions, {"error": {"code": "c"}}, {"event_type": "other", "status": "completed"})
    assert interactions.response(data).error == "c"
    assert interactions.response(data).status is None


@pytest.mark.parametrize(
    ("chunks", "expected"),
    [
        (
            [
                {"index": 0, "step": {"type": "model_output"}},
                {"index": 0, "delta": {"type": "text", "text": "h"}},
                {"index": 0, "delta": {"type": "text", "text": "i"}},
            ],
            [HI],
        ),
        ([{"index": 0, "delta": {"type": "text", "text": "hi"}}], [HI]),
        (
            [
                {"index": 1, "delta": {"type": "text", "text": "hi"}},
                {"index": 0, "step": {"type": "thought"}},
                {"index": 0, "delta": {"type": "thought_summary", "content": {"text": "h"}}},
                {"index": 0, "delta": {"type": "thought_summary", "content": {"text": "m"}}},
            ],
            [{"type": "reasoning", "content": "hm"}, HI],
        ),
        (
            [
                {"index": 0, "step": {"type": "function_call", "name": "f", "id": "c"}},
                {"index": 0, "delta": {"type": "arguments_delta", "arguments": '{"x"'}},
                {"index": 0, "delta": {"type": "arguments_delta", "arguments": ":1}"}},
            ],
            [{"type": "tool_call", "name": "f", "arguments": {"x": 1}, "id": "c"}],
        ),
        (
            [{"index": 0, "delta": {"type": "function_call", "name": "f", "arguments": {"x": 1}, "id": "c"}}],
            [{"type": "tool_call", "name": "f", "arguments": {"x": 1}, "id": "c"}],
        ),
        (
            [
                {"index": 0, "delta": {"type": "text", "text": "hi"}},
                {"index": 0, "delta": {"type": "image", "data": "QUJD", "mime_type": "image/png"}},
            ],
            [HI, BLOB],
        ),
        ([{"delta": {"type": "text", "text": "hi"}}], None),
    ],
)
def test_steps_of_a_streamed_interaction(chunks, expected):
    messages = interactions.answer(folded(interactions, *chunks))
    assert messages == ([] if expected is None else [{"role": "assistant", "parts": expected}])
