"""deploy/compose.yaml: valid, with no secret in it, and made of what is there. That it works: tests/collector."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
TEXT = (DEPLOY / "compose.yaml").read_text("utf-8")
SERVICES = yaml.safe_load(TEXT)["services"]
SECRET = re.compile(r"PASSWORD|SECRET|ACCESS_KEY|API_KEY|PASSPHRASE|TOKEN")
VARIABLE = re.compile(r"\$\{(\w+)(:[-?])?([^}]*)\}")


def test_the_file_is_valid():
    """By a model of https://github.com/compose-spec/compose-spec/blob/main/schema/compose-spec.json."""
    compose = pytest.importorskip("compose_pydantic", reason="compose-pydantic is not installed")
    compose.ComposeSpecification.model_validate(yaml.safe_load(TEXT))


@pytest.mark.parametrize("name", SERVICES)
def test_a_secret_is_a_variable_that_has_no_default(name):
    for variable, value in SERVICES[name].get("environment", {}).items():
        if SECRET.search(variable):
            found = VARIABLE.fullmatch(value)
            assert found, variable
            assert found[2] == ":?" or found[3] == "", variable


def test_every_variable_is_in_the_example_of_an_env_file():
    lines = (DEPLOY / "env.example").read_text("utf-8").splitlines()
    example = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    used = {found[1]: found[3] if found[2] == ":-" else "" for found in VARIABLE.finditer(TEXT)}
    assert example == used


@pytest.mark.parametrize("name", SERVICES)
def test_an_image_has_a_version_and_what_is_built_or_mounted_is_there(name):
    service = SERVICES[name]
    assert ("image" in service) != ("build" in service)
    assert re.search(r":v?\d+\.\d+", service.get("image", ":0.0"))
    if "build" in service:
        context = DEPLOY / service["build"]["context"]
        dockerfile = context / service["build"]["dockerfile"]
        for copied in re.findall(r"^COPY (.+) \S+$", dockerfile.read_text("utf-8"), re.MULTILINE):
            kept = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
            assert all((context / one).exists() and f"!{one}" in kept for one in copied.split())
    for volume in service.get("volumes", ()):
        if volume.startswith("."):
            assert (DEPLOY / volume.split(":")[0]).exists()


def test_what_runs_on_has_a_health_check_or_says_why_not():
    lasting = {name for name, service in SERVICES.items() if service.get("restart")}
    assert {name for name in lasting if "healthcheck" not in SERVICES[name]} == {"collector"}
    assert "no shell and no client" in TEXT


@pytest.mark.parametrize("name", SERVICES)
def test_ports_are_open_on_this_machine_alone(name):
    assert all(port.startswith("127.0.0.1:") for port in SERVICES[name].get("ports", ()))


def test_the_collectors_variables_are_those_of_its_configuration():
    configuration = (ROOT / "collector-config" / "to-mlflow.yaml").read_text("utf-8")
    for variable in SERVICES["collector"]["environment"]:
        assert f"${{env:{variable}:-" in configuration
