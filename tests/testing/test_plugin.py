"""The pytest plugin, in a pytest of its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib.metadata import entry_points
from typing import TYPE_CHECKING

import pytest

from broadcastkit import AnonymousEvent, broadcast
from broadcastkit.testing import Broadcasts

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

# With the last one, a run under `coverage run` measures these too.
PASSED_ON = re.compile("PATH$|PYTHONPATH$|COVERAGE_")
ENVIRONMENT = {name: value for name, value in os.environ.items() if PASSED_ON.match(name)}

TESTS = """
import pytest
from broadcastkit import AnonymousEvent, Broadcaster, aio, broadcast
from broadcastkit.drivers.null import NullDriver

def test_one(broadcasts):
    broadcast(AnonymousEvent("ping", on="news")).to_others()
    broadcasts.assert_broadcast("ping", on="news", times=1, to_others=True)

def test_another_starts_afresh(broadcasts):
    broadcasts.assert_nothing_broadcast()

@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_async(broadcasts):
    await aio.broadcast(AnonymousEvent("ping", on="news")).to_everyone()
    broadcasts.assert_broadcast("ping", to_others=False)

def test_failing(broadcasts):
    broadcast(AnonymousEvent("ping", {"n": 1}, on="news")).to_others()
    broadcasts.assert_broadcast("pong")
"""
OWN_FIXTURE = """
import pytest
from broadcastkit import Broadcaster
from broadcastkit.drivers.null import NullDriver
from broadcastkit.testing import fake_broadcasts

@pytest.fixture
def broadcaster():
    return Broadcaster({"main": NullDriver()})

@pytest.fixture
def broadcasts(broadcaster):
    with fake_broadcasts(broadcaster, profile="soketi") as broadcasts:
        yield broadcasts
"""
OWN_TEST = """
from broadcastkit import AnonymousEvent

def test_own(broadcasts, broadcaster):
    broadcaster.broadcast(AnonymousEvent("large", "x" * 50_000, on="news")).to_others()
    broadcasts.assert_broadcast("large", via="main")
"""


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., str]:
    """Run a pytest on files of its own; returns what it printed."""

    def run(*arguments: str, **files: str) -> str:
        (tmp_path / "pytest.ini").write_text("[pytest]\n")
        for name, text in files.items():
            (tmp_path / f"{name}.py").write_text(text)
        result = subprocess.run(
            [sys.executable, "-m", "pytest", "-p", "no:randomly", "-p", "no:cacheprovider", *arguments],
            cwd=tmp_path,
            env=ENVIRONMENT,
            capture_output=True,
            text=True,
            check=False,
        )
        return result.stdout + result.stderr

    return run


def test_the_fixture_yields_a_fake_for_one_test(broadcasts: Broadcasts) -> None:
    broadcast(AnonymousEvent("ping", on="news")).to_others()

    assert isinstance(broadcasts, Broadcasts)
    broadcasts.assert_broadcast("ping", times=1)


def test_the_plugin_is_found_by_its_entry_point() -> None:
    found = [point.value for point in entry_points(group="pytest11") if point.name == "broadcastkit"]

    assert found == ["broadcastkit.pytest_plugin"]


def test_a_project_that_installs_broadcastkit_has_the_fixture(run: Callable[..., str]) -> None:
    output = run("-q", test_it=TESTS)

    assert "1 failed, 3 passed" in output
    assert "AssertionError: expected a broadcast of 'pong', found none" in output
    assert 'payload: {"n": 1}' in output
    # the traceback shows the test, not the inside of the assertion
    assert "testing/fake.py" not in output


def test_a_project_may_have_a_fixture_of_its_own(run: Callable[..., str]) -> None:
    assert "1 passed" in run("-q", conftest=OWN_FIXTURE, test_it=OWN_TEST)


def test_the_fixture_says_what_it_is_for(run: Callable[..., str]) -> None:
    output = run("--fixtures", "-v", test_it=TESTS)

    assert "Record what is broadcast during the test instead of sending it" in output


def test_the_plugin_loads_nothing_that_is_not_asked_for() -> None:
    code = (
        "import sys, broadcastkit.pytest_plugin; print('httpx' in sys.modules, 'broadcastkit.testing' in sys.modules)"
    )
    result = subprocess.run([sys.executable, "-c", code], env=ENVIRONMENT, capture_output=True, text=True, check=True)

    assert result.stdout.split() == ["False", "False"]
