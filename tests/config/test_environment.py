"""Settings from the variables that Laravel apps have: each wrong one is named, and no secret shown."""

from __future__ import annotations

from typing import Any

import pytest

from broadcastkit import AsyncBroadcaster, Broadcaster
from broadcastkit.config import (
    redis_url_from_env,
    settings_from_env,
)
from broadcastkit.drivers.log import LogDriver
from broadcastkit.drivers.memory import MemoryDriver
from broadcastkit.drivers.null import NullDriver
from broadcastkit.drivers.pusher import PusherDriver
from broadcastkit.errors import ConfigurationError

SECRET = "t0psecret"
PUSHER = {"PUSHER_APP_ID": "app-1", "PUSHER_APP_KEY": "key-1", "PUSHER_APP_SECRET": SECRET}
REVERB = {
    "REVERB_APP_ID": "app-2",
    "REVERB_APP_KEY": "key-2",
    "REVERB_APP_SECRET": SECRET,
    "REVERB_HOST": "localhost",
}
# What `php artisan install:broadcasting` writes to .env, and the lines that Laravel's own .env.example has
LARAVEL_REVERB = {
    "BROADCAST_CONNECTION": "reverb",
    "REVERB_APP_ID": "256980",
    "REVERB_APP_KEY": "f4l2tmwqf6eg0f6jz0mw",
    "REVERB_APP_SECRET": SECRET,
    "REVERB_HOST": "localhost",
    "REVERB_PORT": "8080",
    "REVERB_SCHEME": "http",
}
LARAVEL_PUSHER = {
    "BROADCAST_DRIVER": "pusher",
    **PUSHER,
    "PUSHER_HOST": "",
    "PUSHER_PORT": "443",
    "PUSHER_SCHEME": "https",
    "PUSHER_APP_CLUSTER": "mt1",
    "VITE_PUSHER_APP_KEY": "${PUSHER_APP_KEY}",
}


def shown(environ: dict[str, str], connection: str | None = None) -> str:
    return repr(Broadcaster.from_env(environ).driver(connection))


# -- the environment ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("environ", "driver"),
    [
        (LARAVEL_REVERB, "PusherDriver('256980' at http://localhost:8080)"),
        (LARAVEL_PUSHER, "PusherDriver('app-1' at https://api-mt1.pusher.com:443)"),
        ({"BROADCAST_CONNECTION": "pusher", **PUSHER}, "PusherDriver('app-1' at https://api-mt1.pusher.com:443)"),
        (
            {"BROADCAST_CONNECTION": "pusher", **PUSHER, "PUSHER_APP_CLUSTER": "eu"},
            "PusherDriver('app-1' at https://api-eu.pusher.com:443)",
        ),
        (
            {
                "BROADCAST_CONNECTION": "pusher",
                **PUSHER,
                "PUSHER_HOST": "127.0.0.1",
                "PUSHER_PORT": "6001",
                "PUSHER_SCHEME": "http",
                "PUSHER_PATH": "/ws",
                "PUSHER_PROFILE": "soketi",
                "PUSHER_VERIFY_PEER": "false",
            },
            "PusherDriver('app-1' at http://127.0.0.1:6001/ws)",
        ),
        (
            {"BROADCAST_CONNECTION": "reverb", **REVERB, "REVERB_SERVER_PATH": "app"},
            "PusherDriver('app-2' at https://localhost:443/app)",
        ),
        (
            {"BROADCAST_CONNECTION": f"http://key:{SECRET}@127.0.0.1:6001/apps/app-3"},
            "PusherDriver('app-3' at http://127.0.0.1:6001)",
        ),
        (
            {"BROADCAST_CONNECTION": f"pusher://key:{SECRET}@/app-4?cluster=eu"},
            "PusherDriver('app-4' at https://api-eu.pusher.com:443)",
        ),
    ],
)
def test_the_variables_of_a_laravel_app(environ: dict[str, str], driver: str) -> None:
    assert shown(environ) == driver
    assert repr(AsyncBroadcaster.from_env(environ).driver()) == f"Async{driver}"


@pytest.mark.parametrize(("name", "driver"), [("log", LogDriver), ("null", NullDriver), ("memory", MemoryDriver)])
def test_connections_that_need_nothing_else(name: str, driver: type[Any]) -> None:
    for value in (name, f"{name}://"):
        assert isinstance(Broadcaster.from_env({"BROADCAST_CONNECTION": value}).driver(), driver)


