"""What an MLflow server keeps of a program that was run as a user runs it."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from tests.support.provider import FakeProvider
from tests.support.zero_code import ROOT, run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.support.mlflow_server import MlflowServer
    from tests.support.provider import Ledger


class Stored:
    """A trace as MLflow gives it back."""

    def __init__(self, trace: dict[str, Any]) -> None:
        self.info = trace["trace_info"]
        self.spans = [(span["name"], _read(span["attributes"]), span) for span in trace["spans"]]
        self.text = json.dumps(trace)

    @property
    def usage(self) -> dict[str, int]:
        return json.loads(self.info.get("trace_metadata", {}).get("mlflow.trace.tokenUsage", "{}"))

    def span(self, name: str) -> dict[str, Any]:
        return next(attributes for found, attributes, _ in self.spans if found.startswith(name))


def _read(attributes: list[dict[str, Any]]) -> dict[str, Any]:
    """MLflow gives JSON content back as structures, and what is empty or text alone as text."""
    return {item["key"]: _plain(item.get("value", {})) for item in attributes}


def _plain(value: dict[str, Any]) -> Any:
    kind, member = next(iter(value.items()), ("null", None))
    if kind == "kvlist_value":
        return _read(member.get("values", []))
    if kind == "array_value":
        return [_plain(item) for item in member.get("values", [])]
    return int(member) if kind == "int_value" else member


class Run(NamedTuple):
    """What the provider has billed, and the traces of the experiment."""

    ledger: Ledger
    traces: list[Stored]

    def about(self, words: str) -> Stored:
        """The one trace whose first question has these words."""
        previews = [trace.info.get("request_preview", "") for trace in self.traces]
        found = [trace for trace, preview in zip(self.traces, previews, strict=True) if words in preview]
        assert len(found) == 1, previews
        return found[0]

    def tokens_are_those_billed(self) -> None:
        total = self.ledger.total()
        assert sum(trace.usage.get("input_tokens", 0) for trace in self.traces) == total.input > 0
        assert sum(trace.usage.get("output_tokens", 0) for trace in self.traces) == total.output > 0


@contextmanager
def run_and_read(
    server: MlflowServer, program: str, experiment: str, env: Callable[[str], dict[str, str]]
) -> Iterator[Run]:
    """Run one of the programs beside the tests, whose variables are `env(provider's URL)`, without a word of code."""
    with FakeProvider() as provider:
        settings = {"MLFLOW_TRACKING_URI": server.uri, "MLFLOW_EXPERIMENT_NAME": experiment, **env(provider.url)}
        done = run(ROOT / f"tests/e2e/programs/{program}", settings, provider.url)
        assert done.returncode == 0, done.stderr
        assert "Traceback" not in done.stderr
        found = [Stored(server.trace(info["trace_id"])) for info in server.trace_infos(experiment)]
        yield Run(provider.ledger, found)
