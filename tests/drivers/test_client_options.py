"""What a page connects with: the options' names and what each does are pusher-js's and Laravel Echo's."""

from __future__ import annotations

import json
from typing import Any

import pytest

from broadcastkit.drivers.base import ConnectsPages
from broadcastkit.drivers.client_options import client_options, connect_sources, public_address
from broadcastkit.drivers.log import LogDriver
from broadcastkit.drivers.null import AsyncNullDriver
from broadcastkit.drivers.pusher import AsyncPusherDriver, PusherDriver
from broadcastkit.drivers.redis import RedisDriver
from broadcastkit.drivers.socketio import SocketIODriver
from broadcastkit.errors import ConfigurationError
from broadcastkit.server import App, AsyncEmbeddedDriver, EmbeddedDriver, EmbeddedServer

SECRET = "t0psecret"
APP: dict[str, Any] = {"app_id": "1", "key": "app-key", "secret": SECRET}
# where a service is not at pusher.com
OWN_HOST = {"cluster": "", "enabledTransports": ["ws", "wss"]}


def at(host: str, port: int, *, tls: bool, path: str = "") -> dict[str, Any]:
    return {"wsHost": host, "wsPort": port, "wssPort": port, "forceTLS": tls, "wsPath": path, **OWN_HOST}


@pytest.mark.parametrize(
    ("settings", "options"),
    [
        ({}, {"broadcaster": "pusher", "cluster": "mt1", "forceTLS": True}),
        ({"cluster": "eu"}, {"broadcaster": "pusher", "cluster": "eu", "forceTLS": True}),
        # the API may be asked without TLS; pages are not
        ({"cluster": "eu", "scheme": "http"}, {"broadcaster": "pusher", "cluster": "eu", "forceTLS": True}),
        ({"host": "h"}, {"broadcaster": "pusher", **at("h", 443, tls=True)}),
        (
            {"host": "127.0.0.1", "port": 6001, "scheme": "http", "path": "ws", "profile": "soketi"},
            {"broadcaster": "pusher", **at("127.0.0.1", 6001, tls=False, path="/ws")},
        ),
        ({"host": "[::1]", "scheme": "http"}, {"broadcaster": "pusher", **at("::1", 80, tls=False)}),
        ({"host": "h", "profile": "reverb"}, {"broadcaster": "reverb", **at("h", 443, tls=True)}),
        ({"profile": "ably"}, {"broadcaster": "pusher", **at("realtime-pusher.ably.io", 443, tls=True)}),
    ],
)
def test_a_service_is_where_the_driver_sends_to(settings: dict[str, Any], options: dict[str, Any]) -> None:
    for make in (PusherDriver, AsyncPusherDriver):
        told = client_options(make(**APP, **settings))

        assert told == {"key": "app-key", **options}
        assert SECRET not in json.dumps(told)


@pytest.mark.parametrize(
    ("url", "options"),
    [
        ("https://ws.example.com", at("ws.example.com", 443, tls=True)),
        ("wss://ws.example.com/", at("ws.example.com", 443, tls=True)),
        ("http://ws.example.com", at("ws.example.com", 80, tls=False)),
        ("ws://127.0.0.1:6001/live/", at("127.0.0.1", 6001, tls=False, path="/live")),
        ("https://[::1]:8443", at("::1", 8443, tls=True)),
        ("https://api-eu.pusher.com", {"cluster": "eu", "forceTLS": True}),
    ],
)
def test_pages_may_have_another_way_there(url: str, options: dict[str, Any]) -> None:
    server = EmbeddedServer(App("1", "app-key", SECRET))
    internal = PusherDriver(**APP, host="10.0.0.7", port=8080, scheme="http", path="/internal")

    for driver in (internal, EmbeddedDriver(server), AsyncEmbeddedDriver(server)):
        assert client_options(driver, url=url) == {"broadcaster": "pusher", "key": "app-key", **options}


def test_the_server_in_this_process_does_not_know_where_it_is() -> None:
    driver = EmbeddedDriver(EmbeddedServer(App("1", "app-key", SECRET)))

    assert client_options(driver) == {"broadcaster": "pusher", "key": "app-key", **OWN_HOST}


def test_laravel_echo_server_is_where_the_page_came_from_or_where_it_is_said_to_be() -> None:
    driver = RedisDriver(password=SECRET)

    assert client_options(driver) == {"broadcaster": "socket.io"}
    assert client_options(driver, url="http://127.0.0.1:6001") == {
        "broadcaster": "socket.io",
        "host": "http://127.0.0.1:6001",
    }
    assert client_options(driver, url="https://[::1]/x")["host"] == "https://[::1]:443/x"


@pytest.mark.parametrize("driver", [LogDriver(), AsyncNullDriver()])
def test_where_there_is_no_service_echo_connects_to_none(driver: object) -> None:
    assert client_options(driver) == client_options(driver, url="https://h") == {"broadcaster": "null"}


def test_those_who_know_are_of_one_protocol() -> None:
    server = EmbeddedServer(App("1", "app-key", SECRET))
    drivers: list[ConnectsPages] = [PusherDriver(**APP), EmbeddedDriver(server), RedisDriver(), LogDriver()]

    assert [driver.client_options(url=None) for driver in drivers] == [client_options(driver) for driver in drivers]


def test_a_driver_that_does_not_know_says_so() -> None:
    with pytest.raises(ConfigurationError, match=r"^SocketIODriver does not know what pages connect with$"):
        client_options(SocketIODriver(url="redis://h"))


@pytest.mark.parametrize(
    "url",
    [
        "",
        "ws.example.com",
        "//ws.example.com",
        "ftp://ws.example.com",
        "https://",
        f"https://k:{SECRET}@ws.example.com",
        "https://@ws.example.com",
        "https://ws.example.com?x=1",
        "https://ws.example.com#x",
        "https://ws.example.com:http",
        f"https://{SECRET}[",
    ],
)
def test_what_is_no_such_url_is_refused_and_not_shown(url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^url must be like https://ws\.example\.com:8080/path") as error:
        public_address(url)

    assert SECRET not in str(error.value)


@pytest.mark.parametrize(
    ("options", "sources"),
    [
        # pusher-js 8.6, src/core/config.ts
        (client_options(PusherDriver(**APP, cluster="eu")), ("wss://ws-eu.pusher.com", "https://sockjs-eu.pusher.com")),
        (client_options(PusherDriver(**APP, host="h")), ("wss://h:443",)),
        (client_options(PusherDriver(**APP, host="h", port=1, scheme="http")), ("ws://h:1", "wss://h:1")),
        (client_options(PusherDriver(**APP, host="[::1]", scheme="https")), ("wss://[::1]:443",)),
        (client_options(EmbeddedDriver(EmbeddedServer(App("1", "k", SECRET)))), ()),
        (client_options(RedisDriver()), ()),
        (client_options(RedisDriver(), url="https://h:6001"), ("https://h:6001", "wss://h:6001")),
        ({"broadcaster": "null"}, ()),
    ],
    ids=["cluster", "host", "without TLS", "IPv6", "embedded", "redis", "redis elsewhere", "Echo's null"],
)
def test_what_a_content_security_policy_allows(options: dict[str, Any], sources: tuple[str, ...]) -> None:
    assert connect_sources(options) == sources
