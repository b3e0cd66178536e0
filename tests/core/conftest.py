"""Fixtures of calls without an SDK."""

from __future__ import annotations

import pytest

from genspan._core.calls import call as calls
from tests.core.emitted import Emitted


@pytest.fixture
def emitted(monkeypatch):
    return Emitted(monkeypatch)


@pytest.fixture
def clock(monkeypatch):
    """Seconds pass only where a test says so."""
    now = [100.0]
    for module in (calls, "genspan._core.calls.tool", "genspan._core.emit.telemetry"):
        target = f"{module}.perf_counter" if isinstance(module, str) else f"{module.__name__}.perf_counter"
        monkeypatch.setattr(target, lambda: now[0])

    def passes(seconds):
        now[0] += seconds

    return passes
