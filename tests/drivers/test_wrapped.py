"""What stands around a driver: everything but the sending is the inner one's, in both colours."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from broadcastkit.core.breaker import Breaker
from broadcastkit.drivers.base import ChannelInfo, UserInfo
from broadcastkit.drivers.guarded import AsyncGuarded, Guarded
from broadcastkit.drivers.null import AsyncNullDriver, NullDriver
from broadcastkit.drivers.observed import AsyncObserved, Observed
from broadcastkit.drivers.wrapped import unwrapped
from broadcastkit.observability.observers import Observers

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

INFOS = {"news": ChannelInfo(occupied=True)}


class Knows(NullDriver):
    blocking = True
    needs_socket_id = False

    def __init__(self) -> None:
        self.asked: list[Any] = []

    def answer(self, asked: Any, found: Any = None) -> Any:
        self.asked.append(asked)
        return found

    def channels_info(self, *, prefix: str = "", info: Any = ()) -> Any:
        return self.answer((prefix, info), INFOS)

    def channel_info(self, channel_name: str, *, info: Any = ()) -> Any:
        return self.answer((channel_name, info), INFOS["news"])

    def users_info(self, channel_name: str) -> Any:
        return self.answer(channel_name, [UserInfo("3")])

    def terminate_user_connections(self, user_id: str) -> None:
        self.answer(user_id)

    def close(self) -> None:
        self.answer("close")


class AsyncKnows(AsyncNullDriver):
    blocking = True
    needs_socket_id = False

    def __init__(self) -> None:
        self.inner = Knows()
        self.asked = self.inner.asked

    async def channels_info(self, *, prefix: str = "", info: Any = ()) -> Any:
        return self.inner.channels_info(prefix=prefix, info=info)

    async def channel_info(self, channel_name: str, *, info: Any = ()) -> Any:
        return self.inner.channel_info(channel_name, info=info)

    async def users_info(self, channel_name: str) -> Any:
        return self.inner.users_info(channel_name)

    async def terminate_user_connections(self, user_id: str) -> None:
        self.inner.terminate_user_connections(user_id)

    async def aclose(self) -> None:
        self.inner.close()


@pytest.mark.parametrize(
    ("wrap", "knows"),
    [
        (lambda driver: Observed(driver, "main", Observers([])), Knows),
        (lambda driver: Guarded(driver, breaker=Breaker()), Knows),
        (lambda driver: AsyncObserved(driver, "main", Observers([])), AsyncKnows),
        (lambda driver: AsyncGuarded(driver, breaker=Breaker()), AsyncKnows),
    ],
    ids=["observed", "guarded", "async observed", "async guarded"],
)
def test_questions_and_what_else_there_is_go_to_the_inner_driver(wrap: Callable[[Any], Any], knows: type[Any]) -> None:
    inner = knows()
    outer = wrap(inner)

    async def ask(answer: Awaitable[Any] | Any) -> Any:
        return await answer if asyncio.iscoroutine(answer) else answer

    async def ask_all() -> list[Any]:
        return [
            await ask(outer.channels_info(prefix="n", info=("user_count",))),
            await ask(outer.channel_info("news", info=("user_count",))),
            await ask(outer.users_info("presence-x")),
            await ask(outer.terminate_user_connections("3")),
            await ask(outer.close() if hasattr(outer, "close") else outer.aclose()),
        ]

    assert asyncio.run(ask_all()) == [INFOS, INFOS["news"], [UserInfo("3")], None, None]
    assert inner.asked == [("n", ("user_count",)), ("news", ("user_count",)), "presence-x", "3", "close"]
    assert (outer.blocking, outer.needs_socket_id) == (True, False)
    assert unwrapped(outer) is inner
