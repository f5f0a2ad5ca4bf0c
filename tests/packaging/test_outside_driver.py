"""The driver that docs/how-to/write-a-driver.md makes: built, installed beside our wheel, and found by its name."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.docs.pages import ROOT, Page
from tests.packaging.conftest import build_wheel, environment_with

pytestmark = [pytest.mark.real, pytest.mark.timeout(300)]

PAGE = Page(ROOT / "docs" / "how-to" / "write-a-driver.md")
FILES = {fence.file: fence.text for fence in PAGE.fences if fence.file is not None}
PROGRAM = """
import asyncio, sys
from broadcastkit import AnonymousEvent, aio, broadcast
event = AnonymousEvent("order.shipped", {"id": 7}, on="private-orders.7")
assert broadcast(event).to_everyone().delivered
async def main():
    assert (await aio.broadcast(event).to_others("1.2")).delivered
asyncio.run(main())
"""
UNKNOWN = """
from broadcastkit import Broadcaster
Broadcaster.from_settings({"driver": "spoool"}).driver()
"""
OF_OURS = """
import sys
from broadcastkit import Broadcaster
Broadcaster.from_settings({"driver": "log"}).driver()
print("broadcast_spool" in sys.modules, "broadcastkit.drivers.outside" in sys.modules)
"""


class Installed(NamedTuple):
    """A Python that has our wheel and the driver's, and an empty folder to run it in."""

    python: Path
    folder: Path

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        command = [str(self.python), *arguments]
        return subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    project = tmp_path_factory.mktemp("broadcast-spool")
    for name in ("pyproject.toml", "broadcast_spool.py"):
        (project / name).write_text(FILES[name], encoding="utf-8")
    built = build_wheel(project, tmp_path_factory.mktemp("outside-wheel"))
    python = environment_with(tmp_path_factory.mktemp("outside"), wheel, built, "pytest")
    return Installed(python, tmp_path_factory.mktemp("run"))


def test_it_keeps_a_drivers_promises_where_it_is_installed(installed: Installed) -> None:
    (installed.folder / "test_spool.py").write_text(FILES["test_spool.py"], encoding="utf-8")

    result = installed.run("-m", "pytest", "-q", "-p", "no:cacheprovider", "test_spool.py")

    assert result.returncode == 0, result.stdout + result.stderr
    assert "2 passed" in result.stdout


def test_the_environment_names_it(installed: Installed) -> None:
    spool = installed.folder / "spool"

    result = installed.run("-c", PROGRAM, BROADCAST_CONNECTION="spool", SPOOL_PATH=str(spool))

    assert result.returncode == 0, result.stderr
    lines = [json.loads(line) for line in spool.read_text(encoding="utf-8").splitlines()]
    line = {"event": "order.shipped", "channel": "private-orders.7", "data": '{"id":7}'}
    assert lines == [line | {"except": None}, line | {"except": "1.2"}]


def test_an_unknown_name_is_told_which_there_are(installed: Installed) -> None:
    result = installed.run("-c", UNKNOWN)

    assert result.returncode == 1
    assert "'spoool' is no driver; there are: embedded, log, memory, null, pusher, redis, socketio, spool" in (
        result.stderr
    )


def test_it_costs_nothing_where_it_is_not_used(installed: Installed) -> None:
    result = installed.run("-c", OF_OURS)

    assert result.stdout.split() == ["False", "False"], result.stderr
