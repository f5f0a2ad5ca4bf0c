"""The suite that every driver passes, with a subscriber who says what arrived."""

from __future__ import annotations

import pytest

from broadcastkit.server import AsyncEmbeddedDriver, EmbeddedDriver
from broadcastkit.testing import CHECKED_CHANNELS, Arrival, check_async_driver, check_driver
from tests.interop.arrivals import Arrivals
from tests.interop.servers import LOOPBACK, PusherServer, asgi_server
from tests.server.clients import WebSocketClient
from tests.server.tools import APP, AsgiSocket, make_server

TOO_LARGE = 10_241


@pytest.mark.real
def test_the_blocking_driver_keeps_its_promises() -> None:
    server = make_server()
    with asgi_server(server) as port:
        address = PusherServer(LOOPBACK, port, APP.id, APP.key, APP.secret)
        with WebSocketClient(address) as client:
            client.open()
            for channel in CHECKED_CHANNELS:
                client.subscribe(channel)

            def received(fence: str) -> list[Arrival]:
                arrivals = Arrivals(fence)
                while arrivals.take(client.receive()):
                    pass
                return arrivals.events

            check_driver(
                lambda: EmbeddedDriver(server),
                received=received,
                socket_id=client.socket_id,
                too_large=TOO_LARGE,
                secrets=[APP.secret],
            )


async def test_the_awaited_driver_keeps_its_promises() -> None:
    server = make_server()
    async with AsgiSocket(server) as client:
        await client.open()
        for channel in CHECKED_CHANNELS:
            await client.subscribe(channel)

        async def received(fence: str) -> list[Arrival]:
            arrivals = Arrivals(fence)
            while arrivals.take(await client.receive()):
                pass
            return arrivals.events

        await check_async_driver(
            lambda: AsyncEmbeddedDriver(server),
            received=received,
            socket_id=client.socket_id,
            too_large=TOO_LARGE,
            secrets=[APP.secret],
        )
