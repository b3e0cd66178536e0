"""Write attributes.py, attributes.ts and docs/reference/attributes.md from the registry.

`--check` writes nothing and says whether they differ.
"""

from __future__ import annotations

import argparse
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

ROOT = Path(__file__).parents[1]
SEMCONV = ROOT / "semconv"
REGISTRY = SEMCONV / "registry"
LINE_LENGTH = 120


@dataclass
class Attribute:
    """An attribute's definition, or with `level` its use in one group."""

    name: str
    type: str
    brief: str
    note: str = ""
    examples: list[Any] = field(default_factory=list)
    members: dict[str, dict[str, str]] = field(default_factory=dict)
    level: str = "recommended"
    condition: str = ""
    rules: dict[str, Any] = field(default_factory=dict)

    @property
    def is_template(self) -> bool:
        return self.type.startswith("template[")

    @property
    def value_type(self) -> str:
        return self.type.removeprefix("template[").removesuffix("]") if self.is_template else self.type

    @property
    def constant(self) -> str:
        """GEN_AI_USAGE_INPUT_TOKENS; camelCase is split at its humps."""
        return re.sub(r"(?<=[a-z])(?=[A-Z])|\.", "_", self.name).upper()


@dataclass
class Signal:
    """A span, metric or event with all its attributes, inherited ones included."""

    name: str
    spec: Mapping[str, Any]
    attributes: dict[str, Attribute]

    @property
    def rules(self) -> Mapping[str, Any]:
        return _rules(self.spec)


@dataclass
class Registry:
    attributes: dict[str, Attribute]
    spans: dict[str, Signal]
    metrics: dict[str, Signal]
    events: dict[str, Signal]
    groups: list[Mapping[str, Any]]


def load(folder: Path = REGISTRY) -> Registry:
    """The registry with every `ref` and `extends` resolved."""
    files = (path for path in sorted(folder.glob("*.yaml")) if path.name != "registry_manifest.yaml")
    groups = [group for path in files for group in yaml.safe_load(path.read_text("utf-8"))["groups"]]
    defined = [_defined(entry) for group in groups for entry in group.get("attributes", ()) if "id" in entry]
    attributes = {attribute.name: attribute for attribute in sorted(defined, key=lambda a: a.name)}
    by_id = {group["id"]: group for group in groups}

    def signals(kind: str, name_key: str) -> dict[str, Signal]:
        return {
            group[name_key].removeprefix("span."): Signal(
                group[name_key].removeprefix("span."), group, dict(sorted(_used(group, by_id, attributes).items()))
            )
            for group in groups
            if group["type"] == kind
        }

    spans, metrics, events = signals("span", "id"), signals("metric", "metric_name"), signals("event", "name")
    return Registry(attributes, spans, metrics, events, groups)


def _rules(entry: Mapping[str, Any]) -> dict[str, Any]:
    return dict(entry.get("annotations", {}).get("genspan", {}))


def _defined(entry: Mapping[str, Any]) -> Attribute:
    kind, members = entry["type"], {}
    if isinstance(kind, dict):
        kind, members = "enum", {member["value"]: member for member in kind["members"]}
    note = entry.get("note", "").strip()
    return Attribute(entry["id"], kind, entry["brief"], note, entry.get("examples", []), members, rules=_rules(entry))


def _used(
    group: Mapping[str, Any], by_id: Mapping[str, Mapping[str, Any]], attributes: Mapping[str, Attribute]
) -> dict[str, Attribute]:
    used = _used(by_id[group["extends"]], by_id, attributes) if "extends" in group else {}
    for entry in group.get("attributes", ()):
        level, condition = entry["requirement_level"], ""
        if isinstance(level, dict):
            ((level, condition),) = level.items()
        base = attributes[entry["ref"]]
        used[base.name] = Attribute(
            **{**vars(base), "level": level, "condition": condition, "rules": base.rules | _rules(entry)}
        )
    return used


# --- attributes.py -----------------------------------------------------------------------------------------------


def _constant(name: str, value: str, brief: str) -> str:
    line = f'{name}: Final = "{value}"'
    if len(line) > LINE_LENGTH:
        line = f'{name}: Final = (\n    "{value}"\n)'
    return f"# {brief}\n{line}"


def _signal_constant(prefix: str, signal: Signal) -> str:
    return _constant(prefix + signal.name.replace(".", "_").upper(), signal.name, signal.spec["brief"])


def python(registry: Registry) -> str:
    """The module of constants."""
    histograms = [metric for metric in registry.metrics.values() if "buckets" in metric.rules]
    boundaries: dict[tuple[float, ...], str] = {}
    for metric in histograms:  # named after the unit, or after the first metric where its unit has others already
        name = "_SECONDS" if metric.spec["unit"] == "s" else "_TOKENS"
        own = metric.name.removeprefix("gen_ai").replace(".", "_").upper()
        boundaries.setdefault(tuple(metric.rules["buckets"]), own if name in boundaries.values() else name)
    return Template((SEMCONV / "templates/attributes.py.tmpl").read_text("utf-8")).substitute(
        attributes="\n".join(_constant(a.constant, a.name, a.brief) for a in registry.attributes.values()),
        metrics="\n".join(_signal_constant("METRIC_", metric) for metric in registry.metrics.values()),
        events="\n".join(_signal_constant("EVENT_", event) for event in registry.events.values()),
        bucket_rows="\n".join(f"{name} = {bounds}" for bounds, name in boundaries.items()),
        buckets="\n".join(
            f'        "{metric.name}": {boundaries[tuple(metric.rules["buckets"])]},' for metric in histograms
        ),
    )


