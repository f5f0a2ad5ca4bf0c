"""A blocking broadcast inside an event loop warns, at the line that made it, and names the other module."""

from __future__ import annotations

import asyncio
import inspect
import warnings
from typing import TYPE_CHECKING, Any

import pytest

from broadcastkit import AnonymousEvent, Broadcaster, broadcast, broadcast_many, configure
from broadcastkit.errors import SyncInEventLoopWarning
from tests.broadcaster.stand_ins import Told

if TYPE_CHECKING:
    from collections.abc import Callable


def ping() -> AnonymousEvent:
    return AnonymousEvent("ping", on="news")


@pytest.fixture
def told() -> Told:
    """A connection that waits for a network, or says so."""
    told = Told(blocking=True)
    configure(Broadcaster(told.sync()))
    return told


LINES: dict[str, Callable[[Broadcaster], Any]] = {
    "broadcast": lambda _: broadcast(ping()).to_others(),
    "broadcast_many": lambda _: broadcast_many([ping()]).to_everyone(),
    "with modifiers": lambda _: broadcast(ping()).on("a").to_others(),
    "a broadcaster's": lambda broadcaster: broadcaster.broadcast(ping()).to_everyone(),
    "a broadcaster's many": lambda broadcaster: broadcaster.broadcast_many([ping()]).to_others(),
}


@pytest.mark.parametrize("line", LINES.values(), ids=LINES)
async def test_it_points_at_the_line_and_names_the_module(told: Told, line: Callable[[Broadcaster], Any]) -> None:
    broadcaster = Broadcaster(told.sync())

    with pytest.warns(SyncInEventLoopWarning, match=r"from broadcastkit\.aio import broadcast") as caught:
        line(broadcaster)

    assert [(warning.filename, warning.lineno) for warning in caught] == [(__file__, line.__code__.co_firstlineno)]
    assert told.events == ["ping"], "it is sent all the same"


async def test_it_points_at_the_caller_inside_a_helper_too(told: Told) -> None:
    def helper() -> None:
        broadcast(ping()).to_others()

    with pytest.warns(SyncInEventLoopWarning) as caught:
        helper()

    assert caught[0].lineno == inspect.getsourcelines(helper)[1] + 1


async def test_it_is_said_once_for_a_line(told: Told) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        for _ in range(3):
            broadcast(ping()).to_others()

    assert len(caught) == 1


@pytest.mark.filterwarnings("error")
async def test_a_driver_that_does_not_wait_is_no_trouble() -> None:
    Broadcaster(Told(blocking=False).sync()).broadcast(ping()).to_others()


@pytest.mark.filterwarnings("error")
async def test_a_worker_thread_is_the_right_place(told: Told) -> None:
    await asyncio.to_thread(lambda: broadcast(ping()).to_others())

    assert told.events == ["ping"]


@pytest.mark.filterwarnings("error")
def test_without_an_event_loop_there_is_nothing_to_say(told: Told) -> None:
    broadcast(ping()).to_others()

    async def nothing() -> None:
        """Do nothing: a loop that has run is not one that runs."""

    asyncio.run(nothing())
    broadcast(ping()).to_others()
    assert told.events == ["ping", "ping"]


@pytest.mark.filterwarnings("error")
async def test_what_sends_nothing_does_not_warn(told: Told) -> None:
    broadcast(ping()).on().to_others()

    assert told.sent == []
