"""The registry: its structure, the conventions that it follows, and what is generated from it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator
from scripts.generate_semconv import REGISTRY as FOLDER
from scripts.generate_semconv import SEMCONV, drifted, load

from genspan_semconv import attributes as names

REGISTRY = load()

# The part of weaver's format (open-telemetry/weaver, schemas/semconv-syntax.md) that the registry uses.
LEVEL = {
    "anyOf": [
        {"enum": ["required", "recommended", "opt_in"]},
        {
            "type": "object",
            "minProperties": 1,
            "maxProperties": 1,
            "properties": {"conditionally_required": {"type": "string"}, "recommended": {"type": "string"}},
            "additionalProperties": False,
        },
    ]
}
STABILITY = {"enum": ["stable", "development"]}
MEMBER = {
    "type": "object",
    "required": ["id", "value", "brief", "stability"],
    "properties": {
        "id": {"type": "string", "pattern": "^[a-z_]+$"},
        "value": {"type": "string"},
        "brief": {"type": "string"},
        "stability": STABILITY,
    },
    "additionalProperties": False,
}
DEFINITION = {
    "type": "object",
    "required": ["id", "type", "brief", "stability"],
    "properties": {
        "id": {"type": "string", "pattern": r"^[a-zA-Z0-9_]+(\.[a-zA-Z0-9_]+)+$"},
        "type": {
            "anyOf": [
                {"enum": ["string", "int", "double", "boolean", "any", "string[]", "template[string]"]},
                {"type": "object", "required": ["members"], "properties": {"members": {"items": MEMBER}}},
            ]
        },
        "brief": {"type": "string", "pattern": r"\.$", "maxLength": 100},
        "note": {"type": "string"},
        "examples": {"type": "array", "minItems": 1},
        "stability": STABILITY,
        "annotations": {"type": "object"},
    },
    "additionalProperties": False,
}
REFERENCE = {
    "type": "object",
    "required": ["ref", "requirement_level"],
    "properties": {"ref": {"type": "string"}, "requirement_level": LEVEL, "annotations": {"type": "object"}},
    "additionalProperties": False,
}
GROUP = {
    "type": "object",
    "required": ["id", "type", "brief"],
    "anyOf": [{"required": ["attributes"]}, {"required": ["extends"]}],
    "properties": {
        "id": {"type": "string"},
        "type": {"enum": ["attribute_group", "span", "metric", "event"]},
        "brief": {"type": "string", "pattern": r"\.$"},
        "note": {"type": "string"},
        "display_name": {"type": "string"},
        "stability": STABILITY,
        "extends": {"type": "string"},
        "annotations": {"type": "object"},
        "attributes": {"type": "array", "items": {"anyOf": [DEFINITION, REFERENCE]}},
        "span_kind": {"enum": ["client", "internal"]},
        "metric_name": {"type": "string"},
        "instrument": {"enum": ["histogram", "counter"]},
        "unit": {"enum": ["s", "{token}", "{inference_call}", "{tool_call}"]},
        "name": {"type": "string"},
    },
    "additionalProperties": False,
    "allOf": [
        {"if": {"properties": {"type": {"const": kind}}}, "then": {"required": required}}
        for kind, required in {
            "span": ["stability", "span_kind", "note"],
            "metric": ["stability", "metric_name", "instrument", "unit", "note"],
            "event": ["stability", "name", "note"],
        }.items()
    ],
}


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.yaml")), ids=lambda path: path.name)
def test_files_have_weavers_structure(path):
    content = yaml.safe_load(path.read_text("utf-8"))
    if path.name == "registry_manifest.yaml":
        assert content.keys() == {"name", "description", "semconv_version", "schema_base_url"}
        return
    assert content.keys() == {"groups"}
    errors = [
        f"{group['id']}: {error.json_path} {error.message}"
        for group in content["groups"]
        for error in Draft202012Validator(GROUP).iter_errors(group)
    ]
    assert errors == []


def test_ids_are_unique_and_every_attribute_is_used():
    ids = [group["id"] for group in REGISTRY.groups]
    defined = [entry["id"] for group in REGISTRY.groups for entry in group.get("attributes", ()) if "id" in entry]
    signals = [*REGISTRY.spans.values(), *REGISTRY.metrics.values(), *REGISTRY.events.values()]
    used = {name for signal in signals for name in signal.attributes}
    assert len(ids) == len(set(ids))
    assert len(defined) == len(set(defined))
    assert set(defined) == used


@pytest.mark.parametrize("attribute", REGISTRY.attributes.values(), ids=lambda attribute: attribute.name)
def test_examples_fit_the_type(attribute):
    if attribute.type in ("boolean", "enum"):
        return
    assert attribute.examples
    if attribute.type == "string[]":
        assert all(isinstance(item, str) for example in attribute.examples for item in example)
    elif attribute.type in ("int", "double"):
        assert all(type(example) is {"int": int, "double": float}[attribute.type] for example in attribute.examples)
    else:
        assert all(isinstance(example, str) for example in attribute.examples)
    schema = attribute.rules.get("json_schema")
    if schema:
        validator = Draft202012Validator(json.loads((SEMCONV / "schemas" / f"{schema}.json").read_text("utf-8")))
        assert [error.message for text in attribute.examples for error in validator.iter_errors(json.loads(text))] == []


# The entries of OpenTelemetry's GenAI conventions that the registry has too, as of November 2026.
CONVENTIONS = json.loads((Path(__file__).parents[1] / "support/conventions.json").read_text("utf-8"))
# What nothing emits there: what stands on the model calls inside, and a stack trace, which holds the program's data.
LEFT_OUT = {
    "gen_ai.invoke_agent.client": {"gen_ai.agent.name"},
    "gen_ai.invoke_agent.internal": {
        "gen_ai.output.type",
        "gen_ai.provider.name",
        "gen_ai.request.choice.count",
        "gen_ai.request.frequency_penalty",
        "gen_ai.request.max_tokens",
        "gen_ai.request.model",
        "gen_ai.request.presence_penalty",
        "gen_ai.request.seed",
        "gen_ai.request.stop_sequences",
        "gen_ai.request.temperature",
        "gen_ai.request.top_p",
        "gen_ai.response.finish_reasons",
        "gen_ai.usage.input_tokens",
        "gen_ai.usage.output_tokens",
    },
    "gen_ai.client.operation.exception": {"exception.stacktrace"},
}


def test_types_and_enums_are_the_conventions():
    assert {name: REGISTRY.attributes[name].type for name in CONVENTIONS["types"]} == CONVENTIONS["types"]
    # gen_ai.token.type is the only name of theirs that they have given up.
    ours = {name for name in REGISTRY.attributes if name.startswith(("gen_ai.", "openai."))}
    assert ours - CONVENTIONS["types"].keys() == {"gen_ai.token.type"}
    for name in ("gen_ai.output.type", "gen_ai.provider.name", "gen_ai.response.status", "gen_ai.token.modality"):
        ours = REGISTRY.attributes[name].members  # those that are emitted (test_emitted.py)
        more = ours.keys() - set(CONVENTIONS["enums"][name])
        assert all("genspan's own value" in ours[value]["brief"] for value in more)


@pytest.mark.parametrize("kind", ["spans", "metrics", "events"])
def test_signals_have_the_conventions_attributes_and_levels(kind):
    for name, theirs in CONVENTIONS[kind].items():
        ours = getattr(REGISTRY, kind)[name].attributes
        expected = {key: level for key, level in theirs["attributes"].items() if key not in LEFT_OUT.get(name, ())}
        found = {key: ours[key].level if key in ours else "absent" for key in expected}
        # Ours may ask for more: the type of an exception is always known.
        assert {key: level for key, level in found.items() if level not in (expected[key], "required")} == {}


def test_kinds_units_and_buckets_are_the_conventions():
    for name, span in CONVENTIONS["spans"].items():
        assert REGISTRY.spans[name].spec["span_kind"] == span["kind"]
    for name, metric in CONVENTIONS["metrics"].items():
        ours = REGISTRY.metrics[name]
        assert (ours.spec["instrument"], ours.spec["unit"]) == (metric["instrument"], metric["unit"])
        assert metric["buckets"] in (ours.rules.get("buckets"), None)  # for counts of calls they have none


def test_generated_files_are_what_the_registry_says():
    assert drifted() == [], "run scripts/generate_semconv.py"


def test_every_name_is_a_constant():
    constants = {value for name, value in vars(names).items() if name.isupper() and isinstance(value, str)}
    signals = REGISTRY.attributes.keys() | REGISTRY.metrics.keys() | REGISTRY.events.keys()
    assert constants == signals
    assert names.MLFLOW_CHAT_TOKEN_USAGE == "mlflow.chat.tokenUsage"
    assert names.MLFLOW_TRACE_TAG_MLFLOW_TRACE_NAME == "mlflow.traceTag.mlflow.traceName"
    assert names.GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS == "gen_ai.usage.cache_read.input_tokens"