def test_the_newer_name_of_the_variable_wins() -> None:
    broadcaster = Broadcaster.from_env({"BROADCAST_CONNECTION": "null", "BROADCAST_DRIVER": "log"})

    assert isinstance(broadcaster.driver(), NullDriver)


def test_an_empty_variable_is_an_absent_one() -> None:
    environ = {"BROADCAST_CONNECTION": "", "BROADCAST_DRIVER": "pusher", **PUSHER, "PUSHER_PORT": "", "PUSHER_PATH": ""}

    assert shown(environ) == "PusherDriver('app-1' at https://api-mt1.pusher.com:443)"
    with pytest.raises(ConfigurationError, match="BROADCAST_CONNECTION is not set"):
        settings_from_env({"BROADCAST_CONNECTION": "", "BROADCAST_DRIVER": ""})


def test_connections_whose_variables_are_there_can_be_reached_too() -> None:
    broadcaster = Broadcaster.from_env({"BROADCAST_CONNECTION": "log", **PUSHER, **REVERB})

    assert isinstance(broadcaster.driver(), LogDriver)
    assert isinstance(broadcaster.driver("pusher"), PusherDriver)
    assert repr(broadcaster.driver("reverb")) == "PusherDriver('app-2' at https://localhost:443)"
    with pytest.raises(ConfigurationError, match="no connection 'redis'; there are: log, null, memory, pusher, reverb"):
        broadcaster.driver("redis")


def test_one_that_is_not_complete_is_an_error_when_it_is_used() -> None:
    broadcaster = Broadcaster.from_env({"BROADCAST_CONNECTION": "log", "PUSHER_APP_KEY": "key-1"})

    broadcaster.driver()
    with pytest.raises(ConfigurationError, match=r"^PUSHER_APP_ID is not set, and the pusher connection needs it$"):
        broadcaster.driver("pusher")


def test_a_wrong_variable_of_another_connection_is_an_error_when_that_is_used() -> None:
    broadcaster = Broadcaster.from_env({"BROADCAST_CONNECTION": "log", "PUSHER_APP_ID": "1", "PUSHER_PORT": "many"})

    with pytest.raises(ConfigurationError, match=r"^PUSHER_PORT must be a number from 1 to 65535, not 'many'$"):
        broadcaster.driver("pusher")


def test_the_process_environment_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROADCAST_CONNECTION", "null")

    assert isinstance(Broadcaster.from_env().driver(), NullDriver)
    assert settings_from_env()["default"] == "null"


def test_limits_are_the_services() -> None:
    reverb = settings_from_env(LARAVEL_REVERB)

    assert reverb["connections"]["reverb"]["driver"] == "reverb"
    driver: Any = Broadcaster.from_settings(reverb).driver()
    assert driver._profile.name == "reverb"


WRONG: list[tuple[dict[str, str], str, str]] = [
    ({}, "BROADCAST_CONNECTION", "is not set: name a connection"),
    ({"BROADCAST_CONNECTION": "ably"}, "BROADCAST_CONNECTION", "is pusher for ably, with PUSHER_PROFILE=ably"),
    (
        {"BROADCAST_DRIVER": "mercure"},
        "BROADCAST_DRIVER",
        "must be one of log, null, memory, pusher, reverb, redis, socketio, a URL or an installed driver, not ",
    ),
    ({"BROADCAST_CONNECTION": "pusher"}, "PUSHER_APP_ID", "is not set, and the pusher connection needs it"),
    (
        {"BROADCAST_CONNECTION": "pusher", **PUSHER, "PUSHER_APP_SECRET": ""},
        "PUSHER_APP_SECRET",
        "is not set, and the pusher connection needs it",
    ),
    (
        {"BROADCAST_CONNECTION": "reverb", **REVERB, "REVERB_HOST": ""},
        "REVERB_HOST",
        "is not set, and the reverb connection needs it",
    ),
    (
        {"BROADCAST_CONNECTION": "pusher", **PUSHER, "PUSHER_PORT": "https"},
        "PUSHER_PORT",
        "must be a number from 1 to 65535, not 'https'",
    ),
    (
        {"BROADCAST_CONNECTION": "pusher", **PUSHER, "PUSHER_PORT": "٤٤٣"},
        "PUSHER_PORT",
        "must be a number from 1 to 65535",
    ),
    (
        {"BROADCAST_CONNECTION": "pusher", **PUSHER, "PUSHER_VERIFY_PEER": "maybe"},
        "PUSHER_VERIFY_PEER",
        "must be true, false or the path of a CA file, not 'maybe'",
    ),
]
WRONG_WHEN_USED: list[tuple[dict[str, str], str, str]] = [
    ({"PUSHER_PORT": "70000"}, "PUSHER_PORT", "must be a number from 1 to 65535, not 70000"),
    ({"PUSHER_SCHEME": "tls"}, "PUSHER_SCHEME", "must be 'http' or 'https', not 'tls'"),
    ({"PUSHER_HOST": "https://example.com"}, "PUSHER_HOST", "must be a host name or address"),
    ({"PUSHER_HOST": f"https://k:{SECRET}@example.com"}, "PUSHER_HOST", "must be a host name or address"),
    ({"PUSHER_APP_CLUSTER": "EU West"}, "PUSHER_APP_CLUSTER", "must be a name such as 'mt1' or 'eu', not 'EU West'"),
    ({"PUSHER_APP_KEY": "a b"}, "PUSHER_APP_KEY", "must be printable ASCII"),
    ({"PUSHER_APP_ID": "a/b"}, "PUSHER_APP_ID", "must be a str of letters"),
    ({"PUSHER_PATH": "/a b"}, "PUSHER_PATH", "must be a prefix such as '/ws', not '/a b'"),
    (
        {"PUSHER_PROFILE": "mercure"},
        "PUSHER_PROFILE",
        "must be one of pusher, reverb, soketi, anycable, ably, not 'mercure'",
    ),
    (
        {"PUSHER_ENCRYPTION_MASTER_KEY": SECRET},
        "PUSHER_ENCRYPTION_MASTER_KEY",
        "is not base64 (standard alphabet, padded)",
    ),
]


