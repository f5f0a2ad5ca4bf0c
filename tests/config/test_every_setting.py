"""Every setting of every driver: what is missing, of the wrong type or wrong is named, with what it should hold."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from broadcastkit.config import async_drivers_from_settings, drivers_from_settings, settings_from_env
from broadcastkit.config.variables import arguments_by_variable
from broadcastkit.drivers import DRIVERS, driver_class
from broadcastkit.errors import ConfigurationError
from broadcastkit.server import App, EmbeddedServer

if TYPE_CHECKING:
    from collections.abc import Callable

SERVER = EmbeddedServer(App("app-1", "key-1", "secret-1"))
APP = {"app_id": "app-1", "key": "key-1", "secret": "secret-1"}
GOOD: dict[str, dict[str, Any]] = {
    "embedded": {"server": SERVER},
    "log": {},
    "memory": {},
    "null": {},
    "pusher": APP,
    "redis": {},
    "socketio": {"url": "socketio+redis://127.0.0.1"},
}
MISSING = object()


class Case(NamedTuple):
    driver: str
    setting: str
    value: Any
    said: str


def named(driver: str, setting: str, *cases: tuple[Any, str]) -> list[Case]:
    return [Case(driver, setting, value, said) for value, said in cases]


SECONDS = ((0, "must be a number of seconds over 0"), ("2", "must be a number of seconds over 0"))
RETRY = (
    (3, "must be a Retry, or a mapping of attempts, budget, base, cap, after_timeout"),
    ({"tries": 3}, ".tries is none of attempts, budget, base, cap, after_timeout"),
    ({"attempts": 0}, ".attempts must be a number from 1, not 0"),
    ({"budget": "10"}, ".budget must be a number of seconds from 0, not '10'"),
)
PORT = ((0, "must be a number from 1 to 65535, not 0"), ("80", "must be a number from 1 to 65535, not '80'"))
MASTER_KEY = ((7, "must be a str, not int"), ("short", "is not base64"), ("c2hvcnQ=", "must decode to 32 bytes, not 5"))
CASES = [
    *named(
        "embedded",
        "server",
        (MISSING, "is not set, and the embedded driver needs it"),
        ("127.0.0.1", "must be an EmbeddedServer, not str"),
    ),
    *named("embedded", "app_id", (7, "must be a str, not int"), ("x", "must be one of this server's apps (app-1)")),
    *named("embedded", "encryption_master_key", *MASTER_KEY),
    *named("log", "logger", (7, "must be a str, not int")),
    *named(
        "log", "level", ("loud", "must be a level of logging, such as 'INFO', not 'loud'"), (None, "must be a level")
    ),
    *named("memory", "messages", ("x", "must be a list, not str")),
    *named(
        "pusher",
        "app_id",
        (MISSING, "is not set, and the pusher driver needs it"),
        (1.5, "must be a str, not float"),
        ("a/b", "must be a str of letters, digits or - _ . and not be empty"),
    ),
    *named(
        "pusher",
        "key",
        (MISSING, "is not set, and the pusher driver needs it"),
        (7, "must be a str, not int"),
        ("a b", "must be printable ASCII without spaces"),
    ),
    *named(
        "pusher",
        "secret",
        (MISSING, "is not set, and the pusher driver needs it"),
        (7, "must be a str, not int"),
        ("", "must not be empty"),
    ),
    *named(
        "pusher", "cluster", (7, "must be a str, not int"), ("EU", "must be a name such as 'mt1' or 'eu', not 'EU'")
    ),
    *named("pusher", "host", (7, "must be a str, not int"), ("https://h", "must be a host name or address without")),
    *named("pusher", "port", *PORT),
    *named("pusher", "scheme", (["https"], "must be a str, not list"), ("wss", "must be 'http' or 'https', not 'wss'")),
    *named("pusher", "path", (7, "must be a str, not int"), ("/a b", "must be a prefix such as '/ws', not '/a b'")),
    *named("pusher", "encryption_master_key", *MASTER_KEY),
    *named("pusher", "profile", (["soketi"], "must be one of pusher, reverb, soketi"), ("x", "must be one of pusher")),
    *named("pusher", "timeout", *SECONDS, ({"read": 1}, "must be a number of seconds over 0, or an httpx.Timeout")),
    *named(
        "pusher",
        "verify",
        (None, "must be True, False, the path of a CA file or an ssl.SSLContext, not NoneType"),
        ("/no/such.pem", "must be the path of a CA file, and there is none at '/no/such.pem'"),
    ),
    *named("pusher", "retry", *RETRY),
    *named("pusher", "client", ("httpx", "must be a client of httpx's shape")),
    *named("redis", "host", (7, "must be a str, not int"), ("redis://h", "must be a host name or address without")),
    *named("redis", "port", *PORT),
    *named("redis", "username", (7, "must be a str, not int")),
    *named("redis", "password", (7, "must be a str, not int")),
    *named("redis", "db", ("0", "must be a number from 0, not '0'"), (-1, "must be a number from 0, not -1")),
    *named("redis", "tls", ("false", "must be True or False, not 'false'"), (1, "must be True or False, not 1")),
    *named(
        "redis",
        "verify",
        (None, "must be True, False or the path of a CA file, not NoneType"),
        (0, "must be True, False"),
    ),
    *named("redis", "path", (7, "must be a str, not int")),
    *named(
        "redis", "cluster", ("h:1", "must be a list of addresses such as"), (["h:x"], "must be a list of addresses")
    ),
    *named("redis", "sentinels", (7, "must be a list of addresses such as"), (["h:x"], "must be a list of addresses")),
    *named("redis", "service", (7, "must be a str, not int")),
    *named("redis", "prefix", (None, "must be a str, not NoneType")),
    *named("redis", "timeout", *SECONDS),
    *named("redis", "retry", *RETRY),
    *named("redis", "client", ("redis", "must be a client of redis-py or valkey")),
    *named(
        "socketio",
        "url",
        (7, "must be a str, not int"),
        ("socketio+amqp://h", "must start with socketio+redis://"),
        ("socketio+redis://h?x=1", "takes the options channel, namespace and no others"),
    ),
    *named("socketio", "client", ("redis", "must be a client of redis-py or valkey")),
    *named("socketio", "manager", ("redis", "is no manager of python-socketio's")),
    *named("socketio", "server", ("127.0.0.1", "is no server of python-socketio's")),
    *named(
        "socketio", "channel", (7, "must be the name of a Redis channel"), ("", "must be the name of a Redis channel")
    ),
    *named(
        "socketio", "namespace", (7, "must be a str that starts with /, not 7"), ("chat", "must be a str that starts")
    ),
    *named("socketio", "timeout", *SECONDS),
    *named("socketio", "retry", *RETRY),
]


def settings_with(case: Case) -> dict[str, Any]:
    settings = {"driver": case.driver, **GOOD[case.driver], case.setting: case.value}
    if case.value is MISSING:
        del settings[case.setting]
    if case.driver == "socketio" and case.setting in {"client", "manager", "server"}:
        del settings["url"]
    return settings


@pytest.mark.parametrize("read", [drivers_from_settings, async_drivers_from_settings])
@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.driver}.{case.setting}={case.value!r:.20}")
def test_a_wrong_setting_is_named_by_its_path(case: Case, read: Callable[[Any], tuple[Any, str]]) -> None:
    connections, _ = read({"default": "main", "connections": {"main": settings_with(case)}})

    with pytest.raises(ConfigurationError) as error:
        connections["main"]

    path = f"connections.main.{case.setting}"
    assert error.value.setting.startswith(path)
    assert str(error.value).startswith(f"{path}{case.said}" if case.said.startswith(".") else f"{path} {case.said}")


@pytest.mark.parametrize("read", [drivers_from_settings, async_drivers_from_settings])
@pytest.mark.parametrize("driver", GOOD)
def test_what_no_driver_has_is_named(driver: str, read: Callable[[Any], tuple[Any, str]]) -> None:
    connections, _ = read({"driver": driver, **GOOD[driver], "colour": "red"})

    with pytest.raises(ConfigurationError) as error:
        connections[driver]

    assert error.value.setting == f"connections.{driver}.colour"
    assert f"is no setting of the {driver} driver, which has " in str(error.value)


def test_no_setting_is_forgotten() -> None:
    told = {(case.driver, case.setting) for case in CASES}
    there = {
        (name, setting)
        for name in DRIVERS
        for asynchronous in (False, True)
        for setting in inspect.signature(driver_class(name, asynchronous=asynchronous)).parameters
    }

    assert told == there


@pytest.mark.parametrize("level", ["WARNING", "warning", 30])
def test_a_level_may_be_named(level: int | str) -> None:
    connections, _ = drivers_from_settings({"driver": "log", "level": level})
    driver: Any = connections["log"]

    assert driver._level == 30


def test_a_retry_may_come_from_a_file() -> None:
    retry = {"attempts": 5, "budget": 30, "after_timeout": True}
    connections, _ = drivers_from_settings({"driver": "pusher", **APP, "retry": retry})
    driver: Any = connections["pusher"]

    assert (driver._core._retry.attempts, driver._core._retry.budget) == (5, 30)


# -- the environment -------------------------------------------------------------------------------------------------

ENVIRON = {
    "PUSHER": {"PUSHER_APP_ID": "1", "PUSHER_APP_KEY": "k", "PUSHER_APP_SECRET": "s"},
    "REVERB": {"REVERB_APP_ID": "1", "REVERB_APP_KEY": "k", "REVERB_APP_SECRET": "s", "REVERB_HOST": "h"},
    "REDIS": {"REDIS_HOST": "127.0.0.1"},
    "SOCKETIO": {"SOCKETIO_URL": "socketio+redis://127.0.0.1"},
}
HOST = ("https://h", "must be a host name or address without scheme, port or path, not 'https://h'")
TEXTS: dict[str, tuple[str, str]] = {
    "url": ("amqp://h", "must start with "),
    "app_id": ("a/b", "must be a str of letters, digits or - _ . and not be empty"),
    "key": ("a b", "must be printable ASCII without spaces, quotes, colons, & or ="),
    "cluster": ("EU", "must be a name such as 'mt1' or 'eu', not 'EU'"),
    "host": HOST,
    "port": ("http", "must be a number from 1 to 65535, not 'http'"),
    "scheme": ("wss", "must be 'http' or 'https', not 'wss'"),
    "path": ("/a b", "must be a prefix such as '/ws', not '/a b'"),
    "profile": ("x", "must be one of pusher, reverb, soketi, anycable, ably, not 'x'"),
    "timeout": ("soon", "must be a number of seconds, such as 2.5, not 'soon'"),
    "verify": ("maybe", "must be true, false or the path of a CA file, not 'maybe'"),
    "encryption_master_key": ("short", "is not base64 (standard alphabet, padded)"),
    "tls": ("rediss", "must be 'tcp' or 'tls', not 'rediss'"),
    "db": ("first", "must be the number of a database, such as 0, not 'first'"),
    "namespace": ("chat", "must be a str that starts with /, not 'chat'"),
}
# any text will do
FREE = {"secret", "username", "password", "prefix", "channel"}
VARIABLES = [
    (name, variable, argument)
    for name, variables in arguments_by_variable().items()
    for variable, argument in variables.items()
]


@pytest.mark.parametrize(("name", "variable", "argument"), [row for row in VARIABLES if row[2] not in FREE], ids=str)
def test_a_wrong_variable_is_named(name: str, variable: str, argument: str) -> None:
    text, said = TEXTS[argument]
    environ = {"BROADCAST_CONNECTION": name, **ENVIRON[name.upper()], variable: text}

    for read in (drivers_from_settings, async_drivers_from_settings):
        with pytest.raises(ConfigurationError) as error:
            read(settings_from_env(environ))[0][name]

        assert error.value.setting == variable
        assert str(error.value).startswith(f"{variable} {said}")


@pytest.mark.parametrize(("name", "variable", "argument"), VARIABLES, ids=str)
def test_every_variable_is_an_argument_of_its_driver(name: str, variable: str, argument: str) -> None:
    cls = driver_class("pusher" if name == "reverb" else name, asynchronous=False)

    assert argument in inspect.signature(cls).parameters or (argument == "url" and hasattr(cls, "from_url"))
    assert variable.startswith(f"{name.upper()}_")
