"""What servers that speak OpenAI's API really send: usage and errors, plain and streamed."""

from __future__ import annotations

import json

import pytest

from tests.openai.compatible import HEAD, ask, delta, frames, parts, plain, token_counts, usage_chunk
from tests.support import verdict

__all__ = ["ask"]

pytestmark = pytest.mark.filterwarnings("ignore:Pydantic serializer warnings:UserWarning")

# Usage: input, output, read from a cache, written to a cache, reasoning

_DETAILS = {"prompt_tokens_details": {"cached_tokens": 0}}
USAGES = {
    "reasoning beside the output, in the total alone": (
        {"prompt_tokens": 32, "completion_tokens": 9, "total_tokens": 135}
        | {"completion_tokens_details": {"reasoning_tokens": 94}},
        (32, 103, None, None, 94),
    ),
    "reasoning inside the output": (
        {"prompt_tokens": 32, "completion_tokens": 9, "total_tokens": 41}
        | {"completion_tokens_details": {"reasoning_tokens": 4}},
        (32, 9, None, None, 4),
    ),
    "reasoning beside the output, without a total": (
        {"prompt_tokens": 32, "completion_tokens": 9, "completion_tokens_details": {"reasoning_tokens": 94}},
        (32, 103, None, None, 94),
    ),
    "reasoning at the top": (
        {"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12, "reasoning_tokens": 3},
        (5, 7, None, None, 3),
    ),
    "caches beside the input, in the total alone": (
        {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 1415}
        | {"cache_read_input_tokens": 500, "cache_creation_input_tokens": 900},
        (1410, 5, 500, 900, None),
    ),
    "caches and reasoning beside, in the total alone": (
        {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 65, "cached_tokens": 20, "reasoning_tokens": 30},
        (30, 35, 20, None, 30),
    ),
    "hits and misses of a cache": (
        {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
        | {"prompt_cache_hit_tokens": 8, "prompt_cache_miss_tokens": 2},
        (10, 5, 8, None, None),
    ),
    "cached at the top": (
        {"prompt_tokens": 19, "completion_tokens": 21, "total_tokens": 40, "cached_tokens": 8},
        (19, 21, 8, None, None),
    ),
    "num_cached_tokens": (
        {"prompt_tokens": 19, "completion_tokens": 21, "total_tokens": 40, "num_cached_tokens": 8},
        (19, 21, 8, None, None),
    ),
    "Anthropic's names inside the details": (
        {"prompt_tokens": 1500, "completion_tokens": 20, "total_tokens": 1520}
        | {"prompt_tokens_details": {"cached_tokens": 0, "cache_creation_input_tokens": 1400}},
        (1500, 20, 0, 1400, None),
    ),
    "writes by lifetime alone": (
        {"prompt_tokens": 1500, "completion_tokens": 20, "total_tokens": 1520}
        | {"prompt_tokens_details": {"cache_creation": {"ephemeral_5m_input_tokens": 1400}}},
        (1500, 20, None, 1400, None),
    ),
    "Anthropic's names at the top, beside zeros in OpenAI's": (
        {"prompt_tokens": 1500, "completion_tokens": 20, "total_tokens": 1520, **_DETAILS}
        | {"cache_creation_input_tokens": 900, "cache_read_input_tokens": 500},
        (1500, 20, 500, 900, None),
    ),
    "input_tokens and output_tokens": ({"input_tokens": 4, "output_tokens": 6}, (4, 6, None, None, None)),
    "both spellings, one of them zero": (
        {"input_tokens": 0, "output_tokens": 0, "prompt_tokens": 4, "completion_tokens": 6, "total_tokens": 10},
        (4, 6, None, None, None),
    ),
    "output alone": ({"completion_tokens": 25}, (None, 25, None, None, None)),
    "output in the total alone": ({"prompt_tokens": 4, "total_tokens": 10}, (4, 6, None, None, None)),
    "details that are null": (
        {"prompt_tokens": 4, "completion_tokens": 6, "total_tokens": 10, "prompt_tokens_details": None},
        (4, 6, None, None, None),
    ),
    "times and prices": (
        {"prompt_tokens": 4, "completion_tokens": 6, "total_tokens": 10, "queue_time": 0.1, "cost": 0.2},
        (4, 6, None, None, None),
    ),
}
_NAMES = ("input", "output", "cache_read.input", "cache_write.input", "reasoning.output")


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
@pytest.mark.parametrize("name", USAGES)
def test_usage_in_other_spellings(ask, name, stream):
    usage, right = USAGES[name]
    span = ask(
        frames(delta("stop", content="ok"), usage_chunk(usage)) if stream else {"body": plain(usage=usage)}, stream
    )
    assert token_counts(span, *_NAMES) == right
    token_usage = json.loads(span.attributes["mlflow.chat.tokenUsage"])
    assert token_usage.get("cache_creation_input_tokens") == right[3]
    assert token_usage["total_tokens"] == (right[0] or 0) + (right[1] or 0)
    total = usage.get("total_tokens")
    assert span.attributes.get("genspan.usage.total_tokens") == (
        None if total == sum(x or 0 for x in right[:2]) else total
    )


SPENT = {"prompt_tokens": 19, "completion_tokens": 21, "total_tokens": 40, "cached_tokens": 8}
PLACES = {
    "x_groq": {"x_groq": {"id": "req_1", "usage": SPENT}, "usage": None},
    "choice": {"choices": [{"index": 0, "message": {"content": "ok"}, "finish_reason": "stop", "usage": SPENT}]},
    "two choices": {
        "choices": [
            {
                "index": 0,
                "message": {"content": "a"},
                "finish_reason": "stop",
                "usage": {**SPENT, "completion_tokens": 20},
            },
            {
                "index": 1,
                "message": {"content": "b"},
                "finish_reason": "stop",
                "usage": {**SPENT, "completion_tokens": 1},
            },
        ]
    },
    "the top": {"prompt_eval_count": 19, "eval_count": 21, "cached_tokens": 8},
    "timings": {"timings": {"cache_n": 8, "prompt_n": 11, "predicted_n": 21, "predicted_ms": 5.0}},
}


@pytest.mark.parametrize("mode", ["sync", "async"])
@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
@pytest.mark.parametrize("place", PLACES)
def test_usage_in_other_places(ask, place, stream, mode):
    if place == "the top" and stream:
        pytest.skip("no server of OpenAI's form streams it there")
    more = PLACES[place]
    if stream:
        choices = [{**one, "delta": one["message"]} for one in more.get("choices", [])]
        last = {**delta("stop"), **more, **({"choices": choices} if choices else {})}
        span = ask(frames(delta(content="ok"), last), True, mode)
    else:
        span = ask({"body": {**plain(), **more}}, False, mode)
    assert token_counts(span, "input", "output", "cache_read.input") == (19, 21, 8)


LATER = {
    "null": {"usage": None},
    "empty": {"usage": {}},
    "zeros": {"usage": {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}},
    "nulls": {"usage": {"prompt_tokens": None, "completion_tokens": None, "prompt_tokens_details": None}},
    "other numbers": {"usage": {"cost": 0.1}},
    "in another place": {"usage": None, "x_groq": {"usage": {"queue_time": 0.1}}},
}


@pytest.mark.parametrize("later", LATER)
def test_later_chunk_erases_no_usage(ask, later):
    usage = {
        "prompt_tokens": 9,
        "completion_tokens": 4,
        "total_tokens": 13,
        "prompt_tokens_details": {"cached_tokens": 2},
    }
    span = ask(frames({**delta(content="ok"), "usage": usage}, {**delta("stop"), **LATER[later]}), True)
    assert token_counts(span, "input", "output", "cache_read.input") == (9, 4, 2)


def test_cumulative_usage_of_a_stream_is_its_last(ask):
    chunks = [
        {**delta(content="a"), "usage": {"prompt_tokens": 9, "completion_tokens": n, "total_tokens": 9 + n}}
        for n in (1, 2)
    ]
    span = ask(
        frames(*chunks, {**delta("stop"), "usage": {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12}}),
        True,
    )
    assert token_counts(span, "input", "output") == (9, 3)


# Errors

ERRORS = {
    "object": ({"object": "error", "message": "out of memory", "type": "InternalServerError", "code": 500}, "500"),
    "object without code": ({"object": "error", "message": "x", "type": "BadRequestError"}, "BadRequestError"),
    "code and msg": ({"code": 1305, "msg": "too busy"}, "1305"),
    "code and message": ({"code": "InvalidParameter", "message": "bad", "request_id": "r"}, "InvalidParameter"),
    "code and details": ({"code": 400, "details": "too many logprobs"}, "400"),
    "detail": ({"detail": "Not Found"}, "error"),
    "detail as a list": ({"detail": [{"loc": ["body"], "msg": "field required", "type": "missing"}]}, "error"),
    "error_code": ({"error_code": 110, "error_msg": "Access token invalid"}, "110"),
    "status": ({"status": "449", "msg": "rate limit", "body": None}, "449"),
    "errors": ({"success": False, "errors": [{"code": 7003, "message": "no route"}]}, "7003"),
    "base_resp": ({**HEAD, "choices": None, "base_resp": {"status_code": 1004, "status_msg": "login fail"}}, "1004"),
    "x_groq": ({**HEAD, "choices": [], "x_groq": {"id": "r", "error": "over_capacity"}}, "over_capacity"),
    "prose": ({"object": "error", "message": "Something went wrong", "type": "not a word"}, "error"),
}  # fmt: skip


@pytest.mark.parametrize("mode", ["sync", "async"])
@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
@pytest.mark.parametrize("name", ERRORS)
def test_error_in_place_of_an_answer(ask, name, stream, mode):
    error, code = ERRORS[name]
    span = ask(frames(delta(content="He"), b"event: error\n", error) if stream else {"body": error}, stream, mode)
    assert verdict.failed(span) == code
    assert verdict.ended(span) == ("failed" if stream else None)


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
@pytest.mark.parametrize(
    "error", [{"code": 502, "message": "Upstream idle timeout"}, None], ids=["error", "reason alone"]
)
def test_error_inside_a_choice(ask, error, stream):
    more = {"error": error} if error else {}
    choice = {"index": 0, "finish_reason": "error", **more}
    usage = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
    if stream:
        span = ask(frames(delta(content="He"), {**HEAD, "choices": [{**choice, "delta": {}}], "usage": usage}), True)
    else:
        body = {**HEAD, "choices": [{**choice, "message": {"role": "assistant", "content": "He"}}], "usage": usage}
        span = ask({"body": body})
    assert verdict.failed(span) == ("502" if error else "error")
    assert token_counts(span, "input", "output") == (3, 2)
    assert parts(span) == [{"type": "text", "content": "He"}]


NO_ERRORS = {
    "a code of success": {**plain(), "code": 0, "msg": "ok"},
    "no error": {**plain(), "error": None, "base_resp": {"status_code": 0, "status_msg": ""}},
    "an answer with a message": {**plain(), "message": "served by fallback"},
}


@pytest.mark.parametrize("name", NO_ERRORS)
def test_what_is_no_error(ask, name):
    assert verdict.failed(ask({"body": NO_ERRORS[name]})) is None
