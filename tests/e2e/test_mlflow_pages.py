"""What a person sees in MLflow: the list of traces, and one trace with its chat, in headless Chromium."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.browser import browser_page
from tests.support.mlflow_page import open_list, open_trace
from tests.support.provider import FakeProvider
from tests.support.zero_code import ROOT, run

if TYPE_CHECKING:
    from tests.support.mlflow_server import MlflowServer

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]
EXPERIMENT = "pages"


@pytest.fixture(scope="module")
def pages(mlflow_server: MlflowServer):
    """The text of the list and of the trace, the widths of its pictures as decoded, and the thought."""
    with FakeProvider() as provider:
        env = {"MLFLOW_TRACKING_URI": mlflow_server.uri, "MLFLOW_EXPERIMENT_NAME": EXPERIMENT}
        done = run(ROOT / "tests/e2e/programs/one_of_each.py", env, provider.url)
        assert done.returncode == 0, done.stderr
    thought = done.stdout.splitlines()[1]
    experiment, trace = mlflow_server.experiment_id(EXPERIMENT), mlflow_server.trace_infos(EXPERIMENT)[0]["trace_id"]
    with browser_page() as page:
        listed = open_list(page, mlflow_server.uri, experiment)
        drawer = open_trace(page, mlflow_server.uri, experiment, trace)
        pictures = drawer.locator("img[src^='data:image/png']")
        widths = [picture.evaluate("image => image.naturalWidth") for picture in pictures.all()]
        return listed, drawer.inner_text(), widths, thought


def test_the_list_shows_question_and_answer_as_text(pages):
    listed = pages[0]
    assert "Is this the sky over Lisbon?" in listed
    assert "violet" in listed
    assert '"parts"' not in listed
    assert '"role"' not in listed


def test_the_trace_shows_each_part_of_the_conversation_once(pages):
    _, shown, widths, thought = pages
    for once in ("Answer like a sailor.", "Is this the sky over Lisbon?", "Lisbon-by-the-sea", thought):
        assert shown.count(once) == 1, (once, shown)
    assert widths == [64]
    # The tool's result is repeated by the answer, which is shown once itself.
    assert shown.count("violet") == 2
    for heading in ("System", "User", "Tool"):
        assert heading in shown
    assert "Tools" in shown


def test_the_trace_is_a_chat_and_not_a_dump(pages):
    shown = pages[1]
    assert "parts:" not in shown
    assert "finish_reason" not in shown
