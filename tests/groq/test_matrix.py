"""Every surface of groq, every fault, every ending: the program notices nothing, the telemetry is right."""

from tests.support.groq_surfaces import SURFACES
from tests.support.stainless_matrix import pytest_generate_tests, test_endings, test_faults, test_ok, test_retries

SEVERAL = ()
CLOSED_BY_THE_LOOP = False  # groq's streams have no `finally` that closes the response

__all__ = ["SURFACES", "pytest_generate_tests", "test_endings", "test_faults", "test_ok", "test_retries"]
