"""Compare exported telemetry with the registry: each function returns what is wrong, in words, or an empty list.

`violations` takes a span as the SDK's exporters get it, or a dict with `name`, `kind` ("CLIENT"), `status` ("UNSET")
and `attributes`; `event_violations` a log record of the SDK, or a dict with `event_name` and `attributes`;
`metric_violations` a metric of the SDK's readers.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match
from scripts.generate_semconv import SEMCONV, Attribute, Signal, load

if TYPE_CHECKING:
    from collections.abc import Iterator

REGISTRY = load()

_TYPES = {"string": str, "enum": str, "int": int, "double": float, "boolean": bool}
_USAGE = "gen_ai.usage."


class _Span(NamedTuple):
    name: str
    kind: str
    status: str
    attributes: Mapping[str, Any]
    events: list[tuple[str, Mapping[str, Any]]]


def violations(span: object) -> list[str]:
    """What of a span is not as the registry says."""
    return list(_span(_read_span(span)))


def event_violations(record: object) -> list[str]:
    """What of an event is not as the registry says; content must be a structure, not JSON text."""
    return list(_event(record))


def metric_violations(metric: object) -> list[str]:
    """What of a metric is not as the registry says, its data points included."""
    return list(_metric(metric))


def _read_span(span: Any) -> _Span:
    if isinstance(span, Mapping):
        status = span.get("status", "UNSET")
        status = status.get("status_code", "UNSET") if isinstance(status, Mapping) else status
        events = [(event["name"], event.get("attributes") or {}) for event in span.get("events", ())]
        return _Span(span["name"], _word(span["kind"]), _word(status), span["attributes"], events)
    events = [(event.name, event.attributes or {}) for event in span.events]
    return _Span(span.name, _word(span.kind), _word(span.status.status_code), span.attributes or {}, events)


def _word(value: Any) -> str:
    """CLIENT for SpanKind.CLIENT, "SpanKind.CLIENT" and "client"."""
    return str(getattr(value, "name", value)).rpartition(".")[2].upper()


def _span(span: _Span) -> Iterator[str]:
    operation = span.attributes.get("gen_ai.operation.name")
    types = [one for one in REGISTRY.spans.values() if operation in one.rules["operations"]]
    if not types:
        yield f"no span type has gen_ai.operation.name {operation!r}"
        return
    fitting = [one for one in types if one.spec["span_kind"].upper() == span.kind]
    if not fitting:
        yield f"kind is {span.kind}, not {' or '.join(one.spec['span_kind'].upper() for one in types)}"
    declared = (fitting or types)[0]
    yield from _attributes(span.attributes, declared)
    yield from _name(span, declared)
    yield from _status(span)
    yield from _figures(span.attributes)
    yield from _span_events(span)


def _name(span: _Span, declared: Signal) -> Iterator[str]:
    pattern, attributes = declared.rules["name"], span.attributes
    keys = re.findall(r"{(.+?)}", pattern)
    missing = [key for key in keys if key not in attributes]
    if "gen_ai.request.model" in missing and "gen_ai.conversation.id" not in attributes:
        yield "gen_ai.request.model is missing"  # which a conversation that goes on has from its first request
    expected = attributes["gen_ai.operation.name"]
    if not missing:
        expected = re.sub(r"{(.+?)}", lambda match: str(attributes[match[1]]), pattern)
    if span.name != expected:
        yield f"name is {span.name!r}, not {expected!r}"


def _status(span: _Span) -> Iterator[str]:
    if span.status not in ("UNSET", "ERROR"):
        yield f"status is {span.status}, which instrumentations leave to the application"
    elif (span.status == "ERROR") != ("error.type" in span.attributes):
        yield f"status is {span.status} with error.type {span.attributes.get('error.type')!r}"


def _span_events(span: _Span) -> Iterator[str]:
    """An exception is the only event of a span; it has the attributes of the log record."""
    for name, attributes in span.events:
        if name != "exception" or span.status != "ERROR":
            yield f"span event {name!r} on a span of status {span.status}"
        else:
            yield from _attributes(attributes, REGISTRY.events["gen_ai.client.operation.exception"])


def _attributes(attributes: Mapping[str, Any], declared: Signal, structured: bool = False) -> Iterator[str]:
    """Names, types, values, content, and what must be there; `structured` where content is not JSON text."""
    for name, value in attributes.items():
        attribute = _lookup(name, declared.attributes)
        if attribute is not None:
            yield from _value(name, value, attribute, structured)
        elif _lookup(name, REGISTRY.attributes):
            yield f"{name} does not belong on {declared.name}"
        else:
            yield f"{name} is not in the registry"
    for attribute in declared.attributes.values():
        if attribute.name not in attributes and _due(attribute, attributes):
            yield f"{attribute.name} is missing"


def _lookup(name: str, attributes: Mapping[str, Attribute]) -> Attribute | None:
    if name in attributes and not attributes[name].is_template:
        return attributes[name]
    return next((a for a in attributes.values() if a.is_template and name.startswith(a.name + ".")), None)


def _due(attribute: Attribute, attributes: Mapping[str, Any]) -> bool:
    """Whether it must be there: required, or under a condition that the other attributes tell."""
    if attribute.name == "server.port":
        return "server.address" in attributes
    if attribute.name == "genspan.response.end":
        return "genspan.response.partial" in attributes
    return attribute.level == "required"


def _value(name: str, value: Any, attribute: Attribute, structured: bool) -> Iterator[str]:
    kind, rules = attribute.value_type, attribute.rules
    if kind == "any":
        yield from _content(name, value, rules.get("json_schema"), structured)
    elif not _is(value, kind):
        yield f"{name} is {value!r}, not of type {kind}"
    elif attribute.members and value not in attribute.members:
        yield f"{name} is {value!r}, which is no value of it"
    elif "values" in rules and value not in rules["values"]:
        yield f"{name} is {value!r}, not {' or '.join(rules['values'])}"
    elif "only_true" in rules and value is not True:
        yield f"{name} is {value!r}; it is true or absent"
    elif "pattern" in rules and not re.search(rules["pattern"], value):
        yield f"{name} is {value!r}, which does not match {rules['pattern']}"
    elif "max_length" in rules and len(value) > rules["max_length"]:
        yield f"{name} has {len(value)} characters, more than {rules['max_length']}"
    elif kind == "string" and "json_schema" in rules:
        yield from _content(name, value, rules["json_schema"], structured=False)


def _is(value: Any, kind: str) -> bool:
    if kind.endswith("[]"):
        return isinstance(value, (list, tuple)) and all(_is(item, kind[:-2]) for item in value)
    return type(value) is _TYPES[kind]


def _content(name: str, value: Any, schema: str | None, structured: bool) -> Iterator[str]:
    if structured:
        value = _plain(value)
        if isinstance(value, str):
            yield f"{name} is text; on an event it is a structure"
            return
    else:
        try:
            value = json.loads(value, parse_constant=_not_json)
            json.dumps(value, ensure_ascii=False).encode()
        except (TypeError, ValueError) as error:
            yield f"{name} is not JSON text: {error}"
            return
    error = best_match(_validator(schema).iter_errors(value)) if schema else None
    if error:
        yield f"{name} at {error.json_path} does not fit {schema}: {error.message[:200]}"


def _not_json(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


def _plain(value: Any) -> Any:
    """Lists and dicts for the tuples and mappings that the SDK keeps."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, (list, tuple)) else value


