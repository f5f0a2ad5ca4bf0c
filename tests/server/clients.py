"""A WebSocket client of another maker, blocking, over a real connection."""

from __future__ import annotations

import contextlib
import json
from typing import Any, Self

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.interop.servers import PusherServer
from tests.server.tools import TIMEOUT, frame, read, subscribe

__all__ = ["WebSocketClient"]


class WebSocketClient:
    """Speaks the protocol by hand, over the PyPI package `websockets`. Every wait is bounded."""

    def __init__(self, server: PusherServer, query: str = "protocol=7&client=test&version=1", **options: Any) -> None:
        url = f"ws://{server.host}:{server.port}/app/{server.key}?{query}"
        self._stack = contextlib.ExitStack()
        connecting = connect(url, open_timeout=TIMEOUT, close_timeout=TIMEOUT, **options)
        self._connection: ClientConnection = self._stack.enter_context(connecting)
        self.socket_id = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.leave()

    def open(self) -> str:
        greeting = self.receive()
        assert greeting["event"] == "pusher:connection_established", greeting
        self.socket_id = greeting["data"]["socket_id"]
        return self.socket_id

    def send(self, text: str | bytes) -> None:
        self._connection.send(text)

    def receive(self) -> dict[str, Any]:
        text = self._connection.recv(timeout=TIMEOUT)
        assert isinstance(text, str)
        return read(text)

    def subscribe(self, channel: str, channel_data: str | None = None) -> dict[str, Any]:
        self.send(subscribe(self.socket_id, channel, channel_data))
        answer = self.receive()
        assert answer["event"] == "pusher_internal:subscription_succeeded", answer
        data: dict[str, Any] = answer["data"]
        return data

    def trigger(self, channel: str, event: str, data: object) -> None:
        self.send(json.dumps({"event": event, "channel": channel, "data": data}))

    def nothing_before_pong(self) -> None:
        self.send(frame("pusher:ping", {}))
        assert self.receive()["event"] == "pusher:pong"

    def closed(self) -> int:
        """Wait for the end; returns its code. What comes before it is left out."""
        with contextlib.suppress(ConnectionClosed):
            while True:
                self._connection.recv(timeout=TIMEOUT)
        assert self._connection.close_code is not None
        return self._connection.close_code

    def leave(self) -> None:
        self._stack.close()
