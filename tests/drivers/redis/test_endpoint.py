"""Settings and URLs: where Redis is, with every wrong value named and no password shown."""

from __future__ import annotations

from typing import Any

import pytest

from broadcastkit import AsyncBroadcaster, Broadcaster
from broadcastkit.drivers.redis import AsyncRedisDriver, RedisDriver
from broadcastkit.drivers.redis.endpoint import settings_from_url
from broadcastkit.drivers.redis_io.server import Server
from broadcastkit.errors import ConfigurationError

SECRET = "t0psecret"

URLS: list[tuple[str, dict[str, Any], str]] = [
    ("redis://", {"tls": False}, "redis://127.0.0.1:6379"),
    ("redis://cache", {"tls": False, "host": "cache", "port": 6379}, "redis://cache:6379"),
    (
        "redis://ann:s%2Fe%40c@h:1/3",
        {"tls": False, "host": "h", "port": 1, "username": "ann", "password": "s/e@c", "db": 3},
        "redis://h:1",
    ),
    ("rediss://:pw@[::1]", {"tls": True, "host": "::1", "port": 6379, "password": "pw"}, "rediss://[::1]:6379"),
    ("tls://h", {"tls": True, "host": "h", "port": 6379}, "rediss://h:6379"),
    (
        "redis://h/?prefix=app_&db=2",
        {"tls": False, "host": "h", "port": 6379, "prefix": "app_", "db": 2},
        "redis://h:6379 with prefix 'app_'",
    ),
    (
        "redis+sentinel://:pw@a:1,b/orders/2",
        {"tls": False, "sentinels": ["a:1", "b:26379"], "service": "orders", "password": "pw", "db": 2},
        "redis+sentinel://a:1,b:26379/orders",
    ),
    (
        "rediss+cluster://a:1,[::1]:2",
        {"tls": True, "cluster": ["a:1", "[::1]:2"]},
        "rediss+cluster://a:1,[::1]:2",
    ),
    (
        "unix://ann:pw@/run/redis.sock?db=1",
        {"path": "/run/redis.sock", "username": "ann", "password": "pw", "db": 1},
        "unix:///run/redis.sock",
    ),
]


@pytest.mark.parametrize(("url", "settings", "shown"), URLS)
def test_urls(url: str, settings: dict[str, Any], shown: str) -> None:
    assert settings_from_url(url) == settings
    assert repr(RedisDriver.from_url(url)) == f"RedisDriver({shown})"
    assert repr(AsyncRedisDriver.from_url(url)) == f"AsyncRedisDriver({shown})"


def test_keyword_arguments_win() -> None:
    assert repr(RedisDriver.from_url("redis://h:1?prefix=a", prefix="b")) == "RedisDriver(redis://h:1 with prefix 'b')"


@pytest.mark.parametrize(
    ("url", "said"),
    [
        (f"http://:{SECRET}@h", "url must start with redis://"),
        (f"redis+ring://:{SECRET}@h", "url must start with redis://"),
        (f"redis://:{SECRET}/x@h", "url cannot be read"),
        (f"redis://:{SECRET}#x@h", "url cannot be read"),
        (f"redis://:{SECRET}[@h", "url cannot be read"),
        (f"redis://h:{SECRET}", "url cannot be read"),
        ("redis://a,b", "url cannot be read"),
        ("redis+sentinel://", "url cannot be read"),
        ("redis://h:65536", "url cannot be read"),
        (f"redis://h/{SECRET}", "url must have the number of a database"),
        ("redis://h/1/2", "url must have the number of a database"),
        (f"redis://h?password={SECRET}", "url takes the options db, prefix, service and no others"),
    ],
)
def test_a_wrong_url_is_explained_without_showing_it(url: str, said: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        RedisDriver.from_url(url)

    assert str(error.value).startswith(said)
    assert SECRET not in str(error.value)
    assert error.value.__suppress_context__ or error.value.__context__ is None


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"host": "redis://h"}, "host must be a host name or address without scheme"),
        ({"host": f":{SECRET}@h"}, "host must be a host name"),
        ({"host": None}, "host must be a str, not NoneType"),
        ({"host": ":::"}, "host must be a host name or address without scheme, port or path, not ':::'"),
        ({"host": "[::1"}, "host must be a host name or address without scheme, port or path, not '[::1'"),
        ({"host": "h:6379"}, "host must be a host name or address without scheme, port or path, not 'h:6379'"),
        ({"port": "6379"}, "port must be a number from 1 to 65535, not '6379'"),
        ({"port": 0}, "port must be a number"),
        ({"db": -1}, "db must be a number from 0, not -1"),
        ({"db": "0"}, "db must be a number from 0, not '0'"),
        ({"password": 7}, "password must be a str, not int"),
        ({"username": 7}, "username must be a str, not int"),
        ({"path": 7}, "path must be a str, not int"),
        ({"prefix": None}, "prefix must be a str, not NoneType"),
        ({"verify": None}, "verify must be True, False or the path of a CA file"),
        ({"cluster": "h:1"}, "cluster must be a list of addresses such as 'redis-1.example.com:6379'"),
        ({"sentinels": ["h:1", "h:x"]}, "sentinels must be a list of addresses such as 'redis-1.example.com:26379'"),
        ({"sentinels": [("h", 1)]}, "sentinels must be a list of addresses"),
        ({"sentinels": ["h"], "service": None}, "service must be a str, not NoneType"),
        ({"cluster": ["h"], "sentinels": ["h"]}, "cluster goes without path and sentinels"),
    ],
)
def test_a_wrong_setting_is_named(options: dict[str, Any], said: str) -> None:
    for driver in (RedisDriver, AsyncRedisDriver):
        with pytest.raises(ConfigurationError) as error:
            driver(**options)
        assert str(error.value).startswith(said)
        assert SECRET not in str(error.value)


