"""What holds for every test: a clean environment, no skips in CI, and the time that each tier took."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Generator
from pathlib import Path

import pytest

from tests.packages import packaged_for_this_machine

NO_SKIPS = "BURGEE_NO_SKIPS"
_MEANT_FOR_TESTS = (NO_SKIPS, "BURGEE_TEST_PORT", "BURGEE_DIFFERENTIAL")
_TESTS = Path(__file__).parent
_seconds: dict[str, float] = defaultdict(float)
_counts: dict[str, int] = defaultdict(int)


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the developer has set for burgee or git is not what a test runs with."""
    for name in list(os.environ):
        if name == "PORT" or (name.startswith("BURGEE_") and not name.startswith(_MEANT_FOR_TESTS)):
            monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    # Nothing of a test is kept for the next one, or in the developer's home.
    monkeypatch.setenv("BURGEE_CACHE", "off")


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The deployment packages of all functions for this machine, which take a while to make; nobody changes them."""
    return packaged_for_this_machine(tmp_path_factory.mktemp("packages"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if os.environ.get(NO_SKIPS) and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped, and {NO_SKIPS} is set: {report.longrepr}"
    tier = Path(item.path).relative_to(_TESTS).parts[0]
    _seconds[tier] += report.duration
    _counts[tier] += report.when == "call"
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    terminalreporter.section("time per tier")
    for tier in sorted(_seconds):
        terminalreporter.write_line(f"{tier:<14}{_counts[tier]:>6} tests {_seconds[tier]:>8.1f} s")
