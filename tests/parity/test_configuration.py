"""`config/broadcasting.php` and Laravel's `BroadcastManager`."""

from __future__ import annotations

import json
from enum import StrEnum

import pytest

from broadcastkit import AnonymousEvent, Broadcaster, broadcast, configure
from broadcastkit.core.message import Message
from broadcastkit.drivers.base import Outcome, Sent
from broadcastkit.drivers.log import LogDriver
from broadcastkit.drivers.memory import MemoryDriver
from broadcastkit.drivers.null import NullDriver
from broadcastkit.drivers.pusher import PusherDriver
from broadcastkit.drivers.redis import RedisDriver
from broadcastkit.drivers.serviceless import Serviceless
from broadcastkit.errors import ConfigurationError
from tests.parity.tools import Service

# what `php artisan install:broadcasting` writes to .env, with values
REVERB = {
    "BROADCAST_CONNECTION": "reverb",
    "REVERB_APP_ID": "712345",
    "REVERB_APP_KEY": "app-key",
    "REVERB_APP_SECRET": "app-secret",
    "REVERB_HOST": "localhost",
    "REVERB_PORT": "8080",
    "REVERB_SCHEME": "http",
}
PUSHER = {
    "PUSHER_APP_ID": "1001",
    "PUSHER_APP_KEY": "app-key",
    "PUSHER_APP_SECRET": "app-secret",
    "PUSHER_HOST": "",
    "PUSHER_PORT": "443",
    "PUSHER_SCHEME": "https",
    "PUSHER_APP_CLUSTER": "eu",
}


@pytest.mark.parametrize("variable", ["BROADCAST_CONNECTION", "BROADCAST_DRIVER"])
def test_broadcasting_default(variable: str) -> None:
    assert isinstance(Broadcaster.from_env({variable: "log"}).driver(), LogDriver)


def test_broadcasting_connections() -> None:
    settings = {
        "default": "log",
        "connections": {"log": {"driver": "log"}, "null": {"driver": "null"}, "here": {"driver": "redis"}},
    }
    broadcaster = Broadcaster.from_settings(settings)

    found = [broadcaster.driver(), broadcaster.driver("null"), broadcaster.driver("here")]

    assert [type(driver) for driver in found] == [LogDriver, NullDriver, RedisDriver]


def test_pusher_options() -> None:
    """A .env of Laravel's, with an empty host as its config has one."""
    driver = Broadcaster.from_env(PUSHER | {"BROADCAST_CONNECTION": "pusher"}).driver()

    assert repr(driver) == "PusherDriver('1001' at https://api-eu.pusher.com:443)"


def test_reverb_driver() -> None:
    driver = Broadcaster.from_env(REVERB).driver()

    assert isinstance(driver, PusherDriver)
    assert repr(driver) == "PusherDriver('712345' at http://localhost:8080)"


def test_client_options() -> None:
    """What Laravel hands to Guzzle is a client of one's own."""
    service = Service()

    service.broadcaster.broadcast(AnonymousEvent("ping", on="orders")).to_everyone()

    assert [request.method for request in service.requests] == ["POST"]


def test_redis_prefix() -> None:
    settings = {"driver": "redis", "host": "127.0.0.1", "prefix": "laravel_database_"}
    driver = Broadcaster.from_settings(settings).driver()

    # a client of a laravel-echo-server that knows no prefix asks for the name as it is published
    assert isinstance(driver, RedisDriver)
    assert driver.channel_asked_for("laravel_database_private-orders.1") == "private-orders.1"


class Places(StrEnum):
    HERE = "here"


def test_manager_connection() -> None:
    here, there = MemoryDriver(), MemoryDriver()
    broadcaster = Broadcaster({"here": here, "there": there}, default="there")

    assert (broadcaster.driver(Places.HERE), broadcaster.driver("there")) == (here, there)


class Counting(Serviceless):
    """What `Broadcast::extend('counting', …)` would return."""

    def __init__(self) -> None:
        self.count = 0

    def take(self, message: Message) -> Outcome:
        self.count += 1
        return Sent()


def test_extend() -> None:
    driver = Counting()

    Broadcaster({"counting": driver}).broadcast(AnonymousEvent("ping", on="orders")).to_everyone()

    assert driver.count == 1


def test_purge() -> None:
    """A closed driver connects again, with what it was given; another one is another broadcaster."""
    service = Service()

    for _ in range(2):
        service.broadcaster.broadcast(AnonymousEvent("ping", on="orders")).to_everyone()
        service.broadcaster.close()

    assert len(service.requests) == 2


def test_set_default_driver() -> None:
    first, second = MemoryDriver(), MemoryDriver()

    for driver in (first, second):
        configure(Broadcaster(driver))
        broadcast(AnonymousEvent("ping", on="orders")).to_everyone()

    assert [len(first.messages), len(second.messages)] == [1, 1]


def test_get_pusher() -> None:
    """`Broadcast::connection()->getPusher()`: what the service knows is asked of the broadcaster."""
    service = Service(answer=json.dumps({"channels": {"presence-room": {"user_count": 2}}}))

    channels = service.broadcaster.channels_info(prefix="presence-", info=("user_count",))

    assert channels["presence-room"].user_count == 2
    assert service.broadcaster.driver() is service.driver


def test_connection_is_not_defined() -> None:
    broadcaster = Broadcaster({"here": MemoryDriver()})

    with pytest.raises(ConfigurationError, match="no connection 'there'; there are: here"):
        broadcaster.broadcast(AnonymousEvent("ping", on="orders")).via("there").to_everyone()


def test_driver_is_not_supported() -> None:
    with pytest.raises(ConfigurationError, match="'pigeon' is no driver; there are: "):
        Broadcaster.from_settings({"driver": "pigeon"}).driver()


def test_failed_to_create_broadcaster() -> None:
    with pytest.raises(ConfigurationError, match=r"connections\.main"):
        Broadcaster.from_settings({"connections": {"main": {"driver": "pusher", "app_id": "1"}}}).driver()
