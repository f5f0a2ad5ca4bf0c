"""What holds for every test: no setting of the developer's reaches it, and CI skips nothing."""

from __future__ import annotations

import inspect
import os
import re
from typing import TYPE_CHECKING

import hypothesis
import pytest
from blockbuster import blockbuster_ctx

if TYPE_CHECKING:
    from collections.abc import Iterator

pytest_plugins = ["tests.interop.fixtures"]

# Read by broadcastkit or by an HTTP client it uses.
FOREIGN_SETTINGS = re.compile(r"(BROADCAST|PUSHER|REVERB|REDIS|SOCKETIO|MAIL)_.*|.*_proxy", re.IGNORECASE)

hypothesis.settings.register_profile("dev", deadline=None)
# The same examples on every run: a red build is about the change in it.
hypothesis.settings.register_profile("ci", deadline=None, derandomize=True)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "dev")


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take away every environment variable that would steer the code under test."""
    for name in filter(FOREIGN_SETTINGS.fullmatch, list(os.environ)):
        monkeypatch.delenv(name)


@pytest.fixture
def anyio_backend() -> str:
    """Run async tests on asyncio (`anyio_mode = "auto"` in pyproject.toml runs them)."""
    return "asyncio"


@pytest.fixture(autouse=True)
def no_blocking_calls(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail an async test in which broadcastkit blocks the event loop."""
    if not inspect.iscoroutinefunction(getattr(request.node, "obj", None)):
        yield
        return
    with blockbuster_ctx("broadcastkit") as blockbuster:
        for function in blockbuster.functions.values():
            # once, when a connection is made: as an import does, which blockbuster lets pass by itself
            function.can_block_in("broadcastkit/drivers/outside.py", {"entry_point", "names"})
        yield


def _not_run(reporter: pytest.TerminalReporter) -> list[str]:
    """Return what CI holds against this run: each test that was skipped or was expected to fail."""
    if not os.environ.get("CI"):
        return []
    return [f"{how}: {report.nodeid}" for how in ("skipped", "xfailed") for report in reporter.stats.get(how, ())]


def pytest_sessionfinish(session: pytest.Session) -> None:
    """In CI a test that did not run is a test that failed."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if session.exitstatus == pytest.ExitCode.OK and reporter and _not_run(reporter):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name the tests that CI does not let pass."""
    for line in _not_run(terminalreporter):
        terminalreporter.write_line(f"not allowed in CI: {line}", red=True)