# --- attributes.ts -----------------------------------------------------------------------------------------------

_NOT_IN_JAVASCRIPT = ("anthropic.", "openai.", "genspan.langchain.")


def typescript(registry: Registry) -> str:
    """The module of constants for the JavaScript package, which traces Gemini alone."""
    names = (a for a in registry.attributes.values() if not a.name.startswith(_NOT_IN_JAVASCRIPT))
    return Template((SEMCONV / "templates/attributes.ts.tmpl").read_text("utf-8")).substitute(
        attributes="\n".join(f'/** {a.brief} */\nexport const {a.constant} = "{a.name}";' for a in names)
    )


# --- attributes.md -----------------------------------------------------------------------------------------------


def _table(head: str, rows: Iterable[tuple[str, ...]]) -> str:
    columns = head.split(" | ")
    lines = [f"| {head} |", "|" + " --- |" * len(columns)]
    lines += ["| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in row) + " |" for row in rows]
    return "\n".join(lines)


def _title(attribute: Attribute) -> str:
    return f"`{attribute.name}.<key>`" if attribute.is_template else f"`{attribute.name}`"


def _level(attribute: Attribute) -> str:
    level = attribute.level.replace("_", "-")
    if attribute.level == "conditionally_required":
        return attribute.condition
    return f"{level} {attribute.condition}".strip()


def _uses(signal: Signal) -> str:
    return _table("Attribute | Level", ((_title(a), _level(a)) for a in signal.attributes.values()))


def _span(span: Signal) -> str:
    operations = ", ".join(f"`{operation}`" for operation in span.rules["operations"])
    kind = span.spec["span_kind"].upper()
    head = f"Kind {kind}, name `{span.rules['name']}`, `gen_ai.operation.name` {operations}."
    return f"### {span.name}\n\n{span.spec['brief']} {span.spec['note']}\n\n{head}\n\n{_uses(span)}"


def _metric(metric: Signal) -> str:
    bounds = ", ".join(f"{bound:g}" if bound < 1 else f"{bound}" for bound in metric.rules.get("buckets", ()))
    head = f"{metric.spec['instrument'].capitalize()}, unit `{metric.spec['unit']}`"
    head += f", boundaries {bounds}." if bounds else "."
    return f"### {metric.name}\n\n{metric.spec['brief']} {metric.spec['note']}\n\n{head}\n\n{_uses(metric)}"


def _event(event: Signal) -> str:
    return f"### {event.name}\n\n{event.spec['brief']} {event.spec['note']}\n\n{_uses(event)}"


def _example(value: object) -> str:
    text = ", ".join(str(item) for item in value) if isinstance(value, list) else str(value)
    return f"`{text.encode('unicode_escape').decode()}`"


def _described(attribute: Attribute) -> tuple[str, ...]:
    values = attribute.members or attribute.examples
    shown = "; ".join(_example(value) for value in values)
    return _title(attribute), attribute.type, " ".join([attribute.brief, *attribute.note.split()]), shown


def markdown(registry: Registry) -> str:
    """The reference page."""

    def sections(signals: Mapping[str, Signal], render: Callable[[Signal], str]) -> str:
        return "\n\n".join(render(signal) for signal in signals.values())

    return Template((SEMCONV / "templates/attributes.md.tmpl").read_text("utf-8")).substitute(
        spans=sections(registry.spans, _span),
        metrics=sections(registry.metrics, _metric),
        events=sections(registry.events, _event),
        attributes=_table(
            "Attribute | Type | Meaning | Values or examples", map(_described, registry.attributes.values())
        ),
    )


OUTPUTS: Mapping[Path, Callable[[Registry], str]] = {
    SEMCONV / "genspan_semconv/attributes.py": python,
    ROOT / "js/src/attributes.ts": typescript,
    ROOT / "docs/reference/attributes.md": markdown,
}


def rendered() -> dict[Path, str]:
    """Every generated file's text."""
    registry = load()
    return {path: render(registry) for path, render in OUTPUTS.items()}


def drifted() -> list[Path]:
    """The generated files that are not what the registry says."""
    texts = rendered()
    return [path for path, text in texts.items() if not path.exists() or path.read_text("utf-8") != text]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when a file differs")
    check = parser.parse_args().check
    texts, stale = rendered(), drifted()
    for path in stale:
        print(f"{'differs' if check else 'written'}: {path.relative_to(ROOT)}")
        if not check:
            path.write_text(texts[path], "utf-8")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
