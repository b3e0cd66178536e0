"""Fixtures for all tests."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

pytest.register_assert_rewrite("tests.support")  # before what follows imports it

import genspan  # noqa: E402
from tests.support.provider import FakeProvider  # noqa: E402
from tests.support.telemetry import install, instrumentor, telemetry  # noqa: E402

TESTS = Path(__file__).parent
SLOW = (
    *("e2e/", "collector/", "install/", "frameworks/", "langchain/"),  # real servers, wheels, other frameworks
    *(f"house/test_{one}.py" for one in ("examples", "fake_provider", "imports", "benchmark_floor")),
    *(f"core/test_{one}.py" for one in ("distro", "process_end", "prompt_release", "configure")),
    *(f"gemini/test_{one}.py" for one in ("fuzz", "interrupts", "lifetimes", "isolation", "unusual_arguments")),
    *(f"{sdk}/test_{one}.py" for sdk in ("openai", "anthropic") for one in ("hostile", "canary")),
)
"""What starts processes or servers, waits, or goes through very many cases, by its place below this folder."""
FEW = 5
"""How many cases of a matrix `--fast` keeps."""

__all__ = ["install", "instrumentor", "provider", "running_provider", "telemetry"]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--fast", action="store_true", help="without what is slow, and of each matrix a few cases")
    parser.addoption("--at-least", type=int, default=0, help="fail where fewer tests than this have passed")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Why tests were skipped: one line for each reason."""
    reasons = Counter(str(report.longrepr[2]) for report in terminalreporter.stats.get("skipped", ()))
    for reason, count in reasons.most_common():
        terminalreporter.write_line(f"skipped {count}: {reason.removeprefix('Skipped: ').splitlines()[0]}")


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    reporter, least = session.config.pluginmanager.get_plugin("terminalreporter"), session.config.option.at_least
    passed = len(reporter.stats.get("passed", ())) if reporter is not None else least  # a worker of xdist has none
    if passed < least:
        reporter.write_line(f"\nonly {passed} tests passed, of at least {least}", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What the installed version of an SDK lacks cannot be tested on it; what is slow is marked so."""
    for item in items:
        if item.path.relative_to(TESTS).as_posix().startswith(SLOW):
            item.add_marker(pytest.mark.slow)
        for value in getattr(getattr(item, "callspec", None), "params", {}).values():
            if absent := getattr(value, "absent", ""):
                item.add_marker(pytest.mark.skip(reason=absent))

    if config.option.fast:
        kept = _slice([item for item in items if not any(item.iter_markers("slow"))])
        config.hook.pytest_deselected(items=[item for item in items if item not in kept])
        items[:] = [item for item in items if item in kept]


def _slice(items: list[pytest.Item]) -> set[pytest.Item]:
    """Of each test function a few cases, from all over its matrix."""
    cases: dict[str, list[pytest.Item]] = {}
    for item in items:
        cases.setdefault(item.nodeid.partition("[")[0], []).append(item)
    return {found[len(found) * one // FEW] for found in cases.values() for one in range(min(FEW, len(found)))} | {
        item for found in cases.values() if len(found) <= FEW for item in found
    }


@pytest.fixture(scope="module", autouse=True)
def nothing_is_traced_yet():
    """Whatever a module before left behind, a module begins with every SDK as it is."""
    genspan.uninstrument()


@pytest.fixture(scope="session")
def running_provider():
    with FakeProvider() as running:
        yield running


@pytest.fixture
def provider(running_provider: FakeProvider):
    """A provider with an empty ledger and no script."""
    running_provider.reset()
    yield running_provider
    running_provider.reset()
