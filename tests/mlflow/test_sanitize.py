"""Values that cost a whole request on a real MLflow server, made harmless; everything else stays as it is."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genspan.mlflow.sanitize import MAX_DEPTH, safe_attributes, safe_text, safe_value

HUGE = "9" * 5000


def short(value: object) -> str:
    return "int" if isinstance(value, int) else ascii(value)[:30]


def nested(depth: int, opening: str = '{"a":', closing: str = "}") -> str:
    return opening * depth + "1" + closing * depth


def depth_of(value: object) -> int:
    if isinstance(value, dict):
        return 1 + max((depth_of(member) for member in value.values()), default=0)
    if isinstance(value, list):
        return 1 + max((depth_of(member) for member in value), default=0)
    return 0


@pytest.mark.parametrize(
    "value",
    [
        "plain",
        "",
        "{not json",
        "[1, 2",
        '{"messages":[{"role":"user","content":"hi"}]}',
        '{"emoji":"\U0001f600"}',
        "9" * 4300,
        "C:\\udata \\ud83d is no JSON",
        nested(MAX_DEPTH),
        "[" * 3 + '"' + "[{" * 100 + '"' + "]" * 3,
        True,
        7,
        -(2**63),
        2**63 - 1,
        1.5,
        b"\xff",
        ("a", "b"),
        (1, 2),
    ],
    ids=short,
)
def test_harmless_values_stay(value):
    assert safe_value(value) == value


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ('{"a":"half \\ud83d"}', '{"a":"half \ufffd"}'),
        ('"\\uDE00"', '"\ufffd"'),
        ('{"a\\ud83d":1}', '{"a\ufffd":1}'),
        ('{"a":"\\ud83d\\ude00"}', '{"a":"\U0001f600"}'),
        ('{"a":"\\\\ud83d"}', '{"a":"\\\\ud83d"}'),
        ('{"a":"b\\u0000c"}', '{"a":"b\ufffdc"}'),
        ("a\0b", "a\ufffdb"),
        ("half \ud83d", "half \ufffd"),
        ("pair \ud83d\ude00", "pair \U0001f600"),
        ("[9223372036854775808]", '["9223372036854775808"]'),
        ("[-9223372036854775808,-9223372036854775809]", '[-9223372036854775808,"-9223372036854775809"]'),
        (f"[{HUGE}]", f'["{HUGE}"]'),
        (HUGE, f'"{HUGE}"'),
        (f" -{HUGE}x", f'" -{HUGE}x"'),
        (f"[{HUGE}", f'"[{HUGE}"'),
        ('{"a":NaN,"b":[-Infinity]}', '{"a":"NaN","b":["-Infinity"]}'),
        (float("nan"), "nan"),
        (float("inf"), "inf"),
        (2**63, str(2**63)),
        (2**20000, hex(2**20000)),
        (None, None),
        ((1, 2**63), (1, str(2**63))),
        (("a", "\ud83d"), ("a", "\ufffd")),
        (("a", None), '["a",null]'),
        ({"a": {"b": (1, b"\xff")}}, '{"a":{"b":[1,"\ufffd"]}}'),
        ({"a": 2**63, 5: object}, '{"a":"9223372036854775808","5":"<class \'object\'>"}'),
    ],
    ids=short,
)
def test_harmful_values_become_harmless(value, expected):
    assert safe_value(value) == expected


def test_one_float_too_large_for_json_stays_text():
    assert safe_value('{"a":1e999,"b":NaN}') == '{"a":"1e999","b":"NaN"}'


DEEP = [nested(31), nested(200), nested(40, "[", "]"), nested(20, '[{"a":', "}]")]


@pytest.mark.parametrize("value", DEEP, ids=short)
def test_deep_json_keeps_its_inner_part_as_text(value):
    safe = json.loads(safe_value(value))
    assert depth_of(safe) == MAX_DEPTH
    while not isinstance(safe, str):
        safe = safe["a"] if isinstance(safe, dict) else safe[0]
    json.loads(safe)


@pytest.mark.parametrize(
    "value", [nested(200_000), "[" * 5000, "  " + nested(200_000, "[", "]"), '{"a":' * 400], ids=short
)
def test_json_too_deep_for_any_python_arrives_as_text(value):
    assert json.loads(safe_value(value)) == value


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        ('{"input_tokens": 3, "output_tokens": 4, "total_tokens": 7}', (3, 4, 7)),
        ('{"input_tokens": 3, "output_tokens": 4}', (3, 4, 7)),
        ('{"input_tokens": 3.0, "output_tokens": 4, "total_tokens": null}', (3, 4, 7)),
        ('{"input_tokens": 3}', (3, None, 3)),
        ('{"input_tokens": "3", "output_tokens": {}, "total_tokens": 7.5, "x": null}', None),
        ('{"input_tokens": true, "output_tokens": NaN, "total_tokens": 9223372036854775808}', None),
        ("{}", None),
        ({"input_tokens": 1, "output_tokens": 2, "total_tokens": None}, (1, 2, 3)),
    ],
)
def test_token_usage_has_whole_numbers_only(usage, expected):
    safe = safe_attributes({"mlflow.chat.tokenUsage": usage})
    if expected is None:
        assert safe == {}
    else:
        token_usage = json.loads(safe["mlflow.chat.tokenUsage"])
        assert (
            token_usage.get("input_tokens"),
            token_usage.get("output_tokens"),
            token_usage["total_tokens"],
        ) == expected


def test_cache_figures_are_kept_and_unknown_ones_dropped():
    usage = '{"input_tokens":1,"output_tokens":2,"total_tokens":3,"cache_read_input_tokens":1,"other":4}'
    safe = json.loads(safe_attributes({"mlflow.chat.tokenUsage": usage})["mlflow.chat.tokenUsage"])
    assert safe == {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3, "cache_read_input_tokens": 1}


@pytest.mark.parametrize("usage", ["null", "", "not json", "[1]"])
def test_a_usage_that_says_count_my_children_stays(usage):
    assert safe_attributes({"mlflow.chat.tokenUsage": usage}) == {"mlflow.chat.tokenUsage": usage}


@pytest.mark.parametrize("cost", [1.5, "null", "", "free", "[1]", '{"total_cost": null}', '{"total_cost": "1"}', "{}"])
def test_an_unreadable_cost_is_left_out(cost):
    assert safe_attributes({"mlflow.llm.cost": cost}) == {}


def test_a_cost_gets_its_total():
    safe = safe_attributes({"mlflow.llm.cost": '{"input_cost": 0.25, "output_cost": 0.5, "note": null}'})
    assert json.loads(safe["mlflow.llm.cost"]) == {"input_cost": 0.25, "output_cost": 0.5, "total_cost": 0.75}


@pytest.mark.parametrize("key", ["mlflow.spanType", "gen_ai.operation.name"])
@pytest.mark.parametrize("value", [("TOOL",), '["TOOL"]', '{"a":1}', ' ["TOOL"]', 5, {"a": 1}])
def test_a_kind_that_is_no_word_is_left_out(key, value):
    assert safe_attributes({key: value, "other": 1}) == {"other": 1}


@pytest.mark.parametrize("key", ["session.id", "gen_ai.conversation.id"])
def test_long_session_ids_are_cut_and_stay_different(key):
    ids = [safe_attributes({key: "s" * 300 + ending})[key] for ending in ("a", "b", "a")]
    assert [len(value) for value in ids] == [250] * 3
    assert ids[0] == ids[2] != ids[1]
    assert safe_attributes({key: "s" * 250}) == {key: "s" * 250}
    assert len(safe_attributes({key: ["a" * 300]})[key]) == 250


def test_trace_names_and_tags():
    name = "mlflow.traceTag.mlflow.traceName"
    assert safe_attributes({name: "n" * 5000}) == {name: "n" * 4096}
    assert safe_attributes({"mlflow.traceTag.mlflow.trace.spansLocation": "x", "mlflow.traceTag.mine": "y"}) == {
        "mlflow.traceTag.mine": "y"
    }


ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=8)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(ANY_TEXT, inner, max_size=4),
    max_leaves=20,
)


@given(JSON, st.booleans())
def test_any_json_text_can_be_stored_and_read(value, escaped):
    safe = safe_value(json.dumps(value, ensure_ascii=escaped))
    assert isinstance(safe, str)
    safe.encode()
    if isinstance(value, dict | list):
        again = json.loads(safe, parse_constant=pytest.fail)
        json.dumps(again, ensure_ascii=False).encode()
        assert json.loads(safe_value(safe)) == again


@given(JSON)
def test_any_native_value_can_be_encoded(value):
    safe = safe_value(value)
    assert safe is None or isinstance(safe, str | bool | int | float | tuple)


@given(ANY_TEXT)
def test_any_text_can_be_encoded(text):
    assert "\0" not in safe_text(text)
    safe_text(text).encode()
