"""Tests in a process of their own, one for each process of pytest, with a report for each test.

Django is configured once for a process, and the tests of the integration have configured it for another project. So
the files that need the application in their own process are collected and run by a second pytest. This one shows
their tests under the same names, and asks for them one by one.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from multiprocessing.connection import Connection, Pipe
from pathlib import Path
from typing import Any, NamedTuple

import pytest

__all__ = ["INSIDE", "File", "OwnProcess", "Verdict"]

PIPE = "ARTISAN_JOBS_TESTS_PIPE"
INSIDE = PIPE in os.environ
"""Whether this is the second pytest."""

TIMEOUT = 10


class Verdict(NamedTuple):
    """How a test ended: `passed`, `failed` or `skipped`, and what pytest says of it."""

    outcome: str
    text: str


# -- the first pytest --------------------------------------------------------------------------------------------------


class OwnProcess:
    """A pytest that runs the tests it is asked for, in this folder."""

    def __init__(self, config: pytest.Config, files: list[Path]) -> None:
        self._pipe, theirs = Pipe()
        self._printed = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as the process
        options = ["-p", __name__, "-p", "no:xdist", "-p", "no:randomly", "-p", "no:cacheprovider", "--quiet"]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "pytest", *options, *map(str, files)],
            cwd=config.rootpath,
            env=os.environ | {PIPE: str(theirs.fileno())},
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=self._printed,
            stderr=subprocess.STDOUT,
        )
        theirs.close()
        self.tests: list[str] = self._receive()

    def run(self, nodeid: str) -> Verdict:
        self._pipe.send(nodeid)
        verdict: Verdict = self._receive()
        return verdict

    def close(self) -> None:
        self._pipe.close()  # at which it ends by itself
        try:
            self._process.wait(TIMEOUT)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._printed.close()

    def _receive(self) -> Any:
        try:
            return self._pipe.recv()
        except EOFError:
            self._process.wait(TIMEOUT)
            self._printed.seek(0)
            raise EndedError(self._printed.read().decode(errors="replace")) from None


class EndedError(Exception):
    """The other pytest has ended; the text is what it printed."""


_KEY = pytest.StashKey[OwnProcess]()


def _of(config: pytest.Config, folder: Path, elsewhere: frozenset[str]) -> OwnProcess:
    if _KEY not in config.stash:
        files = [path for path in sorted(folder.glob("test_*.py")) if path.name not in elsewhere]
        config.stash[_KEY] = OwnProcess(config, files)
        config.add_cleanup(config.stash[_KEY].close)
    return config.stash[_KEY]


class File(pytest.File):
    """A file of tests, as the other pytest sees it; those in `here` run in this one."""

    here: frozenset[str] = frozenset()

    def collect(self) -> Iterator[pytest.Item]:
        if self.config.getoption("markexpr") in {"real", "browser"}:
            return  # no test in there is marked so
        try:
            process = _of(self.config, self.path.parent, self.here)
        except EndedError as ended:
            raise self.CollectError(str(ended)) from None
        for nodeid in process.tests:
            path, _, name = nodeid.partition("::")
            if path == self.nodeid:
                yield Test.from_parent(self, name=name)


class Test(pytest.Item):
    __test__ = False

    def runtest(self) -> None:
        verdict = self.config.stash[_KEY].run(self.nodeid)
        if verdict.outcome == "skipped":
            pytest.skip(verdict.text)
        if verdict.outcome != "passed":
            raise FailedError(verdict.text)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], *args: Any, **kwargs: Any) -> Any:
        if isinstance(excinfo.value, (FailedError, EndedError)):
            return str(excinfo.value)
        return super().repr_failure(excinfo, *args, **kwargs)

    def reportinfo(self) -> tuple[Path, None, str]:
        return self.path, None, self.name


class FailedError(Exception):
    """What the other pytest says of a test that failed."""


# -- the second pytest, whose plugin this module is --------------------------------------------------------------------


def pytest_runtestloop(session: pytest.Session) -> bool | None:
    """Run what is asked for, until nobody asks any more."""
    if not INSIDE or session.testsfailed:
        return None
    pipe = Connection(int(os.environ[PIPE]))
    asked = {item.nodeid: item for item in session.items}
    pipe.send(list(asked))
    while True:
        try:
            item = asked[pipe.recv()]
        except EOFError:
            return True
        _reports.clear()
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)
        pipe.send(_verdict())


_reports: list[pytest.TestReport] = []


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if INSIDE:
        _reports.append(report)


def _verdict() -> Verdict:
    for outcome in ("failed", "skipped"):
        texts = [_text(report) for report in _reports if report.outcome == outcome]
        if texts:
            return Verdict(outcome, "\n".join(texts))
    return Verdict("passed", "")


def _text(report: pytest.TestReport) -> str:
    sections = "".join(f"\n-- {title}\n{content}" for title, content in report.sections)
    return f"{report.longreprtext}{sections}"
