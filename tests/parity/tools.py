"""A service that takes whatever it is sent, and the events that the tests of this folder broadcast.

What Laravel does in each case was captured from laravel/framework 12 with pusher-http-php 7.2.6, key `key` and secret
`secret`, unless a test says otherwise.
"""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import httpx

from broadcastkit import Broadcaster, Event, PrivateChannel
from broadcastkit.drivers.pusher import PusherDriver

if TYPE_CHECKING:
    from broadcastkit.core.message import Message
    from broadcastkit.drivers.memory import MemoryDriver

__all__ = ["OrderChannel", "OrderShipped", "Service", "kept"]


class OrderChannel(PrivateChannel, pattern="orders.{order_id}"):
    order_id: int


class OrderShipped(Event, name="order.shipped"):
    id: int

    def broadcast_on(self) -> Any:
        return OrderChannel(order_id=self.id)


class Service:
    """A service of Pusher's protocol: what it is asked, and how it answers."""

    def __init__(self, status: int = 200, answer: str = "{}", *, key: str = "key", secret: str = "secret") -> None:
        self._answer = status, answer
        self.requests: list[httpx.Request] = []
        self.driver = PusherDriver(
            app_id="1",
            key=key,
            secret=secret,
            encryption_master_key=base64.b64encode(b"k" * 32).decode(),
            client=httpx.Client(transport=httpx.MockTransport(self._take)),
        )
        self.broadcaster = Broadcaster(self.driver)

    @property
    def bodies(self) -> list[Any]:
        """What was posted, in order."""
        return [json.loads(request.content) for request in self.requests]

    def _take(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        status, answer = self._answer
        return httpx.Response(status, text=answer)


def kept(driver: MemoryDriver) -> list[tuple[str, tuple[str, ...], Any]]:
    """Return name, channels and payload of each message."""

    def read(message: Message) -> tuple[str, tuple[str, ...], Any]:
        return message.event, message.channels, json.loads(message.data)

    return [read(message) for message in driver.messages]
