"""The two shells of the Redis driver, and of its transport, differ in their colour only."""

from __future__ import annotations

from typing import Any

import pytest

from broadcastkit.drivers.redis import AsyncRedisDriver, RedisDriver, transport
from tests.drivers.test_twins import parameters, uncoloured


def same(code: str) -> str:
    for awaited, sync in (("async_client", "sync_client"), ("_aone", "_one"), ("_atogether", "_together")):
        code = code.replace(awaited, sync)
    return code


def test_the_drivers() -> None:
    assert same(uncoloured(RedisDriver)) == same(uncoloured(AsyncRedisDriver))


@pytest.mark.parametrize(
    ("sync", "awaited"),
    [(transport._together, transport._atogether), (transport._one_by_one, transport._aone_by_one)],
)
def test_how_commands_are_run(sync: Any, awaited: Any) -> None:
    assert same(uncoloured(sync)) == same(uncoloured(awaited))


def test_the_protocols() -> None:
    assert parameters(transport.Transport.run) == parameters(transport.AsyncTransport.run)
    assert parameters(transport.sync_transport) == parameters(transport.async_transport)