@pytest.mark.parametrize(("environ", "variable", "said"), WRONG)
def test_a_wrong_variable_is_named_with_what_it_should_hold(environ: dict[str, str], variable: str, said: str) -> None:
    for read in (Broadcaster.from_env, AsyncBroadcaster.from_env):
        with pytest.raises(ConfigurationError) as error:
            read(environ)

        assert error.value.setting == variable
        assert str(error.value).startswith(f"{variable} {said}")
        assert SECRET not in str(error.value)


@pytest.mark.parametrize(("changed", "variable", "said"), WRONG_WHEN_USED)
def test_a_value_that_only_the_driver_understands_is_named_when_it_is_made(
    changed: dict[str, str], variable: str, said: str
) -> None:
    environ = {"BROADCAST_CONNECTION": "pusher", **PUSHER, **changed}

    for broadcaster in (Broadcaster.from_env(environ), AsyncBroadcaster.from_env(environ)):
        with pytest.raises(ConfigurationError) as error:
            broadcaster.driver()

        assert error.value.setting == variable
        assert str(error.value).startswith(f"{variable} {said}")
        assert SECRET not in str(error.value)


# -- beyond Laravel's --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("environ", "driver"),
    [
        # what Heroku's add-on sets, and Pusher's own libraries read
        (
            {"BROADCAST_CONNECTION": "pusher", "PUSHER_URL": f"http://key:{SECRET}@api-eu.pusher.com/apps/3"},
            "PusherDriver('3' at http://api-eu.pusher.com:80)",
        ),
        (
            {"BROADCAST_CONNECTION": "pusher", "PUSHER_URL": f"https://key:{SECRET}@h/apps/3", **PUSHER},
            "PusherDriver('3' at https://h:443)",
        ),
        (
            {"BROADCAST_CONNECTION": "redis", "REDIS_HOST": "h", "REDIS_SCHEME": "tls", "REDIS_PASSWORD": SECRET},
            "RedisDriver(rediss://h:6379)",
        ),
        ({"BROADCAST_CONNECTION": "redis", "REDIS_SCHEME": "tcp"}, "RedisDriver(redis://127.0.0.1:6379)"),
        (
            {"BROADCAST_CONNECTION": "socketio", "SOCKETIO_URL": "redis://h:1/2", "SOCKETIO_CHANNEL": "chat"},
            "SocketIODriver(redis://h:1, channel 'chat')",
        ),
    ],
)
def test_variables_that_laravel_has_not(environ: dict[str, str], driver: str) -> None:
    assert shown(environ) == driver
    assert repr(AsyncBroadcaster.from_env(environ).driver()) == f"Async{driver}"


