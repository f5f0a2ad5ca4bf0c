"""A unique event that a task queue has taken: its claim goes with it, where the store is one for all processes."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from broadcastkit import AsyncBroadcaster, Broadcaster, Event, Receipt
from broadcastkit.core.message import Message
from broadcastkit.delivery import Delivery, Queued
from broadcastkit.delivery.repeats import MemoryRepeats
from broadcastkit.delivery.watched import Watched
from broadcastkit.drivers.null import AsyncNullDriver, NullDriver


class Refresh(Event, unique=60.0):
    def broadcast_on(self) -> str:
        return "news"


class Shared(MemoryRepeats):
    """As a Redis is."""

    shared = True


class Taking(Delivery):
    """A queue that takes everything."""

    carries = True

    def __init__(self) -> None:
        self.taken: list[Message] = []

    def deliver(self, connection: str, driver: object, messages: Sequence[Message]) -> Sequence[Queued]:
        del connection, driver
        self.taken += messages
        return [Queued()] * len(messages)

    async def adeliver(self, connection: str, driver: object, messages: Sequence[Message]) -> Sequence[Queued]:
        return self.deliver(connection, driver, messages)


class Side:
    """Broadcasters of both colors, by name."""

    def __init__(self, color: str, store: MemoryRepeats, *connections: str) -> None:
        self.delivery = Taking()
        default = connections[0]
        self._awaited = AsyncBroadcaster(
            {name: AsyncNullDriver() for name in connections}, default=default, delivery=self.delivery, repeats=store
        )
        self._blocking = Broadcaster(
            {name: NullDriver() for name in connections}, default=default, delivery=self.delivery, repeats=store
        )
        self._color = color
        self._via = connections

    async def broadcast(self) -> Receipt:
        if self._color == "async":
            return await self._awaited.broadcast(Refresh()).via(*self._via).to_everyone()
        return self._blocking.broadcast(Refresh()).via(*self._via).to_everyone()


COLORS = pytest.mark.parametrize("color", ["sync", "async"])


@COLORS
async def test_it_is_pending_until_its_claim_is_freed(color: str) -> None:
    store = Shared()
    side = Side(color, store, "main")
    assert [(await side.broadcast()).dropped for _ in range(2)] == [None, "unique"]

    (message,) = side.delivery.taken
    assert isinstance(message, Watched)
    assert message.claim is not None
    assert message._replace(channels=("left",)).claim == message.claim
    store.release([message.claim])
    assert (await side.broadcast()).dropped is None


@COLORS
async def test_over_several_connections_nobody_knows_which_is_the_last(color: str) -> None:
    side = Side(color, Shared(), "main", "other")
    assert [(await side.broadcast()).dropped for _ in range(2)] == [None, None]
    assert [getattr(message, "claim", None) for message in side.delivery.taken] == [None] * 4


@COLORS
async def test_a_store_of_one_process_frees_it_when_it_is_taken(color: str) -> None:
    side = Side(color, MemoryRepeats(), "main")
    assert [(await side.broadcast()).dropped for _ in range(2)] == [None, None]
