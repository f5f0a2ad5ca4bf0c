"""Clients of the caller's own, under load and under TLS."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from broadcastkit.drivers.pusher.http import TransportOptions, async_transport
from broadcastkit.drivers.pusher.wire import HttpReply
from tests.drivers.http.wires import CLIENTS, REQUEST

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.drivers.http.wires import Wire
    from tests.drivers.scripted import ScriptedServer

    Scripted = Callable[..., ScriptedServer]

YES = HttpReply(200, b"{}")


class Counting(httpx.AsyncBaseTransport):
    """Counts how many requests are made at once."""

    def __init__(self) -> None:
        self.now = 0
        self.most = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.now += 1
        self.most = max(self.most, self.now)
        await asyncio.sleep(0)
        self.now -= 1
        return httpx.Response(200, json={})


async def test_a_client_is_not_asked_by_everybody_at_once() -> None:
    counting = Counting()
    async with httpx.AsyncClient(transport=counting) as client:
        transport = async_transport(TransportOptions("http://service.test:80", timeout=1, verify=True), client)
        replies = await asyncio.gather(*(transport.send(REQUEST) for _ in range(50)))

    assert replies == [YES] * 50
    assert counting.most == 4


def test_one_that_is_shared_by_event_loops_has_a_gate_in_each(scripted: Scripted) -> None:
    server = scripted()

    def client() -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=httpx.MockTransport(lambda _: httpx.Response(200, json={})))

    transport = async_transport(TransportOptions(server.url, timeout=1, verify=True), client())

    async def send() -> list[Any]:
        return await asyncio.gather(*(transport.send(REQUEST) for _ in range(20)))

    assert [asyncio.run(send()) for _ in range(2)] == [[YES] * 20] * 2


@pytest.mark.parametrize("wire", CLIENTS, indirect=True, ids=str)
def test_it_is_left_open(wire: Wire, scripted: Scripted) -> None:
    transport = wire.to(scripted().url)

    wire.close(transport)

    assert wire.ask(transport) == YES


# pyreqwest closes behind the scenes: of requests right after that, one in eight is still answered.
@pytest.mark.parametrize("wire", [key for key in CLIENTS if key[0] != "pyreqwest client"], indirect=True, ids=str)
def test_one_that_is_closed_is_the_callers_mistake(wire: Wire, scripted: Scripted) -> None:
    transport = wire.to(scripted().url)
    wire.end_client()

    failed = wire.failure(transport)

    assert "close" in str(failed).lower()
    assert not type(failed).__module__.startswith("broadcastkit")
