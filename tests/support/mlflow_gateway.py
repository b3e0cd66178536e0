"""A real MLflow server whose AI gateway asks a fake provider.

Endpoints, all on one provider: ``openai``, ``anthropic`` and ``gemini``; ``untracked``, of which MLflow keeps no
traces; ``poor``, whose budget is spent; ``guarded``, where a judge says no to every request.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from tests.support.mlflow_server import MlflowServer, environment, running, warm_up
from tests.support.provider import FakeProvider
from tests.support.zero_code import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MODELS = {"openai": "gpt-4.1-mini", "anthropic": "claude-sonnet-5", "gemini": "gemini-2.5-flash"}
"""The models behind the endpoints."""
_NO = {"text": '{"result": "no", "rationale": "it asks for a secret"}'}
_JUDGE = {
    "name": "no_secrets",
    "mlflow_version": "3.17.2",
    "serialization_version": 1,
    "instructions_judge_pydantic_data": {
        "instructions": "Is {{ inputs }} harmless? Answer yes or no.",
        "model": "gateway:/judge",
        "feedback_value_type": {"title": "Result", "type": "string"},
    },
}
"""What ``mlflow.genai.judges.make_judge(...).model_dump()`` gives."""


class Gateway(NamedTuple):
    """The server, and what its gateway asks."""

    server: MlflowServer
    provider: FakeProvider


@contextmanager
def gateway(folder: Path, home: Path | None = None, **env: str) -> Iterator[Gateway]:
    """Run one, by the MLflow in the environment ``home``."""
    with FakeProvider() as provider, FakeProvider() as judge:
        judge.script(*[_NO] * 10)
        env = {
            "MLFLOW_GATEWAY_API_BASE_ALLOWED_SCHEMES": "http,https",
            "MLFLOW_GATEWAY_API_BASE_ALLOW_PRIVATE_IPS": "true",
            "MLFLOW_GATEWAY_URI": "{uri}",
            "PYTHONPATH": str(ROOT / "tests/support/gemini_upstream"),
            "GEMINI_UPSTREAM": provider.url,
            **env,
        }
        with running(home or environment(), folder, **env) as server:
            warm_up(server)
            endpoints = Endpoints(server)
            models = {name: endpoints.model(name, provider.url, name, model) for name, model in MODELS.items()}
            for name, model in models.items():
                endpoints.add(name, model)
            endpoints.add("untracked", models["openai"], usage_tracking=False)
            endpoints.spend_all(endpoints.add("poor", models["openai"]))
            endpoints.add("judge", endpoints.model("judge", judge.url))
            endpoints.guard(endpoints.add("guarded", models["openai"]))
            yield Gateway(server, provider)


class Endpoints:
    """What an operator clicks together in MLflow, over the same REST API."""

    def __init__(self, server: MlflowServer) -> None:
        self._server = server

    def _create(self, what: str, **fields: Any) -> Any:
        return self._server.call(f"/api/3.0/mlflow/{what}", fields)

    def model(self, name: str, upstream: str, provider: str = "openai", model: str = "gpt-4.1-mini") -> str:
        """A model of a provider; the id of its definition."""
        address = {} if provider == "gemini" else {"auth_config": {"api_base": f"{upstream}/v1"}}
        key = {"api_key": "key-of-the-gateway"}
        secret = self._create(
            "gateway/secrets/create", secret_name=name, secret_value=key, provider=provider, **address
        )
        named = {"name": name, "provider": provider, "model_name": model, "secret_id": secret["secret"]["secret_id"]}
        return self._create("gateway/model-definitions/create", **named)["model_definition"]["model_definition_id"]

    def add(self, name: str, model: str, usage_tracking: bool = True) -> str:
        """An endpoint with one model; its id."""
        linked = {"model_definition_id": model, "linkage_type": "PRIMARY", "weight": 1.0}
        fields = {"name": name, "model_configs": [linked], "usage_tracking": usage_tracking}
        return self._create("gateway/endpoints/create", **fields)["endpoint"]["endpoint_id"]

    def spend_all(self, endpoint: str) -> None:
        """Leave the endpoint no budget."""
        day = {"unit": "DAYS", "value": 1}
        scope = {"target_scope": "ENDPOINT", "target_value": endpoint, "budget_action": "REJECT"}
        self._create("gateway/budgets/create", budget_unit="USD", budget_amount=0.0, duration=day, **scope)

    def guard(self, endpoint: str) -> None:
        """Ask the endpoint ``judge`` before each request."""
        judge = {"experiment_id": "0", "name": "no_secrets", "serialized_scorer": json.dumps(_JUDGE)}
        scorer = self._create("scorers/register", **judge)
        which = {"scorer_id": scorer["scorer_id"], "scorer_version": scorer["version"]}
        made = self._create(
            "gateway/guardrails/create", name="no secrets", stage="BEFORE", action="VALIDATION", **which
        )
        guardrail = {"guardrail_id": made["guardrail"]["guardrail_id"]}
        self._create("gateway/guardrails/add-to-endpoint", endpoint_id=endpoint, **guardrail)


@pytest.fixture(scope="session")
def mlflow_gateway(tmp_path_factory: pytest.TempPathFactory):
    """A running one; skips where MLflow is not installed."""
    with gateway(tmp_path_factory.mktemp("gateway")) as running_gateway:
        yield running_gateway
