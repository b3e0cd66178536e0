"""Which versions of an SDK are instrumented, what is logged for the others, and a table that does not fit an SDK."""

from __future__ import annotations

import logging
import sys
from types import ModuleType

import pytest
from opentelemetry.instrumentation import dependencies
from opentelemetry.instrumentation.dependencies import DependencyConflictError

from genspan._core import guard, supported_sdks
from genspan._core.hooks.instrumentor import ProviderInstrumentor
from genspan._core.hooks.patches import Patch, Replacement
from genspan._core.supported_sdks import Sdk
from genspan.cli import local_checks


class _Models:
    def ask(self):
        return "answer"

    def tell(self):
        return "answer"


def _told(telemetry):
    def wrapper(wrapped, instance, args, kwargs):
        return f"traced {wrapped(*args, **kwargs)}"

    return wrapper


def _fails(telemetry, original):
    raise TypeError("not what it was")


PATCHES = (
    Patch("imaginary_sdk", "Models.gone", _told),
    Patch("imaginary_sdk", "Gone.ask", _told),
    Patch("imaginary_sdk.gone", "ask", _told),
    Replacement("imaginary_sdk", "Models.tell", _fails),
    Patch("imaginary_sdk", "Models.ask", _told),
)


class Instrumentor(ProviderInstrumentor):
    sdk = Sdk("imaginary-sdk", "imaginary_sdk", ("1.5", "1.90", "2.7"))

    def _patch_points(self):
        return PATCHES


@pytest.fixture
def module(monkeypatch):
    made = ModuleType("imaginary_sdk")
    made.Models = type("Models", (_Models,), dict(vars(_Models)))
    monkeypatch.setitem(sys.modules, "imaginary_sdk", made)
    return made


@pytest.fixture
def instrumentor(monkeypatch, caplog):
    monkeypatch.setattr(guard, "_reported", set())
    caplog.set_level(logging.DEBUG)
    made = Instrumentor()
    yield made
    if made.is_instrumented_by_opentelemetry:
        made.uninstrument()


@pytest.fixture
def installed(monkeypatch):
    def set_version(version):
        def found(name):
            assert name == "imaginary-sdk"
            if version is None:
                raise dependencies.PackageNotFoundError(name)
            return version

        for place in (dependencies, supported_sdks, local_checks):
            monkeypatch.setattr(place, "version", found)

    return set_version


@pytest.mark.parametrize("version", ["1.5", "1.5.1", "1.90.0", "2.7", "2.6.99"])
def test_supported(version, installed, instrumentor, module, caplog):
    installed(version)
    instrumentor.instrument()
    assert module.Models().ask() == "traced answer"
    assert "newest tested" not in caplog.text


@pytest.mark.parametrize("version", ["2.7.1", "2.8", "3.0.0", "11.0"])
def test_newer_than_tested_is_traced_and_said_once_at_debug(version, installed, instrumentor, module, caplog):
    installed(version)
    instrumentor.instrument()
    assert module.Models().ask() == "traced answer"
    lines = [(one.levelname, one.getMessage()) for one in caplog.records if "tested" in one.getMessage()]
    assert lines == [("DEBUG", f"imaginary-sdk {version} is newer than 2.7, the newest tested")]


@pytest.mark.parametrize("version", ["0.9", "1.4.99", "1.0"])
@pytest.mark.parametrize("arguments", [{}, {"raise_exception_on_conflict": False}])
def test_older_is_refused_and_said(version, arguments, installed, instrumentor, module, caplog):
    installed(version)
    instrumentor.instrument(**arguments)
    assert not instrumentor.is_instrumented_by_opentelemetry
    assert module.Models().ask() == "answer"
    (line,) = [one.getMessage() for one in caplog.records if one.levelname == "ERROR"]
    assert '"imaginary-sdk >= 1.5"' in line
    assert f'"imaginary-sdk {version}"' in line


@pytest.mark.parametrize("arguments", [{"skip_dep_check": True}, {"raise_exception_on_conflict": True}])
def test_older_raises_where_the_loader_asks(arguments, installed, instrumentor, module, caplog):
    """The loader of opentelemetry-instrument has checked the distribution, which says nothing of one SDK of several."""
    installed("1.4")
    with pytest.raises(DependencyConflictError, match=r"imaginary-sdk >= 1\.5.*imaginary-sdk 1\.4"):
        instrumentor.instrument(**arguments)
    assert not instrumentor.is_instrumented_by_opentelemetry
    assert module.Models().ask() == "answer"


def test_absent_raises_where_the_loader_asks(installed, instrumentor):
    installed(None)
    with pytest.raises(DependencyConflictError) as raised:
        instrumentor.instrument(skip_dep_check=True)
    assert raised.value.conflict.found is None


def test_the_loader_gets_a_supported_one(installed, instrumentor, module):
    installed("1.5")
    instrumentor.instrument(skip_dep_check=True)
    assert module.Models().ask() == "traced answer"


@pytest.mark.parametrize("version", ["not a version", None])
def test_a_version_that_cannot_be_read_later_costs_nothing(version, installed, instrumentor, module, caplog):
    """It may run in the program's own import of the SDK."""
    sys.modules.pop("imaginary_sdk")
    installed("1.5")
    instrumentor.instrument()
    installed(version)
    instrumentor._begin({})
    sys.modules["imaginary_sdk"] = module
    assert "failed in" in caplog.text


def test_a_missing_target_is_a_line_at_debug_and_the_rest_is_patched(installed, instrumentor, module, caplog):
    installed("2.7")
    original = vars(module.Models)["ask"]
    instrumentor.instrument()
    assert module.Models().ask() == "traced answer"
    assert module.Models().tell() == "answer"
    logged = [one.getMessage() for one in caplog.records if "not in this version" in one.getMessage()]
    assert logged == [f"imaginary_sdk.{name} is not in this version of the SDK" for name in ("Models.gone", "Gone.ask")]
    assert {one.levelname for one in caplog.records} == {"DEBUG"}
    instrumentor.uninstrument()
    assert vars(module.Models)["ask"] is original


@pytest.mark.parametrize(
    ("version", "words"),
    [
        ("2.7", "imaginary-sdk 2.7: traced by genspan-imaginary (supported: imaginary-sdk >= 1.5)"),
        ("2.8", "(supported: imaginary-sdk >= 1.5; newer than 2.7, the newest tested)"),
        ("1.4", "imaginary-sdk 1.4 is installed and not traced: genspan-imaginary supports imaginary-sdk >= 1.5"),
        (None, "imaginary-sdk >= 1.5: not installed"),
    ],
)
def test_doctor(version, words, installed, monkeypatch):
    class Point:
        name = "genspan-imaginary"

        def load(self):
            return Instrumentor

    installed(version)
    monkeypatch.setattr(local_checks.other_instrumentations, "own", lambda: (Point(),))
    result, *_ = local_checks.sdks()
    assert words in str(result)