# -- the environment and mappings --------------------------------------------------------------------------------------

# The lines of Laravel's own .env.example
LARAVEL = {
    "BROADCAST_CONNECTION": "redis",
    "REDIS_CLIENT": "phpredis",
    "REDIS_HOST": "127.0.0.1",
    "REDIS_PASSWORD": "null",
    "REDIS_PORT": "6379",
}


@pytest.mark.parametrize(
    ("environ", "shown"),
    [
        (LARAVEL, "redis://127.0.0.1:6379"),
        ({"BROADCAST_DRIVER": "redis"}, "redis://127.0.0.1:6379"),
        (
            LARAVEL | {"REDIS_HOST": "cache", "REDIS_PORT": "7", "REDIS_PREFIX": "laravel_database_"},
            "redis://cache:7 with prefix 'laravel_database_'",
        ),
        # what a host adds to the file wins over what the file has for a local server
        (
            LARAVEL | {"REDIS_URL": f"rediss://:{SECRET}@h:1", "REDIS_PREFIX": "a_"},
            "rediss://h:1 with prefix 'a_'",
        ),
        ({"BROADCAST_CONNECTION": f"rediss+sentinel://:{SECRET}@h/x"}, "rediss+sentinel://h:26379/x"),
        ({"BROADCAST_CONNECTION": f"REDIS://:{SECRET}@h"}, "redis://h:6379"),
        ({"BROADCAST_CONNECTION": "unix:///run/redis.sock"}, "unix:///run/redis.sock"),
    ],
)
def test_the_variables_of_a_laravel_app(environ: dict[str, str], shown: str) -> None:
    assert repr(Broadcaster.from_env(environ).driver()) == f"RedisDriver({shown})"
    assert repr(AsyncBroadcaster.from_env(environ).driver()) == f"AsyncRedisDriver({shown})"


@pytest.fixture
def servers(monkeypatch: pytest.MonkeyPatch) -> list[Server]:
    """What drivers connect to."""
    found: list[Server] = []
    monkeypatch.setattr(RedisDriver, "_connect", lambda _, server: found.append(server))
    return found


def test_user_password_and_database_are_passed_on(servers: list[Server]) -> None:
    environ = LARAVEL | {"REDIS_USERNAME": "app", "REDIS_PASSWORD": SECRET, "REDIS_DB": "2"}
    driver = Broadcaster.from_env(environ).driver()

    (server,) = servers
    assert server.greeting == (("AUTH", "app", SECRET), ("SELECT", 2))
    assert SECRET not in f"{driver!r}{server!r}"


@pytest.mark.parametrize(
    ("userinfo", "greeting"),
    [
        ("", ()),
        (f":{SECRET}@", (("AUTH", SECRET),)),
        ("app@", (("AUTH", "app", ""),)),
        (f"app:{SECRET}@", (("AUTH", "app", SECRET),)),
    ],
)
def test_what_a_connection_begins_with(servers: list[Server], userinfo: str, greeting: object) -> None:
    Broadcaster.from_url(f"redis://{userinfo}h").driver()

    assert [server.greeting for server in servers] == [greeting]


def test_it_can_be_reached_beside_the_default() -> None:
    broadcaster = Broadcaster.from_env({"BROADCAST_CONNECTION": "log", "REDIS_HOST": "h"})

    assert repr(broadcaster.driver("redis")) == "RedisDriver(redis://h:6379)"
    with pytest.raises(ConfigurationError, match="no connection 'redis'"):
        Broadcaster.from_env({"BROADCAST_CONNECTION": "log", "REDIS_HOST": "null"}).driver("redis")


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"REDIS_PORT": "x"}, "REDIS_PORT must be a number from 1 to 65535, not 'x'"),
        ({"REDIS_PORT": "70000"}, "REDIS_PORT must be a number from 1 to 65535, not 70000"),
        ({"REDIS_DB": "first"}, "REDIS_DB must be the number of a database, such as 0, not 'first'"),
        ({"REDIS_HOST": "tls://h"}, "REDIS_HOST must be a host name or address"),
        ({"REDIS_URL": f"http://:{SECRET}@h"}, "REDIS_URL must start with redis://"),
    ],
)
def test_a_wrong_variable_is_named(changed: dict[str, str], said: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        Broadcaster.from_env(LARAVEL | changed).driver()

    assert str(error.value).startswith(said)
    assert SECRET not in str(error.value)


def test_a_mapping() -> None:
    settings = {
        "default": "main",
        "connections": {
            "main": {"driver": "redis", "url": "redis://h:1", "prefix": "app_", "timeout": 2.0},
            "nodes": {"driver": "redis", "cluster": ["a:1"]},
            "wrong": {"driver": "redis", "url": "redis://h/x"},
        },
    }
    broadcaster = Broadcaster.from_settings(settings)

    assert repr(broadcaster.driver()) == "RedisDriver(redis://h:1 with prefix 'app_')"
    assert repr(broadcaster.driver("nodes")) == "RedisDriver(redis+cluster://a:1)"
    with pytest.raises(ConfigurationError, match=r"^connections\.wrong\.url must have the number of a database"):
        broadcaster.driver("wrong")
