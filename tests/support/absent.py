"""What a test needs and this machine has not got: skipped, but in CI a failure, unless it is named as left out."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest

SETTING = "GENSPAN_LEFT_OUT"


def absent(what: str, reason: str) -> NoReturn:
    """Skip the test for want of `what`; where `CI` is set and `$GENSPAN_LEFT_OUT` (a list) has not got it, fail."""
    if must_be_there(what):
        pytest.fail(f"absent in CI, and not in {SETTING}: {what} ({reason})", pytrace=False)
    pytest.skip(f"{what}: {reason}")


def must_be_there(what: str) -> bool:
    """Whether the absence of it is a failure."""
    in_ci = os.environ.get("CI", "").lower() not in ("", "0", "false")
    return in_ci and what not in os.environ.get(SETTING, "").replace(",", " ").split()
