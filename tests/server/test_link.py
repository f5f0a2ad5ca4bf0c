"""The queue to one client: bounded, in order, and nobody else's problem."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from broadcastkit.server import Limits
from broadcastkit.server import link as link_module
from broadcastkit.server.asgi import Message
from broadcastkit.server.effects import Close
from broadcastkit.server.link import Link

CLOSE = Close(4200, "bye")


class Wire:
    """The far end: takes messages while it is open."""

    def __init__(self) -> None:
        self.sent: list[Message] = []
        self.open = asyncio.Event()
        self.open.set()
        self.entered = asyncio.Event()
        self.error: Exception | None = None

    async def send(self, message: Message) -> None:
        self.entered.set()
        await self.open.wait()
        if self.error is not None:
            raise self.error
        self.sent.append(message)

    @property
    def texts(self) -> list[Any]:
        return [message.get("text") or message["code"] for message in self.sent]


def make(**limits: Any) -> Link:
    return Link("1.2", Limits(**limits), loop=asyncio.get_running_loop())


def push(link: Link, *texts: str) -> list[bool]:
    return [link.push({"type": "websocket.send", "text": text}) for text in texts]


async def test_sends_in_order_and_then_closes() -> None:
    link, wire = make(), Wire()
    push(link, "a", "b")
    link.close(CLOSE)
    push(link, "c")
    link.close(Close(4100, "again"))
    await link.write(wire.send)
    assert wire.sent[-1] == {"type": "websocket.close", "code": 4200, "reason": "bye"}
    assert wire.texts == ["a", "b", 4200]


async def test_wakes_up_for_what_comes_later() -> None:
    link, wire = make(), Wire()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(link.write(wire.send))
        for text in "abc":
            await asyncio.sleep(0)
            push(link, text, text.upper())
        link.close(CLOSE)
    assert wire.texts == ["a", "A", "b", "B", "c", "C", 4200]


async def test_a_full_queue_says_so() -> None:
    assert push(make(send_queue=2), "a", "b", "c") == [True, True, False]


async def test_a_queue_is_full_of_few_large_frames_too() -> None:
    link, wire = make(send_queue_size=10), Wire()
    assert push(link, "x" * 8, "xx", "x") == [True, True, False]
    assert push(make(send_queue_size=10), "x" * 11, "x") == [True, False]
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(link.write(wire.send))
        for _ in range(5):
            await asyncio.sleep(0)
        assert len(wire.sent) == 2
        assert push(link, "x" * 10) == [True]  # what was sent makes room
        link.close(CLOSE)


async def test_cutting_off_a_client_that_does_not_read() -> None:
    link, wire = make(), Wire()
    wire.open.clear()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(link.write(wire.send))
        push(link, "a", "b")
        await wire.entered.wait()
        wire.entered.clear()
        link.cut(CLOSE)
        await wire.entered.wait()  # the writer has left "a" and is at the close
        wire.open.set()
    assert wire.texts == [4200]


async def test_a_client_that_never_reads_again_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link_module, "_GRACE", 0.01)
    link, wire = make(), Wire()
    wire.open.clear()
    async with asyncio.timeout(5), asyncio.TaskGroup() as tasks:
        tasks.create_task(link.write(wire.send))
        push(link, "a")
        await wire.entered.wait()
        link.close(CLOSE)
    assert wire.sent == []


async def test_nothing_is_sent_to_a_client_that_left() -> None:
    link, wire = make(), Wire()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(link.write(wire.send))
        await asyncio.sleep(0)
        link.gone()
        push(link, "a")
        link.close(CLOSE)
        link.cut(CLOSE)
    assert wire.sent == []
    assert link.closing


async def test_leaving_while_being_closed() -> None:
    link, wire = make(), Wire()
    wire.open.clear()
    async with asyncio.timeout(5), asyncio.TaskGroup() as tasks:
        tasks.create_task(link.write(wire.send))
        push(link, "a")
        await wire.entered.wait()
        link.cut(CLOSE)
        link.gone()
    assert wire.sent == []


@pytest.mark.parametrize("close", [False, True])
async def test_a_server_that_raises_because_the_client_left(close: bool) -> None:
    link, wire = make(), Wire()
    wire.error = ConnectionResetError()
    if close:
        link.close(CLOSE)
    else:
        push(link, "a")
    await link.write(wire.send)
    assert wire.sent == []


async def test_another_error_is_not_swallowed() -> None:
    link, wire = make(), Wire()
    wire.error = ValueError("a bug")
    push(link, "a")
    with pytest.raises(ValueError, match="a bug"):
        await link.write(wire.send)
