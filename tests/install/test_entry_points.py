"""What a built wheel offers to OpenTelemetry, to the shell and to type checkers."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from importlib.metadata import Distribution
from pathlib import Path

import pytest
from tests.support.absent import absent

pytestmark = pytest.mark.timeout(300)
ROOT = Path(__file__).resolve().parents[2]

LOADED = """
import sys
from importlib.metadata import entry_points
from opentelemetry.instrumentation.distro import BaseDistro
from opentelemetry.instrumentation.instrumentor import BaseInstrumentor
from opentelemetry.sdk._configuration import _BaseConfigurator
from opentelemetry.sdk.trace.export import SpanExporter

import genspan

from tests.support.absent import absent
assert genspan.__file__.startswith(sys.argv[1]), genspan.__file__
kinds = {
    "opentelemetry_distro": BaseDistro,
    "opentelemetry_configurator": _BaseConfigurator,
    "opentelemetry_instrumentor": BaseInstrumentor,
    "opentelemetry_traces_exporter": SpanExporter,
}
for group, kind in kinds.items():
    for point in entry_points(group=group):
        if point.value.startswith("genspan."):
            assert issubclass(point.load(), kind), point
            print(group, point.name)
for name in genspan.__all__:
    getattr(genspan, name)
"""


def _build(folder: Path) -> Path:
    uv = shutil.which("uv", path=str(Path(sys.executable).parent)) or shutil.which("uv")
    if uv is None:
        absent("uv", "uv is not installed, which builds the wheel")
    command = [uv, "build", "--quiet", "--wheel", "--out-dir", str(folder), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stderr
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory):
    """The wheel's files, in a folder that stands before the repository on the path."""
    folder = tmp_path_factory.mktemp("wheel")
    with zipfile.ZipFile(_build(folder)) as wheel:
        wheel.extractall(folder / "site")
    return folder / "site"


@pytest.fixture
def metadata(unpacked):
    return Distribution.at(next(unpacked.glob("*.dist-info")))


def run(unpacked: Path, *command: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(unpacked)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_entry_point_loads_and_is_of_its_kind(unpacked):
    lines = set(run(unpacked, sys.executable, "-c", LOADED, str(unpacked)).split("\n"))
    assert lines >= {
        "opentelemetry_distro genspan",
        "opentelemetry_configurator genspan",
        "opentelemetry_instrumentor genspan-gemini",
        "opentelemetry_traces_exporter mlflow",
    }


def test_names_of_instrumentors_are_ours_alone(metadata):
    names = [point.name for point in metadata.entry_points if point.group == "opentelemetry_instrumentor"]
    assert names
    assert all(name.startswith("genspan-") for name in names)


def test_no_extra_has_a_meaning_for_opentelemetrys_loader(metadata):
    """It checks these extras for the whole distribution, and would instrument nothing where one SDK is absent."""
    assert not {"instruments", "instruments-any"} & set(metadata.metadata.get_all("Provides-Extra") or [])


def test_the_command(unpacked, metadata):
    (command,) = [point for point in metadata.entry_points if point.group == "console_scripts"]
    assert command.name == "genspan"
    module, _, function = command.value.partition(":")
    code = f"import sys, {module}; sys.argv = ['genspan', '--version']; sys.exit({module}.{function}())"
    assert metadata.version in run(unpacked, sys.executable, "-c", code)


def test_both_packages_are_typed_and_nothing_else_is_inside(unpacked):
    assert {path.name for path in unpacked.iterdir() if not path.name.endswith(".dist-info")} == {
        "genspan",
        "genspan_semconv",
    }
    for package in ("genspan", "genspan_semconv"):
        assert (unpacked / package / "py.typed").is_file()
