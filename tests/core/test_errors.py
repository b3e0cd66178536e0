"""What an error's type may be."""

from __future__ import annotations

import pytest

from genspan._core.emit.errors import reported


@pytest.mark.parametrize("code", ["RESOURCE_EXHAUSTED", "503", "rate_limit_error", "server.busy"])
def test_a_code_is_kept(code):
    assert reported(code).type == code


@pytest.mark.parametrize("words", ["Your prompt 'my secret plan' was refused", "", "x" * 65, "línea"])
def test_words_are_not_repeated(words):
    assert reported(words) == ("_OTHER", "_OTHER", None, None)
