"""MLflow's pages of traces: their addresses, and the panels that cover them at a first visit."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

PATIENCE = 90_000
"""Milliseconds for a page to be there on a loaded machine."""


def traces_url(server: str, experiment_id: str, trace_id: str | None = None) -> str:
    """The list of an experiment's traces, or one trace."""
    chosen = f"?selectedEvaluationId={trace_id}" if trace_id else ""
    return f"{server}/#/experiments/{experiment_id}/traces{chosen}"


def open_list(page: Page, server: str, experiment_id: str) -> str:
    """Open the list; its text once the rows are there."""
    page.goto(traces_url(server, experiment_id))
    page.get_by_text("Tokens", exact=True).first.wait_for(timeout=PATIENCE)
    page.locator("[role=row]").nth(1).wait_for(timeout=PATIENCE)
    _close_panels(page)
    return page.inner_text("body")


def open_trace(page: Page, server: str, experiment_id: str, trace_id: str) -> Locator:
    """Open one trace; the drawer that shows it, once its content is there."""
    page.goto("about:blank")  # a change of the address behind the "#" alone loads nothing
    page.goto(traces_url(server, experiment_id, trace_id))
    drawer = page.locator("[role=dialog]", has_text="Inputs / Outputs").first
    drawer.locator("h4", has_text="Outputs").first.wait_for(timeout=PATIENCE)
    reasoning = drawer.get_by_text("Reasoning", exact=True)
    if reasoning.count():
        reasoning.first.click(force=True)  # folded until asked for
    return drawer


def _close_panels(page: Page) -> None:
    button = page.get_by_role("button", name="Got it")
    if button.count():
        button.first.click()
