"""``service.name`` where the user gives none."""

from __future__ import annotations

import os
import sys
from unittest.mock import patch

import pytest

from genspan._service_name import default_service_name, program_name
from genspan.distro import Distro


@pytest.mark.parametrize(
    ("command", "name"),
    [
        (["python", "app.py"], "app"),
        (["python", "/srv/shop/app.py", "-m", "x"], "app"),
        (["/usr/bin/python3.12", "-X", "dev", "-u", "-W", "error", "app.py"], "app"),
        (["python", "-m", "shop.web", "--port", "1"], "shop"),
        (["python", "-mshop"], "shop"),
        (["python", "/usr/bin/gunicorn", "app:app"], "gunicorn"),
        (["python", "/srv/shop/__main__.py"], "shop"),
        (["python", "/srv/shop"], "shop"),
        (["python", "-c", "print()"], None),
        (["python", "-"], None),
        (["python"], None),
        (["python", "-i"], None),
        ([], None),
    ],
)
def test_program_name(command, name):
    assert program_name(command) == name


@pytest.mark.parametrize(
    ("environment", "name"),
    [
        ({}, "app"),
        ({"OTEL_SERVICE_NAME": " "}, "app"),
        ({"OTEL_RESOURCE_ATTRIBUTES": "team=a,service.namespace=b"}, "app"),
        ({"OTEL_SERVICE_NAME": "mine"}, None),
        ({"OTEL_RESOURCE_ATTRIBUTES": "team=a, service.name=mine"}, None),
    ],
)
def test_a_name_in_the_environment_comes_first(monkeypatch, environment, name):
    monkeypatch.setattr(sys, "orig_argv", ["python", "app.py"])
    with patch.dict(os.environ, environment, clear=True):
        assert default_service_name() == name
        Distro()._configure()
        assert os.environ.get("OTEL_SERVICE_NAME") == (name or environment.get("OTEL_SERVICE_NAME"))
