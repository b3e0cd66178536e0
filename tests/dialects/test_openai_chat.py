"""Chat completions of OpenAI and of servers that speak them."""

from __future__ import annotations

import pytest

from genspan.dialects import openai_chat, openai_embeddings
from genspan.dialects.errors import error_code, reported_error
from genspan.dialects.openai_params import read
from genspan_semconv.model import Response, Usage

USAGE = {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13}
HI = {"type": "text", "content": "hi"}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"temperature": 0}, {"temperature": 0.0}),
        ({"top_p": 0.5}, {"top_p": 0.5}),
        ({"top_k": 5}, {"top_k": 5}),
        ({"max_completion_tokens": 7}, {"max_tokens": 7}),
        ({"max_tokens": 7}, {"max_tokens": 7}),
        ({"max_output_tokens": 7}, {"max_tokens": 7}),
        ({"max_completion_tokens": None, "max_tokens": 7}, {"max_tokens": 7}),
        ({"max_completion_tokens": 8, "max_tokens": 7}, {"max_tokens": 8}),
        ({"stop": "x"}, {"stop_sequences": ["x"]}),
        ({"stop": ["x", "y"]}, {"stop_sequences": ["x", "y"]}),
        ({"stop": []}, {}),
        ({"seed": 0}, {"seed": 0}),
        ({"random_seed": 3}, {"seed": 3}),
        ({"frequency_penalty": 0.5}, {"frequency_penalty": 0.5}),
        ({"presence_penalty": -0.5}, {"presence_penalty": -0.5}),
        ({"n": 1}, {}),
        ({"n": 2}, {"choice_count": 2}),
        ({"reasoning_effort": "low"}, {"reasoning_level": "low"}),
        ({"reasoning": {"effort": "high"}}, {"reasoning_level": "high"}),
        ({"reasoning": {}}, {}),
        ({"modalities": ["text", "audio"]}, {"output_type": "speech"}),
        ({"modalities": ["text"]}, {}),
        ({"output_modalities": ["audio"]}, {"output_type": "speech"}),
        ({"response_format": {"type": "json_schema"}}, {"output_type": "json"}),
        ({"response_format": {"type": "json_object"}}, {"output_type": "json"}),
        ({"response_format": {"type": "text"}}, {"output_type": "text"}),
        ({"response_format": "b64_json"}, {}),
        ({"text": {"format": {"type": "json_schema"}}}, {"output_type": "json"}),
        ({"previous_response_id": "r"}, {"previous_response_id": "r"}),
        ({"conversation": "c"}, {"conversation_id": "c"}),
        ({"conversation": {"id": "c"}}, {"conversation_id": "c"}),
        ({"prompt": {"id": "p", "version": "2"}}, {"prompt_name": "p", "prompt_version": "2"}),
        ({"prompt": "words"}, {}),
        ({"dimensions": 64}, {"dimension_count": 64}),
        ({"encoding_format": "base64"}, {"encoding_formats": ["base64"]}),
        ({"encoding_format": []}, {}),
        ({"temperature": "hot", "top_k": 1.5, "seed": True}, {}),
    ],
)
def test_params(body, expected):
    assert read(body) == expected
    assert openai_chat.params(body) == expected
    assert openai_embeddings.params(body) == expected


CHOICE = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "hi"}}


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (
            {"id": "r", "model": "m", "choices": [CHOICE], "usage": USAGE},
            Response("r", "m", finish_reasons=["stop"], usage=Usage(9, 4, 13), complete=True, final=True),
        ),
        ({"choices": [CHOICE]}, Response(finish_reasons=["stop"], complete=True)),
        (
            {"choices": [CHOICE, {"finish_reason": "length"}]},
            Response(finish_reasons=["stop", "length"], complete=True),
        ),
        ({"choices": [CHOICE, {}]}, Response(finish_reasons=["stop"], complete=False)),
        ({"usage": USAGE}, Response(usage=Usage(9, 4, 13), complete=False)),
        (
            {"choices": [{"finish_reason": "error"}]},
            Response(finish_reasons=["error"], complete=False, error="error"),
        ),
        (
            {"choices": [CHOICE], "usage": USAGE, "error": {"code": "overloaded"}},
            Response(finish_reasons=["stop"], usage=Usage(9, 4, 13), complete=False, error="overloaded"),
        ),
        ({}, Response(complete=False)),
    ],
)
def test_response(data, expected):
    assert openai_chat.response(data) == expected


