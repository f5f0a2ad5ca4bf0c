"""A python-socketio server in this process, which the driver is given; the client is a real one all the same."""

from __future__ import annotations

import contextlib
import socket
import threading
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING, Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import pytest
import socketio
import uvicorn
from anyio import to_thread
from anyio.from_thread import start_blocking_portal

from broadcastkit.core.message import Message
from broadcastkit.drivers.base import Sent
from broadcastkit.drivers.socketio import AsyncSocketIODriver, SocketIODriver
from broadcastkit.integrations.socketio import AsyncChannelRooms, ChannelRooms
from broadcastkit.testing import CHECKED_CHANNELS, check_async_driver, check_driver
from tests.drivers.socketio.test_rooms import Listeners
from tests.interop.servers import LOOPBACK
from tests.interop.socketio_chat import PUBLIC, make_rules

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.interop.socketio_servers import SocketIoClient

pytestmark = pytest.mark.real


class _Threads(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Silent(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name there
        pass


@contextlib.contextmanager
def wsgi(app: Any) -> Iterator[str]:
    with make_server(LOOPBACK, 0, app, _Threads, _Silent) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"http://{LOOPBACK}:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def polling(make: Callable[[], SocketIoClient]) -> Callable[[], SocketIoClient]:
    """Have clients connect without a WebSocket, which wsgiref cannot serve."""

    def made() -> SocketIoClient:
        client = make()
        connect = client.connect
        client.connect = lambda url, user=None, **_: connect(url, user, transports=["polling"])  # type: ignore[method-assign]
        return client

    return made


def test_the_driver_conforms(socketio_js: Callable[[], SocketIoClient]) -> None:
    sio = socketio.Server(async_mode="threading")
    ChannelRooms(sio, make_rules(), public=PUBLIC).serve(lambda sid: None)

    with wsgi(socketio.WSGIApp(sio)) as url:
        listeners = Listeners(polling(socketio_js), url)
        check_driver(lambda: SocketIODriver(server=sio), received=listeners.received, socket_id=listeners.socket_id)


def test_so_does_its_awaited_twin(socketio_js: Callable[[], SocketIoClient]) -> None:
    """Driver and server share one event loop."""
    sio = socketio.AsyncServer(async_mode="asgi")
    AsyncChannelRooms(sio, make_rules(), public=PUBLIC).serve(lambda sid: None)
    server = uvicorn.Server(uvicorn.Config(socketio.ASGIApp(sio), ws="websockets-sansio", log_level="warning"))

    with start_blocking_portal() as portal, socket.create_server((LOOPBACK, 0)) as listener:
        serving = portal.start_task_soon(server.serve, [listener])
        try:
            listeners = Listeners(socketio_js, f"http://{LOOPBACK}:{listener.getsockname()[1]}")

            async def received(fence: str) -> list[tuple[str, str, Any]]:
                return await to_thread.run_sync(listeners.received, fence)

            async def check() -> None:
                await check_async_driver(
                    lambda: AsyncSocketIODriver(server=sio), received=received, socket_id=listeners.socket_id
                )

            portal.call(check)
        finally:
            server.should_exit = True
            serving.result(timeout=10)


def test_nothing_is_sent_over_a_network() -> None:
    """So it need not warn inside an event loop, and takes no requests."""
    driver = SocketIODriver(server=socketio.Server(async_mode="threading"))

    assert driver.blocking is False
    assert driver.send([Message("a", CHECKED_CHANNELS, "{}")]) == [Sent(0)]
    assert repr(driver) == "SocketIODriver(the Server given)"
