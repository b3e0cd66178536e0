"""Every request that the installed google-generativeai can make is classified, and traced as it says there."""

from __future__ import annotations

import inspect
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

import google.generativeai as genai
import pytest
from google.ai.generativelanguage_v1beta import services
from wrapt import FunctionWrapper

from genspan._core.supported_sdks import SDKS

LIST = Path(__file__).with_name("methods.txt")
_OF_ALL = {"get_operation", "list_operations", "cancel_operation", "delete_operation", "wait_operation"}
"""Long-running operations, which each client can ask for."""


def clients():
    """Of each service: its name, the client and the asynchronous one."""
    for service in iter_modules(services.__path__):
        for module, suffix in (("client", "Client"), ("async_client", "AsyncClient")):
            found = import_module(f"{services.__name__}.{service.name}.{module}")
            for name, kind in vars(found).items():
                if inspect.isclass(kind) and kind.__module__ == found.__name__ and name.endswith(f"Service{suffix}"):
                    yield name.removesuffix(suffix), kind


def methods():
    """As `GenerativeService.generate_content`; each method that takes metadata sends a request."""
    return {
        f"{service}.{name}": kind
        for service, kind in clients()
        for name, value in vars(kind).items()
        if inspect.isfunction(value) and "metadata" in inspect.signature(value).parameters
        if not name.startswith("_") and name not in _OF_ALL
    }


@pytest.fixture(scope="module")
def classified():
    """Method -> the heading that it stands under."""
    found, heading = {}, ""
    for line in LIST.read_text("utf-8").splitlines():
        if line.startswith("["):
            heading = line.strip("[]")
        elif line and not line.startswith("#"):
            assert line not in found, f"{line} is there twice"
            found[line] = heading
    return found


def test_every_method_is_classified(classified):
    assert sorted(methods().keys() - classified.keys()) == [], f"new in the installed version: add to {LIST.name}"


@pytest.mark.skipif(
    genai.__version__ != SDKS["google_generativeai"].tested[-1], reason="said of the newest version alone"
)
def test_the_list_has_no_method_that_is_gone(classified):
    assert classified.keys() - methods().keys() == set()


def test_what_is_classified_as_traced_is_what_is_wrapped(install, classified):
    install()
    wrapped = {
        suffix: {
            f"{service}.{name}"
            for service, kind in clients()
            if kind.__name__ == f"{service}{suffix}"
            for name, value in vars(kind).items()
            if isinstance(value, FunctionWrapper)
        }
        for suffix in ("Client", "AsyncClient")
    }
    traced = {name for name, heading in classified.items() if not heading.startswith("none")}
    assert wrapped == {"Client": traced, "AsyncClient": traced}