def test_prompt():
    tool = {"type": "function", "function": {"name": "f"}}
    body = {"messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "hi"}], "tools": [tool]}
    assert openai_chat.prompt({**body, "functions": [{"name": "g"}]}) == (
        [],
        [
            {"role": "system", "parts": [{"type": "text", "content": "s"}]},
            {"role": "user", "parts": [HI]},
        ],
        [{"type": "function", "name": "f"}, {"type": "function", "name": "g"}],
    )
    assert openai_chat.prompt({}) == ([], [], [])


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"choices": [CHOICE]}, [{"role": "assistant", "parts": [HI], "finish_reason": "stop"}]),
        (
            {"choices": [CHOICE, {"finish_reason": "length", "message": {"content": "ho"}}]},
            [
                {"role": "assistant", "parts": [HI], "finish_reason": "stop"},
                {"role": "assistant", "parts": [{"type": "text", "content": "ho"}], "finish_reason": "length"},
            ],
        ),
        (
            {"choices": [{"finish_reason": "tool_calls", "message": {"role": None}}]},
            [{"role": "assistant", "parts": [], "finish_reason": "tool_call"}],
        ),
        (
            {"choices": [{"finish_reason": "function_call"}]},
            [{"role": "assistant", "parts": [], "finish_reason": "tool_call"}],
        ),
        ({"choices": [{"message": {"content": ""}}]}, []),
        ({"choices": [{"text": "hi"}]}, [{"role": "assistant", "parts": [HI]}]),
        ({"choices": [{"delta": {"content": "hi"}}]}, [{"role": "assistant", "parts": [HI]}]),
        (
            {"choices": [CHOICE, CHOICE], "citations": ["u"]},
            [
                {"role": "assistant", "parts": [{**HI, "citations": ["u"]}], "finish_reason": "stop"},
                {"role": "assistant", "parts": [HI], "finish_reason": "stop"},
            ],
        ),
        ({"citations": ["u"]}, []),
        ({}, []),
    ],
)
def test_answer(data, expected):
    assert openai_chat.answer(data) == expected


@pytest.mark.parametrize(
    ("data", "code"),
    [
        ({"error": {"code": "c", "type": "t"}}, "c"),
        ({"error": {"code": None, "type": "t"}}, "t"),
        ({"error": {"message": "no"}}, "error"),
        ({"error": "overloaded"}, "overloaded"),
        ({"error": "Your words"}, "error"),
        ({"error": {"code": 429}}, "429"),
        ({"error": {"status": "UNAVAILABLE"}}, "UNAVAILABLE"),
        ({"error": {"error_code": "e"}}, "e"),
        ({"x_groq": {"error": "g"}}, "g"),
        ({"choices": [{"error": {"code": 502}}]}, "502"),
        ({"object": "error", "message": "no", "code": 404}, "404"),
        ({"type": "error", "message": "no"}, "error"),
        ({"detail": "Not found"}, "error"),
        ({"code": 1001, "msg": "no"}, "1001"),
        ({"code": "InvalidKey", "message": "no"}, "InvalidKey"),
        ({"error_code": 17, "error_msg": "no"}, "17"),
        ({"errors": [{"code": 7003, "message": "no"}], "success": False}, "7003"),
        ({"base_resp": {"status_code": 1004, "status_msg": "no"}}, "1004"),
        ({"base_resp": {"status_code": 0, "status_msg": "success"}}, None),
        ({"code": 200, "message": "ok"}, None),
        ({"code": "success", "message": "done"}, None),
        ({"message": {"content": "hi"}}, None),
        ({"message": "hi", "choices": [{}]}, None),
        ({"message": "hi", "usage": {"prompt_tokens": 1}}, None),
        ({"error": None, "choices": [{"error": None}]}, None),
        ({}, None),
    ],
)
def test_errors_in_the_place_of_an_answer(data, code):
    assert error_code(reported_error(data)) == code
