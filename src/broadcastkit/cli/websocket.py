"""A client's connection to a server of the Pusher protocol; the only module of the commands that knows websockets."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from urllib.parse import quote

from broadcastkit import __version__
from broadcastkit.cli.connections import PusherConnection
from broadcastkit.drivers.pusher.endpoint import Endpoint
from broadcastkit.errors import ConnectError, ConnectionLostError, MissingDependencyError

__all__ = ["WebSocket", "connected", "tls_context", "websocket_address"]

_CLOSE_TIMEOUT = 1.0
_MAX_FRAME = 16 * 1024 * 1024


class WebSocket:
    """An open connection: text in, text out."""

    def __init__(self, connection: Any, where: str, closed: type[Exception]) -> None:
        self._connection = connection
        self._where = where
        self._closed = closed

    def send(self, frame: str) -> None:
        """Send a frame."""
        self._translated(lambda: self._connection.send(frame))

    def receive(self, timeout: float | None) -> str:
        """Return the next frame.

        Raises:
            TimeoutError: none came in time.
            ConnectionLostError: the connection has ended.
        """
        frame = self._translated(lambda: self._connection.recv(timeout=timeout))
        return frame if isinstance(frame, str) else ""  # bytes are no frame of this protocol

    def _translated(self, call: Callable[[], Any]) -> Any:
        try:
            return call()
        except self._closed as error:
            received = getattr(error, "rcvd", None)
            said = "" if received is None else f" ({f'{received.code} {received.reason}'.strip()})"
            raise ConnectionLostError(f"{self._where} has closed the connection{said}") from None


@contextmanager
def connected(connection: PusherConnection, *, timeout: float, purpose: str) -> Iterator[WebSocket]:
    """Open a connection as clients of the app do; `purpose` is the command, should websockets be missing.

    Raises:
        ConnectError: nobody there, or nobody who speaks WebSocket.
    """
    try:
        from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException
        from websockets.sync import client
    except ImportError:
        raise MissingDependencyError("websockets", "cli", purpose) from None
    endpoint = connection.driver.endpoint
    where = websocket_address(endpoint)
    address = (
        f"{where}{endpoint.path}/app/{quote(connection.key, safe='')}?protocol=7&client=broadcastkit"
        f"&version={quote(__version__)}"
    )
    with ExitStack() as opened:
        try:
            made: Any = _factory(client)(
                address,
                ssl=tls_context(endpoint, verify=connection.verify),
                open_timeout=timeout,
                close_timeout=_CLOSE_TIMEOUT,
                max_size=_MAX_FRAME,
                user_agent_header="broadcastkit",
            )
            if hasattr(made, "process_redirect"):
                # to nobody but the service that is configured: for whoever greets us, subscriptions are signed
                made.process_redirect = _as_it_is
            websocket = opened.enter_context(made)
        except (OSError, UnicodeError, WebSocketException) as error:
            # the texts of others may hold the address of a proxy, with its password
            said = str(error) if isinstance(error, (OSError, UnicodeError, InvalidStatus)) else type(error).__name__
            raise ConnectError(f"no WebSocket at {where}{endpoint.path}: {said}") from None
        yield WebSocket(websocket, where, ConnectionClosed)


def _factory(client: Any) -> Any:
    """Return what makes connections: from websockets 17 on, `connect` alone would follow redirects."""
    return getattr(client, "reconnect", client.connect)


def _as_it_is(error: Exception) -> Exception:
    return error


def websocket_address(endpoint: Endpoint) -> str:
    """Return scheme, host and port for clients; a Pusher cluster has a host of its own for them."""
    origin = endpoint.origin.replace("http", "ws", 1)
    if endpoint.host.startswith("api-") and endpoint.host.endswith(".pusher.com"):
        return origin.replace("://api-", "://ws-", 1)
    return origin


def tls_context(endpoint: Endpoint, *, verify: bool) -> ssl.SSLContext | None:
    """Return how to speak TLS with a service; None where it is not spoken."""
    if endpoint.scheme == "http":
        return None
    context = ssl.create_default_context()
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
