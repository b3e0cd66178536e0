"""Every surface of mistralai, every fault, every ending: the program notices nothing, the telemetry is right."""

from __future__ import annotations

import pytest

from tests.support import verdict
from tests.support.mistral_surfaces import SURFACES
from tests.support.provider import Reply
from tests.support.stainless_matrix import pytest_generate_tests, test_endings, test_faults, test_ok

SEVERAL = ()

__all__ = ["SURFACES", "pytest_generate_tests", "test_endings", "test_faults", "test_ok"]


@pytest.mark.parametrize("statuses", [(429, 200), (500, 429, 200), (429, 400)], ids=str)
def test_retries(compare, provider, surface, mode, statuses):
    """The SDK retries as long as its clock says, whatever the number of attempts."""
    script = tuple(Reply(status=status, text='{"city": "Paris", "degrees": 21}') for status in statuses)
    seen, telemetry = compare(surface, mode, script, retries=2)
    (span,) = telemetry.spans
    assert span.attributes["http.request.resend_count"] == len(statuses) - 1
    assert len(provider.ledger) == len(statuses)
    assert bool(seen.errors) is bool(verdict.failed(span)) is (statuses[-1] != 200)
