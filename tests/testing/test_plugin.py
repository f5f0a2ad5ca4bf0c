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

MARKED = """
import pytest
from broadcastkit import AnonymousEvent, Broadcaster, broadcast
from broadcastkit.drivers.memory import MemoryDriver
from broadcastkit.errors import ConfigurationError, PayloadTooLargeError

drivers = [MemoryDriver(), MemoryDriver()]
mine, other = (Broadcaster({"main": driver}) for driver in drivers)
pytestmark = pytest.mark.broadcasts(mine, profile="soketi")
LARGE = AnonymousEvent("large", "x" * 50_000, on="news")

@pytest.fixture
def order():
    broadcast(AnonymousEvent("order.created", on="news")).to_everyone()

def test_module(broadcasts):
    mine.broadcast(LARGE).to_everyone()
    broadcasts.assert_broadcast("large", via="main")

def test_without_asking_for_the_fixture(order):
    assert mine.broadcast(LARGE).to_everyone().delivered
    assert drivers[0].messages == []

@pytest.mark.broadcasts(other, connections=["redis", "audit"])
class TestClass:
    def test_adds(self, broadcasts):
        mine.broadcast(LARGE).to_everyone()
        other.broadcast(LARGE).to_everyone()
        broadcast(LARGE).to_everyone()
        broadcasts.assert_broadcast("large", via="main", times=2)
        broadcasts.assert_broadcast("large", via="redis", times=1)
        with pytest.raises(ConfigurationError, match="there are: redis, audit"):
            broadcast(LARGE).via("pusher").to_everyone()

    @pytest.mark.broadcasts(profile="pusher", connections="reverb")
    def test_nearest_wins(self, broadcasts):
        with pytest.raises(PayloadTooLargeError):
            other.broadcast(LARGE).to_everyone()
        broadcast(AnonymousEvent("small", on="news")).to_everyone()
        broadcasts.assert_broadcast("small", via="reverb")
"""
MARKED_CASE = """
import unittest
import pytest
from broadcastkit import AnonymousEvent, broadcast

@pytest.mark.broadcasts
class Tests(unittest.TestCase):
    def test_it(self):
        assert broadcast(AnonymousEvent("ping", on="news")).to_everyone().delivered
"""
WRONG = """
import pytest

@pytest.mark.broadcasts(profil="reverb", via=["redis"])
def test_unknown(broadcasts): ...

@pytest.mark.broadcasts("reverb")
def test_no_broadcaster(): ...

@pytest.mark.broadcasts(profile="pushr")
def test_no_profile(broadcasts): ...
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


def test_the_marker_takes_options_and_gives_the_fixture(run: Callable[..., str]) -> None:
    output = run("-q", "--strict-markers", "-W", "error", test_marked=MARKED, test_case=MARKED_CASE)

    assert "5 passed" in output


def test_a_wrong_option_is_named(run: Callable[..., str]) -> None:
    output = run("-q", test_wrong=WRONG)

    assert "3 errors" in output
    assert "@pytest.mark.broadcasts: takes broadcasters, profile and connections, not profil, via\n" in output
    assert "@pytest.mark.broadcasts: takes Broadcaster and AsyncBroadcaster objects, not 'reverb'\n" in output
    assert "@pytest.mark.broadcasts: profile" in output
    # the option is what is wrong, not the code that found it
    assert "Traceback" not in output
    assert "pytest_plugin.py" not in output


def test_the_marker_is_among_those_that_pytest_lists(run: Callable[..., str]) -> None:
    assert "@pytest.mark.broadcasts(*broadcasters, profile='pusher', connections=())" in run("--markers")


def test_the_fixture_says_what_it_is_for(run: Callable[..., str]) -> None:
    output = run("--fixtures", "-v", test_it=TESTS)

    assert "Record what is broadcast during the test instead of sending it" in output


def test_the_plugin_loads_nothing_that_is_not_asked_for() -> None:
    code = (
        "import sys, broadcastkit.pytest_plugin; print('httpx' in sys.modules, 'broadcastkit.testing' in sys.modules)"
    )
    result = subprocess.run([sys.executable, "-c", code], env=ENVIRONMENT, capture_output=True, text=True, check=True)

    assert result.stdout.split() == ["False", "False"]
