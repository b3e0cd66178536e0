"""What a real MLflow server adds up of frameworks' programs, traced without a word of code."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.mlflow_server import mlflow_server
from tests.support.stored import run_and_read

if TYPE_CHECKING:
    from tests.support.mlflow_server import MlflowServer

pytestmark = pytest.mark.e2e

__all__ = ["mlflow_server"]


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("program", "root", "calls"), [("google_adk_team", "invoke_workflow", 3), ("pydantic_ai_agent", "invoke_agent", 2)]
)
def test_usage_is_what_was_billed(mlflow_server: MlflowServer, program, root, calls):
    def settings(url: str) -> dict[str, str]:
        return {"GOOGLE_API_KEY": "key-of-the-test", "GOOGLE_GEMINI_BASE_URL": url}

    with run_and_read(mlflow_server, f"../../frameworks/programs/{program}.py", program, settings) as run:
        run.tokens_are_those_billed()
        spans = [(name, attributes) for trace in run.traces for name, attributes, _ in trace.spans]
        usage = [name for name, attributes in spans if "mlflow.chat.tokenUsage" in attributes]
        assert usage == ["generate_content gemini-2.5-flash"] * calls
        assert all(any(name.startswith(root) for name, _, _ in trace.spans) for trace in run.traces)
