"""Every surface of anthropic, every fault, every ending: the program notices nothing, the telemetry is right."""

import inspect

import anthropic

from tests.support.anthropic_surfaces import SURFACES
from tests.support.stainless_matrix import pytest_generate_tests, test_endings, test_faults, test_ok, test_retries

SEVERAL = ("messages-manager-stream", "beta-manager-stream")

CLOSED_BY_THE_LOOP = "finally" in inspect.getsource(anthropic.AsyncStream.__stream__)
"""Not in the oldest versions: the generator of a stream does not close the response."""

__all__ = ["SURFACES", "pytest_generate_tests", "test_endings", "test_faults", "test_ok", "test_retries"]
