"""The one list of SDKs and versions: whatever else names versions says the same."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

import genspan
from genspan._core.supported_sdks import SDKS

tomllib = pytest.importorskip("tomllib", reason="part of Python since 3.11")

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
NAMES = pytest.mark.parametrize("name", SDKS)


@NAMES
def test_versions_ascend_and_each_is_the_last_of_its_major(name):
    versions = [Version(one) for one in SDKS[name].tested]
    assert versions == sorted(set(versions))
    assert len({one.major for one in versions[1:]}) == len(versions) - 1


@NAMES
def test_extra_begins_at_the_oldest_and_has_no_end(name):
    (extra,) = map(Requirement, PROJECT["project"]["optional-dependencies"][name])
    assert (extra.name, str(extra.specifier)) == (SDKS[name].distribution, f">={SDKS[name].tested[0]}")


@NAMES
def test_tests_run_on_no_version_newer_than_the_newest(name):
    """Whose methods are classified (tests/*/methods.txt)."""
    groups = [entry for group in PROJECT["dependency-groups"].values() for entry in group if isinstance(entry, str)]
    (found,) = [one for one in map(Requirement, groups) if one.name == SDKS[name].distribution]
    assert str(found.specifier) == f"<={SDKS[name].tested[-1]}"


@NAMES
def test_the_readme_says_the_same(name):
    readme = (ROOT / "README.md").read_text("utf-8")
    (versions,) = re.findall(rf"^\| {SDKS[name].distribution} \| ([^|]+) \|", readme, re.MULTILINE)
    assert versions == f"{SDKS[name].tested[0]} to {SDKS[name].tested[-1]}"


@NAMES
def test_each_has_an_entry_point_whose_instrumentor_asks_for_it(name):
    points = PROJECT["project"]["entry-points"]["opentelemetry_instrumentor"]
    module, _, kind = points[f"genspan-{name}"].partition(":")
    assert module == f"genspan.{name}"
    instrumentor = getattr(import_module(module), kind)()
    assert getattr(genspan, kind) is type(instrumentor)
    assert kind in genspan.__all__
    assert list(instrumentor.instrumentation_dependencies()) == [f"{SDKS[name].distribution} >= {SDKS[name].tested[0]}"]


def test_nothing_else_is_instrumented():
    """But MLflow's gateway, in its server: a service, of which no program of a user's makes calls."""
    points = PROJECT["project"]["entry-points"]["opentelemetry_instrumentor"]
    assert {name.removeprefix("genspan-") for name in points} == {*SDKS, "mlflow-gateway"}
