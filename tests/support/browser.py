"""A page of a server on loopback, as headless Chromium shows it."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.support.absent import absent

if TYPE_CHECKING:
    from collections.abc import Generator

    from playwright.sync_api import Page

# Without these, Chromium keeps trying to reach its maker's hosts.
_QUIET = ("disable-background-networking", "disable-component-update", "disable-sync", "disable-quic", "no-first-run")


@contextmanager
def browser_page(width: int = 1500, height: int = 1000) -> Generator[Page]:
    """An empty page; skips the test where there is no Chromium."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        absent("chromium", "no Chromium on this machine (Debian's package is `chromium`)")
    from playwright.sync_api import sync_playwright

    arguments = ["--no-sandbox", "--disable-gpu", *(f"--{flag}" for flag in _QUIET)]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=arguments)
        try:
            yield browser.new_page(viewport={"width": width, "height": height})
        finally:
            browser.close()
