"""Laravel's helpers around an event: `broadcast()`, `toOthers()`, `via()`, anonymous events."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs
from wsgiref.util import setup_testing_defaults

import pytest
from pydantic import BaseModel

from broadcastkit import (
    AnonymousEvent,
    Broadcaster,
    BroadcastNotSentWarning,
    Channel,
    Event,
    PresenceChannel,
    PrivateChannel,
    broadcast,
    configure,
)
from broadcastkit.drivers.memory import MemoryDriver
from broadcastkit.integrations.wsgi import SocketIdMiddleware
from broadcastkit.signing import Signer
from broadcastkit.socket_id import current_socket_id, socket_id_scope
from tests.parity.tools import OrderShipped, Service, kept

if TYPE_CHECKING:
    from collections.abc import Iterable
    from wsgiref.types import StartResponse, WSGIEnvironment


@pytest.fixture
def driver() -> MemoryDriver:
    """What the module's own functions send with."""
    driver = MemoryDriver()
    configure(Broadcaster({"pusher": driver, "redis": MemoryDriver()}, default="pusher"))
    return driver


class OrderSeen(Event, name="order.shipped"):
    id: int

    def broadcast_on(self) -> Any:
        return Channel("orders.1")


def test_to_others(service: Service) -> None:
    """The same bytes as Laravel's, by the digest of its body; the signature of them is its too, at its time."""
    service.broadcaster.broadcast(OrderSeen(id=5)).to_others("123.456")

    (request,) = service.requests
    assert (
        request.content == rb'{"name":"order.shipped","data":"{\"id\":5}","channel":"orders.1","socket_id":"123.456"}'
    )
    assert hashlib.md5(request.content, usedforsecurity=False).hexdigest() == "874c62627f013e650277e5477d1f1e72"
    assert parse_qs(request.url.query.decode())["body_md5"] == ["874c62627f013e650277e5477d1f1e72"]
    signed = Signer("key", "secret").sign_request("POST", "/apps/1/events", {}, request.content, timestamp=1700000000)
    assert signed["auth_signature"] == "1a987f9ed921bb9d0a012488bb0617634d041ca994147795db949acb5cc83453"


@pytest.mark.parametrize("header", ["", "undefined", "null", "fake-socket-id", "123.456\n"])
def test_to_others_without_a_socket_id(header: str, service: Service) -> None:
    """Echo's null connector and Turbo send these. With Laravel they end the request with an error."""
    with socket_id_scope(header):
        service.broadcaster.broadcast(OrderSeen(id=5)).to_others()

    assert "socket_id" not in service.bodies[0]


def test_interacts_with_sockets(driver: MemoryDriver) -> None:
    """Any event can leave out the current client: where Laravel's has no such trait, `toOthers` does nothing."""
    with socket_id_scope("123.456"):
        broadcast(OrderShipped(id=7)).to_others()
        broadcast(AnonymousEvent("order.shipped", on="orders")).to_others()

    assert [message.exclude for message in driver.messages] == ["123.456", "123.456"]


def test_broadcast_to_everyone(driver: MemoryDriver) -> None:
    with socket_id_scope("123.456"):
        broadcast(OrderShipped(id=7)).to_everyone()

    assert driver.messages[0].exclude is None


def test_broadcast_socket() -> None:
    """`Broadcast::socket()`: the current request's header, in whatever spelling."""
    seen = []

    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        seen.append(current_socket_id())
        start_response("204 No Content", [])
        return []

    environ: WSGIEnvironment = {"HTTP_X_SOCKET_ID": "123.456"}
    setup_testing_defaults(environ)
    list(SocketIdMiddleware(application)(environ, lambda *_: lambda _: None))

    assert (seen, current_socket_id()) == (["123.456"], None)


def test_broadcast_helper(driver: MemoryDriver) -> None:
    receipt = broadcast(OrderShipped(id=7)).to_everyone()

    assert (receipt.event, list(receipt.channels), len(driver.messages)) == ("order.shipped", ["private-orders.7"], 1)


def test_nothing_is_sent_by_a_destructor(driver: MemoryDriver) -> None:
    with pytest.warns(BroadcastNotSentWarning, match=r"order\.shipped was never sent"):
        broadcast(OrderShipped(id=7))

    assert driver.messages == []


def test_via(driver: MemoryDriver) -> None:
    receipt = broadcast(OrderShipped(id=7)).via("redis").to_everyone()

    assert ([done.connection for done in receipt.connections], driver.messages) == (["redis"], [])


def test_broadcast_via() -> None:
    class OverRedis(OrderShipped, via="redis"):
        pass

    redis = MemoryDriver()
    Broadcaster({"pusher": MemoryDriver(), "redis": redis}, default="pusher").broadcast(OverRedis(id=7)).to_others()

    assert len(redis.messages) == 1


# -- anonymous events ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("where", ["orders.7", Channel("orders.7"), ["orders.7"], [Channel("orders.7")]])
def test_anonymous_event_on(where: Any, driver: MemoryDriver) -> None:
    broadcast(AnonymousEvent("order.shipped", on=where)).to_everyone()

    assert driver.messages[0].channels == ("orders.7",)


def test_anonymous_event_private(driver: MemoryDriver) -> None:
    broadcast(AnonymousEvent("order.shipped", on=PrivateChannel("orders.7"))).to_everyone()

    assert driver.messages[0].channels == ("private-orders.7",)


def test_anonymous_event_presence(driver: MemoryDriver) -> None:
    broadcast(AnonymousEvent("order.shipped", on=PresenceChannel("orders.7"))).to_everyone()

    assert driver.messages[0].channels == ("presence-orders.7",)


def test_anonymous_event_as(driver: MemoryDriver) -> None:
    """The name comes first and is needed. Laravel's default, `AnonymousEvent`, says nothing to anyone."""
    broadcast(AnonymousEvent("order.shipped", on="orders")).to_everyone()

    assert driver.messages[0].event == "order.shipped"


class Line(BaseModel):
    sku: str


@dataclass
class Order:
    id: int
    lines: list[Line]


@pytest.mark.parametrize(
    ("given", "payload"),
    [
        ({"id": 7}, {"id": 7}),
        # nothing is an object here; in Laravel it is the list `[]`
        (None, {}),
        # at any depth; Laravel turns the first level only into arrays
        (Order(7, [Line(sku="a")]), {"id": 7, "lines": [{"sku": "a"}]}),
        ({"order": Order(7, [])}, {"order": {"id": 7, "lines": []}}),
        ([1, 2], [1, 2]),
    ],
)
def test_anonymous_event_with(given: Any, payload: Any, driver: MemoryDriver) -> None:
    broadcast(AnonymousEvent("order.shipped", given, on="orders")).to_everyone()

    assert kept(driver) == [("order.shipped", ("orders",), payload)]


def test_anonymous_event_via(driver: MemoryDriver) -> None:
    by_caller = broadcast(AnonymousEvent("ping", on="orders")).via("redis").to_others("1.2")
    by_event = broadcast(AnonymousEvent("ping", on="orders", via="redis")).to_others("1.2")

    assert [receipt.connections[0].connection for receipt in (by_caller, by_event)] == ["redis", "redis"]
    assert (by_caller.excluded_socket, driver.messages) == ("1.2", [])


def test_anonymous_event_send(driver: MemoryDriver) -> None:
    pending = broadcast(AnonymousEvent("ping", on="orders"))
    before = len(driver.messages)
    pending.to_everyone()

    assert (before, len(driver.messages)) == (0, 1)