@cache
def _validator(name: str) -> Draft202012Validator:
    schema = json.loads((SEMCONV / "schemas" / f"{name}.json").read_text("utf-8"))
    defs = schema.get("$defs", {})
    known = [part["properties"]["type"]["const"] for part in defs.values() if "const" in _type_of(part)]
    for generic in ("GenericPart", "GenericToolDefinition"):
        # As published, a text part without text passes as a part of unknown kind.
        if generic in defs:
            defs[generic]["properties"]["type"] = {"type": "string", "not": {"enum": known}}
    return Draft202012Validator(schema)


def _type_of(part: Mapping[str, Any]) -> Mapping[str, Any]:
    return part.get("properties", {}).get("type", {})


def _figures(attributes: Mapping[str, Any]) -> Iterator[str]:
    """Figures that contradict each other."""
    usage = {name[len(_USAGE) :]: n for name, n in attributes.items() if name.startswith(_USAGE) and type(n) is int}
    for name, value in usage.items():
        whole = usage.get(name.rpartition(".")[2])
        if whole is not None and value > whole:
            yield f"{_USAGE}{name} is {value}, more than the whole of {whole}"
    total = usage.get("input_tokens", 0) + usage.get("output_tokens", 0)
    if attributes.get("genspan.usage.total_tokens") == total:
        yield "genspan.usage.total_tokens is the sum of input and output"
    if ("genspan.response.end" in attributes) and "genspan.response.partial" not in attributes:
        yield "genspan.response.end is there without genspan.response.partial"
    if "mlflow.chat.tokenUsage" in attributes or ("mlflow.spanType" in attributes and usage):
        yield from _mlflow_figures(attributes, usage, total)
    model = attributes.get("gen_ai.response.model", attributes.get("gen_ai.request.model"))
    if attributes.get("mlflow.llm.model", model) != model:
        yield f"mlflow.llm.model is {attributes['mlflow.llm.model']!r}, not {model!r}"


