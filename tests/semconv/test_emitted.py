"""What the registry declares is emitted by some line of the code, and what the code emits is declared."""

from __future__ import annotations

import ast
import re
from functools import cache
from typing import TYPE_CHECKING

import pytest
from scripts.generate_semconv import ROOT, load

from genspan._core.routes import provider_names
from genspan_semconv import attributes as names

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

REGISTRY = load()
SOURCES = (ROOT / "instrumentation", ROOT / "semconv/genspan_semconv")
CONSTANTS = {name: value for name, value in vars(names).items() if name.isupper() and isinstance(value, str)}
DOTTED = re.compile(
    r"^(gen_ai|genspan|mlflow|error|exception|user|(openai|anthropic)\.(api|request|response))(\.\w+)+$"
)
# Names that are read: of the mlflow package, of what its server gives back, and of spans that others made.
READ_ONLY = {
    "gen_ai.completion",
    "mlflow.entities.span",
    "mlflow.gateway.providers.utils",
    "mlflow.server",
    "mlflow.tracing.otel.translation",
    "mlflow.tracking._tracking_service.utils",
    "mlflow.tracking.fluent",
    "mlflow.traceName",
    "mlflow.trace.tokenUsage",
    "mlflow.llm.cost",
}


# It translates values of the conventions, whether or not anything emits them.
RENDERER = "render_mlflow.py"


def sources() -> Iterator[tuple[Path, ast.Module]]:
    for folder in SOURCES:
        for path in sorted(folder.rglob("*.py")):
            if path.name != "attributes.py":
                yield path, ast.parse(path.read_text("utf-8"))


@cache
def used(without: str = "") -> tuple[frozenset[str], frozenset[str]]:
    """The constants of attributes.py that the code names, and all its string literals, docstrings left out."""
    constants: set[str] = set()
    literals: set[str] = set()
    for path, tree in sources():
        if path.name == without:
            continue
        documentation = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and node.attr in CONSTANTS:
                constants.add(node.attr)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documentation:
                literals.add(node.value)
    return frozenset(constants), frozenset(literals)


def is_module(dotted: str) -> bool:
    path = ROOT / "instrumentation" / dotted.replace(".", "/")
    return path.is_dir() or path.with_suffix(".py").exists()


@pytest.mark.parametrize("constant", sorted(CONSTANTS))
def test_a_declared_name_is_emitted(constant):
    constants, literals = used()
    assert constant in constants or CONSTANTS[constant] in literals


@pytest.mark.parametrize("name", sorted(REGISTRY.spans))
def test_the_operations_of_a_declared_span_are_emitted(name):
    operations = set(REGISTRY.spans[name].rules["operations"])
    assert operations <= used(RENDERER)[1]


@pytest.mark.parametrize("name", sorted(name for name, one in REGISTRY.attributes.items() if one.members))
def test_the_values_of_a_declared_enum_are_emitted(name):
    literals = used("" if name.startswith("mlflow.") else RENDERER)[1]
    assert set(REGISTRY.attributes[name].members) <= literals


def test_an_emitted_provider_name_is_declared():
    assert set(provider_names._HOSTS.values()) <= REGISTRY.attributes["gen_ai.provider.name"].members.keys()


def test_an_emitted_name_is_declared():
    found = {text for text in used()[1] if DOTTED.match(text) and not is_module(text)}
    declared = set(CONSTANTS.values()) | READ_ONLY
    assert {text for text in found - declared if not text.startswith("mlflow.traceTag.")} == set()
