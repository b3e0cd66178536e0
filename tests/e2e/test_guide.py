"""MLflow's guide for Gemini, with only its first lines changed: it runs to its end and shows the tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.provider import FakeProvider
from tests.support.zero_code import ROOT, run_plainly

if TYPE_CHECKING:
    from tests.support.mlflow_server import MlflowServer

pytestmark = pytest.mark.e2e


def test_the_guide_reads_its_own_trace_back(mlflow_server: MlflowServer):
    with FakeProvider() as provider:
        env = {"MLFLOW_TRACKING_URI": mlflow_server.uri, "MLFLOW_EXPERIMENT_NAME": "guide"}
        done = run_plainly(ROOT / "examples/gemini_guide.py", env, provider.url)
        billed = provider.ledger.total()
    assert done.returncode == 0, done.stderr
    assert f"Tokens: {billed.input} in, {billed.output} out, {billed.total} in all" in done.stdout
    assert f"generate_content gemini-2.5-flash: {{'input_tokens': {billed.input}" in done.stdout
