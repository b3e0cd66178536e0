"""Every surface of openai, every fault, every ending: the program notices nothing, the telemetry is right."""

import inspect

import openai

from tests.support.openai_surfaces import SURFACES
from tests.support.stainless_matrix import pytest_generate_tests, test_endings, test_faults, test_ok, test_retries

SEVERAL = ("chat-manager-stream",)

CLOSED_BY_THE_LOOP = "finally" in inspect.getsource(openai.AsyncStream.__stream__)
"""Not in the oldest versions: the generator of a stream does not close the response."""

__all__ = ["SURFACES", "pytest_generate_tests", "test_endings", "test_faults", "test_ok", "test_retries"]