def _of(attributes: Mapping[str, Any]) -> object:
    return attributes.get("gen_ai.operation.name")


def _mlflow_figures(attributes: Mapping[str, Any], usage: Mapping[str, int], total: int) -> Iterator[str]:
    try:
        counts = json.loads(attributes["mlflow.chat.tokenUsage"])
    except KeyError:
        yield "gen_ai.usage is there without mlflow.chat.tokenUsage"
        return
    except ValueError:
        return  # described by the attribute's schema
    expected = {
        "input_tokens": usage.get("input_tokens"),
        "output_tokens": usage.get("output_tokens", 0 if _of(attributes) == "embeddings" else None),
        "total_tokens": total,
        "cache_read_input_tokens": usage.get("cache_read.input_tokens"),
        "cache_creation_input_tokens": usage.get("cache_write.input_tokens"),
    }
    for key, value in expected.items():
        if isinstance(counts, dict) and counts.get(key) != value:
            yield f"mlflow.chat.tokenUsage has {key} {counts.get(key)}, gen_ai.usage says {value}"


def _event(record: Any) -> Iterator[str]:
    record = getattr(record, "log_record", record)
    read = record.get if isinstance(record, Mapping) else lambda name: getattr(record, name)
    name, attributes, severity = read("event_name"), read("attributes") or {}, read("severity_number")
    declared = REGISTRY.events.get(name)
    if declared is None:
        yield f"event {name!r} is not in the registry"
        return
    if getattr(severity, "value", severity) != declared.rules["severity"]:
        yield f"severity is {severity}, not {declared.rules['severity']}"
    if read("body") is not None:
        yield "it has a body; everything is in attributes"
    yield from _attributes(attributes, declared, structured=True)


def _metric(metric: Any) -> Iterator[str]:
    declared = REGISTRY.metrics.get(metric.name)
    if declared is None:
        yield f"metric {metric.name!r} is not in the registry"
        return
    if metric.unit != declared.spec["unit"]:
        yield f"unit is {metric.unit!r}, not {declared.spec['unit']!r}"
    instrument = {"Histogram": "histogram", "Sum": "counter"}.get(type(metric.data).__name__, "other")
    if instrument == "counter" and not metric.data.is_monotonic:
        instrument = "updowncounter"
    if instrument != declared.spec["instrument"]:
        yield f"instrument is {instrument}, not {declared.spec['instrument']}"
    for point in metric.data.data_points:
        yield from _attributes(point.attributes or {}, declared)
        bounds = getattr(point, "explicit_bounds", None)
        if bounds is not None and list(bounds) != declared.rules.get("buckets"):
            yield f"boundaries are {list(bounds)}, not {declared.rules.get('buckets')}"
