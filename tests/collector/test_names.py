"""The page on existing pipelines: the old names of components still work in the pinned Collector."""

from __future__ import annotations

import subprocess

import pytest

from tests.support.collector import CONFIGS, binary

OLD = {"otlp_http": "otlphttp", "signal_to_metrics": "signaltometrics", "delta_to_cumulative": "deltatocumulative"}


@pytest.mark.parametrize("name", ["agent.yaml", "gateway.yaml", "balancer.yaml", "to-mlflow.yaml", "quickstart.yaml"])
def test_old_names_still_work(tmp_path, name):
    text = (CONFIGS / name).read_text("utf-8")
    for new, old in OLD.items():
        text = text.replace(new, old)
    (tmp_path / name).write_text(text)
    for config in (CONFIGS / name, tmp_path / name):
        ran = subprocess.run([binary(), "validate", "--config", config], capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stderr


def test_the_page_lists_them():
    page = (CONFIGS.parent / "docs" / "collector.md").read_text("utf-8")
    for new, old in OLD.items():
        assert f"`{new}`" in page
        assert f"`{old}`" in page
