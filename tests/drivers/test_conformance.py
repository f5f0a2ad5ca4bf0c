"""The published conformance suite over every driver of ours, and over soketi with a pusher-js that listens."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from anyio import to_thread

from broadcastkit.core.message import Message
from broadcastkit.drivers import DRIVERS
from broadcastkit.drivers.base import Outcome
from broadcastkit.drivers.guarded import AsyncGuarded, Breaker, Guarded
from broadcastkit.drivers.log import AsyncLogDriver, LogDriver
from broadcastkit.drivers.memory import AsyncMemoryDriver, MemoryDriver
from broadcastkit.drivers.null import AsyncNullDriver, NullDriver
from broadcastkit.drivers.pusher import AsyncPusherDriver, PusherDriver
from broadcastkit.drivers.pusher.profiles import PROFILES
from broadcastkit.errors import ConnectError
from broadcastkit.testing import CHECKED_CHANNELS, Arrival, check_async_driver, check_driver
from broadcastkit.testing.stand_in import AsyncFakeDriver, FakeDriver
from tests.interop.arrivals import Arrivals

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.drivers.scripted import ScriptedServer
    from tests.interop.clients import PusherJsClient
    from tests.interop.servers import PusherServer

SYNC = {
    "log": LogDriver,
    "null": NullDriver,
    "memory": MemoryDriver,
    "fake": lambda: FakeDriver("pusher"),
    "guarded": lambda: Guarded(MemoryDriver(), breaker=Breaker(), fallback=NullDriver()),
}
ASYNC = {
    "log": AsyncLogDriver,
    "null": AsyncNullDriver,
    "memory": AsyncMemoryDriver,
    "fake": lambda: AsyncFakeDriver("pusher"),
    "guarded": lambda: AsyncGuarded(AsyncMemoryDriver(), breaker=Breaker(), fallback=AsyncNullDriver()),
}
# With soketi, the pusher driver below; with the embedded server, tests/server; redis, in tests/real;
# socketio, in tests/drivers/socketio.
PROVEN = {*SYNC, "embedded", "pusher", "redis", "socketio"}


def test_no_driver_is_forgotten() -> None:
    assert set(DRIVERS) <= PROVEN


@pytest.mark.parametrize("make", SYNC.values(), ids=SYNC)
def test_a_blocking_driver_conforms(make: Callable[[], Any]) -> None:
    check_driver(make)


@pytest.mark.parametrize("make", ASYNC.values(), ids=ASYNC)
async def test_an_awaited_driver_conforms(make: Callable[[], Any]) -> None:
    await check_async_driver(make)


class Kept:
    """Reads what a memory driver kept as a subscriber of CHECKED_CHANNELS would have got it."""

    def __init__(self) -> None:
        self.messages: list[Message] = []

    def received(self, fence: str) -> list[Arrival]:
        kept, self.messages[:] = list(self.messages), []
        assert kept[-1].event == fence
        return [Arrival(message.event, name, json.loads(message.data)) for message in kept for name in message.channels]


def test_memory_keeps_what_was_sent_as_it_was() -> None:
    kept = Kept()
    check_driver(lambda: MemoryDriver(kept.messages), received=kept.received)


async def test_the_awaited_memory_keeps_what_was_sent_as_it_was() -> None:
    kept = Kept()

    async def received(fence: str) -> list[Arrival]:
        return kept.received(fence)

    await check_async_driver(lambda: AsyncMemoryDriver(kept.messages), received=received)


class Gone(MemoryDriver):
    """Has nobody to send to."""

    def take(self, message: Message) -> Outcome:
        return ConnectError("nobody there")


class AsyncGone(AsyncMemoryDriver):
    def take(self, message: Message) -> Outcome:
        return ConnectError("nobody there")


def test_what_falls_back_arrives_as_it_was() -> None:
    kept = Kept()
    check_driver(
        lambda: Guarded(Gone(), breaker=Breaker(failures=2), fallback=MemoryDriver(kept.messages)),
        received=kept.received,
    )


async def test_so_does_what_the_awaited_twin_sends() -> None:
    kept = Kept()

    async def received(fence: str) -> list[Arrival]:
        return kept.received(fence)

    await check_async_driver(
        lambda: AsyncGuarded(AsyncGone(), breaker=Breaker(failures=2), fallback=AsyncMemoryDriver(kept.messages)),
        received=received,
    )


# -- a service that says yes and tells nothing, whichever it is said to be ---------------------------------------------


@pytest.mark.parametrize("profile", PROFILES)
def test_the_pusher_driver_conforms_with_each_profile(scripted: Callable[..., ScriptedServer], profile: str) -> None:
    url = f"http://key-1:secret-1@127.0.0.1:{scripted().port}/apps/app-1"

    check_driver(
        lambda: PusherDriver.from_url(url, profile=profile), too_large=1_048_577, secrets=["key-1", "secret-1"]
    )


@pytest.mark.parametrize("profile", PROFILES)
async def test_so_does_its_awaited_twin(scripted: Callable[..., ScriptedServer], profile: str) -> None:
    url = f"http://key-1:secret-1@127.0.0.1:{scripted().port}/apps/app-1"

    await check_async_driver(
        lambda: AsyncPusherDriver.from_url(url, profile=profile), too_large=1_048_577, secrets=["key-1", "secret-1"]
    )


# -- soketi and pusher-js ----------------------------------------------------------------------------------------------


class Listener:
    """A pusher-js that has subscribed to CHECKED_CHANNELS."""

    def __init__(self, client: PusherJsClient, server: PusherServer) -> None:
        self._client = client
        self.socket_id = client.connect(server)
        for channel in CHECKED_CHANNELS:
            client.subscribe(channel)

    def received(self, fence: str) -> list[Arrival]:
        arrivals = Arrivals(fence)
        while arrivals.take(self._client.next_event()):
            pass
        return arrivals.events


@pytest.mark.real
def test_the_pusher_driver_conforms_with_soketi(soketi: PusherServer, pusher_js: Callable[[], PusherJsClient]) -> None:
    listener = Listener(pusher_js(), soketi)

    check_driver(
        lambda: PusherDriver.from_url(soketi.url, profile="soketi"),
        received=listener.received,
        socket_id=listener.socket_id,
        too_large=102_400,
        secrets=[soketi.key, soketi.secret],
    )


@pytest.mark.real
async def test_its_awaited_twin_conforms_with_soketi(
    soketi: PusherServer, pusher_js: Callable[[], PusherJsClient]
) -> None:
    listener = await to_thread.run_sync(lambda: Listener(pusher_js(), soketi))

    async def received(fence: str) -> list[Arrival]:
        return await to_thread.run_sync(listener.received, fence)

    await check_async_driver(
        lambda: AsyncPusherDriver.from_url(soketi.url, profile="soketi"),
        received=received,
        socket_id=listener.socket_id,
        too_large=102_400,
        secrets=[soketi.key, soketi.secret],
    )
