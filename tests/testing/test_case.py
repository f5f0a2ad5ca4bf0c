"""BroadcastTestCase: the fake in unittest's, its async and Django's test cases."""

from __future__ import annotations

import asyncio
import unittest
from typing import TYPE_CHECKING, Any

import pytest

from tests.integrations.django_project import stage  # noqa: F401 - it sets Django up, for what is imported below

# isort: split
import django.test

from broadcastkit import AnonymousEvent, Broadcaster, aio, broadcast
from broadcastkit.drivers.memory import MemoryDriver
from broadcastkit.testing import Broadcasts, BroadcastTestCase, fake_broadcasts, suppress
from tests.testing.orders import ping

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

driver = MemoryDriver()
mine = Broadcaster(driver)


def run(case: Any) -> unittest.TestResult:
    suite = unittest.defaultTestLoader.loadTestsFromTestCase(case)
    return suite.run(unittest.TestResult())


def failures(result: unittest.TestResult) -> list[str]:
    return [text for _, text in [*result.failures, *result.errors]]


class Blocking:
    """The tests of each kind of case; no case itself, or pytest would run it."""

    broadcasts: Broadcasts
    addCleanup: Any  # noqa: N815

    def setUp(self) -> None:
        # without super(): the fake is there all the same
        broadcast(ping(0)).to_everyone()
        self.addCleanup(self.cleaned_up)

    def test_one(self) -> None:
        broadcast(ping(1)).to_others()
        self.broadcasts.assert_broadcast("ping", times=2)

    def test_another_starts_afresh(self) -> None:
        self.broadcasts.assert_broadcast("ping", times=1, payload={"number": 0})

    def test_failing(self) -> None:
        self.broadcasts.assert_broadcast("pong")

    def tearDown(self) -> None:
        broadcast(ping(9)).to_everyone()

    def cleaned_up(self) -> None:
        self.broadcasts.assert_broadcast("ping", payload={"number": 9})


class Awaited:
    broadcasts: Broadcasts

    async def asyncSetUp(self) -> None:
        await aio.broadcast(ping(0)).to_everyone()

    async def test_both_colours(self) -> None:
        await aio.broadcast(ping(1)).to_everyone()
        await asyncio.to_thread(lambda: broadcast(ping(2)).to_everyone())
        assert [record.payload["number"] for record in self.broadcasts.recorded] == [0, 1, 2]


class AwaitedByDjango:
    broadcasts: Broadcasts

    async def test_awaited(self) -> None:
        await aio.broadcast(ping(1)).to_everyone()
        self.broadcasts.assert_broadcast("ping", times=1)


KINDS = [BroadcastTestCase, unittest.IsolatedAsyncioTestCase, django.test.TestCase]


def both(kind: type[unittest.TestCase], *, first: bool = True) -> tuple[type, ...]:
    """Return our case and another kind, in one order or the other."""
    bases = (BroadcastTestCase, kind) if first else (kind, BroadcastTestCase)
    return tuple(dict.fromkeys(bases))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("first", [True, False])
def test_in_any_kind_of_case_and_in_any_order(kind: type[unittest.TestCase], first: bool) -> None:
    result = run(type("Tests", (Blocking, *both(kind, first=first)), {}))

    assert result.testsRun == 3
    (failure,) = failures(result)
    assert "AssertionError: expected a broadcast of 'pong', found none" in failure
    assert 'payload: {"number": 0}' in failure


@pytest.mark.parametrize("first", [True, False])
def test_async_tests(first: bool) -> None:
    result = run(type("Tests", (Awaited, *both(unittest.IsolatedAsyncioTestCase, first=first)), {}))

    assert (result.testsRun, failures(result)) == (1, [])


@pytest.mark.parametrize("first", [True, False])
def test_async_tests_of_django(first: bool) -> None:
    result = run(type("Tests", (AwaitedByDjango, *both(django.test.TestCase, first=first)), {}))

    assert (result.testsRun, failures(result)) == (1, [])


def test_data_made_once_for_the_class_is_made_in_silence() -> None:
    class Tests(BroadcastTestCase, django.test.TestCase):  # type: ignore[misc]
        @classmethod
        @suppress()
        def setUpTestData(cls) -> None:
            broadcast(ping()).to_everyone()

        def test_it(self) -> None:
            self.broadcasts.assert_nothing_broadcast()

    result = run(Tests)
    assert (result.testsRun, failures(result)) == (1, [])


def test_broadcasters_of_ones_own_are_named_in_a_method() -> None:
    class Tests(BroadcastTestCase):
        def fake_broadcasts(self) -> AbstractContextManager[Broadcasts]:
            return fake_broadcasts(mine, profile="soketi")

        def test_own(self) -> None:
            mine.broadcast(AnonymousEvent("large", "x" * 50_000, on="news")).to_everyone()
            self.broadcasts.assert_broadcast("large")

    assert failures(run(Tests)) == []
    assert driver.messages == []


@pytest.mark.parametrize("kind", KINDS)
def test_debug_runs_inside_the_fake_too(kind: type[unittest.TestCase]) -> None:
    class Tests(BroadcastTestCase):
        def test_it(self) -> None:
            broadcast(ping()).to_everyone()
            self.broadcasts.assert_broadcast("ping", times=1)

    type("Both", (Tests, kind) if kind is not BroadcastTestCase else (Tests,), {})("test_it").debug()


class TestUnderPytest(BroadcastTestCase):
    """Run by pytest itself."""

    def test_it(self) -> None:
        broadcast(ping()).to_everyone()
        self.broadcasts.assert_broadcast("ping", times=1)
