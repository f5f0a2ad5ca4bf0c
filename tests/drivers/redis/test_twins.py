"""The two shells of the Redis driver, and of its transport, differ in their colour only."""

from __future__ import annotations

from typing import Any

import pytest

from broadcastkit.drivers import playing
from broadcastkit.drivers.redis import AsyncRedisDriver, RedisDriver
from broadcastkit.drivers.redis_io import transport
from tests.drivers.test_twins import parameters, uncoloured

TWINS = {
    "async_client": "sync_client",
    "async_connections": "sync_connections",
    "aplay": "play",
    "Awaitable[Sequence[ReplyT]]": "Sequence[ReplyT]",
    "_aone": "_one",
    "_atogether": "_together",
}


def same(code: str) -> str:
    for awaited, sync in TWINS.items():
        code = code.replace(awaited, sync)
    return code


def test_the_drivers() -> None:
    assert same(uncoloured(RedisDriver)) == same(uncoloured(AsyncRedisDriver))


@pytest.mark.parametrize(
    ("sync", "awaited"),
    [
        (transport._together, transport._atogether),
        (transport._one_by_one, transport._aone_by_one),
        (playing.play, playing.aplay),
    ],
)
def test_how_commands_are_run(sync: Any, awaited: Any) -> None:
    assert same(uncoloured(sync)) == same(uncoloured(awaited))


def test_the_protocols() -> None:
    assert parameters(transport.Transport.run) == parameters(transport.AsyncTransport.run)
    assert parameters(transport.sync_connections) == parameters(transport.async_connections)
    assert parameters(transport.sync_transport) == parameters(transport.async_transport)