def test_what_a_url_does_not_hold_is_read_beside_it() -> None:
    settings = settings_from_env(
        {
            "BROADCAST_CONNECTION": "pusher",
            "PUSHER_URL": f"https://key:{SECRET}@h/apps/3",
            "PUSHER_PORT": "not read",
            "PUSHER_TIMEOUT": "2.5",
            "PUSHER_PROFILE": "soketi",
            "PUSHER_VERIFY_PEER": "/etc/ssl/own.pem",
        }
    )

    assert {key: value for key, value in settings["connections"]["pusher"].items() if key != "variables"} == {
        "driver": "pusher",
        "url": f"https://key:{SECRET}@h/apps/3",
        "timeout": 2.5,
        "profile": "soketi",
        "verify": "/etc/ssl/own.pem",
    }


@pytest.mark.parametrize("none", ["null", "(null)", "empty", "(empty)"])
def test_what_laravel_reads_as_none_is_none(none: str) -> None:
    environ = {"BROADCAST_CONNECTION": "pusher", **PUSHER, "PUSHER_HOST": none, "PUSHER_PORT": none}

    assert shown(environ) == "PusherDriver('app-1' at https://api-mt1.pusher.com:443)"
    with pytest.raises(ConfigurationError, match="PUSHER_APP_KEY is not set"):
        settings_from_env(environ | {"PUSHER_APP_KEY": none})


def test_connections_of_either_kind_are_there_by_their_variables() -> None:
    broadcaster = Broadcaster.from_env(
        {"BROADCAST_CONNECTION": "null", "SOCKETIO_URL": "redis://h", "REDIS_URL": "redis://h:1"}
    )

    assert repr(broadcaster.driver("socketio")) == "SocketIODriver(redis://h:6379, channel 'socketio')".replace(
        ":6379", ""
    )
    assert repr(broadcaster.driver("redis")) == "RedisDriver(redis://h:1)"


@pytest.mark.parametrize(
    ("connection", "said"),
    [
        ("embedded", "cannot be 'embedded', which needs an object that only code can give: call configure()"),
        ("soketi", "is pusher for soketi, with PUSHER_PROFILE=soketi"),
        (f"amqp://:{SECRET}@h", "a connection URL starts with log://, memory://, null://, pusher://, redis://, "),
    ],
)
def test_a_connection_that_cannot_be_is_explained(connection: str, said: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        settings_from_env({"BROADCAST_CONNECTION": connection})

    assert str(error.value).partition(" ")[2].startswith(said)
    assert SECRET not in str(error.value)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        (f"pusher://k:{SECRET}@h", "BROADCAST_CONNECTION: app_id must be a str of letters"),
        (f"pusher://k:{SECRET}@h/1?x=1", "BROADCAST_CONNECTION takes the options cluster, profile, scheme"),
        (f"redis://:{SECRET}@h/first", "BROADCAST_CONNECTION must have the number of a database"),
        ("log://here", "BROADCAST_CONNECTION is not for the log driver"),
    ],
)
def test_a_wrong_url_is_named_by_its_variable(url: str, said: str) -> None:
    for broadcaster in (
        Broadcaster.from_env({"BROADCAST_CONNECTION": url}),
        AsyncBroadcaster.from_env({"BROADCAST_CONNECTION": url}),
    ):
        with pytest.raises(ConfigurationError) as error:
            broadcaster.driver()
        assert str(error.value).startswith(said)
        assert SECRET not in str(error.value)


@pytest.mark.parametrize(
    ("environ", "url"),
    [
        ({}, "redis://127.0.0.1:6379/0"),
        # Laravel's .env.example
        ({"REDIS_HOST": "127.0.0.1", "REDIS_PASSWORD": "null", "REDIS_PORT": "6379"}, "redis://127.0.0.1:6379/0"),
        (
            {"REDIS_HOST": "r", "REDIS_USERNAME": "ann", "REDIS_PASSWORD": "p@ss/word", "REDIS_DB": "2"},
            "redis://ann:p%40ss%2Fword@r:6379/2",
        ),
        ({"REDIS_HOST": "::1", "REDIS_SCHEME": "tls", "REDIS_PORT": "6380"}, "rediss://[::1]:6380/0"),
        ({"REDIS_URL": "tls://:s@r:1/0", "REDIS_HOST": "unused"}, "rediss://:s@r:1/0"),
        ({"REDIS_URL": "redis://r"}, "redis://r"),
    ],
)
def test_the_redis_of_the_environment_as_a_url(environ: dict[str, str], url: str) -> None:
    assert redis_url_from_env(environ) == url


def test_a_wrong_variable_of_redis_is_named() -> None:
    with pytest.raises(ConfigurationError, match="REDIS_PORT must be a number from 1 to 65535, not 'many'"):
        redis_url_from_env({"REDIS_PORT": "many"})
