"""Every surface of anthropic, every fault, every ending: the program notices nothing, the telemetry is right."""

from tests.support.anthropic_surfaces import SURFACES
from tests.support.stainless_matrix import pytest_generate_tests, test_endings, test_faults, test_ok, test_retries

SEVERAL = ("messages-manager-stream", "beta-manager-stream")

__all__ = ["SURFACES", "pytest_generate_tests", "test_endings", "test_faults", "test_ok", "test_retries"]
