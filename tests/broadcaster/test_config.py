"""Settings: from a mapping, a URL or the variables of Laravel apps. Each wrong one is named, and no secret shown."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from broadcastkit import AsyncBroadcaster, Broadcaster, ChannelRegistry
from broadcastkit.config import (
    Connections,
    async_drivers_from_settings,
    drivers_from_settings,
    settings_from_env,
    settings_from_url,
)
from broadcastkit.drivers import DRIVERS
from broadcastkit.drivers.log import AsyncLogDriver, LogDriver
from broadcastkit.drivers.memory import AsyncMemoryDriver, MemoryDriver
from broadcastkit.drivers.null import NullDriver
from broadcastkit.drivers.pusher import AsyncPusherDriver, PusherDriver
from broadcastkit.errors import ConfigurationError, MissingDependencyError

if TYPE_CHECKING:
    from collections.abc import Callable

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
    with pytest.raises(ConfigurationError, match=r"app_id.*secret"):
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
    ({"BROADCAST_CONNECTION": "ably"}, "BROADCAST_CONNECTION", "must be one of log, null, memory, not 'ably'"),
    ({"BROADCAST_DRIVER": "redis"}, "BROADCAST_DRIVER", "must be one of log, null, memory, not 'redis'"),
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
        "must be true or false, not 'maybe'",
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
    ({"PUSHER_PROFILE": "ably"}, "PUSHER_PROFILE", "'ably' is not known; there are: pusher, reverb, soketi"),
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


# -- URLs --------------------------------------------------------------------------------------------------------------


def test_a_url_is_one_connection() -> None:
    url = f"http://key:{SECRET}@127.0.0.1:6001/apps/app-1"

    assert repr(Broadcaster.from_url(url).driver()) == "PusherDriver('app-1' at http://127.0.0.1:6001)"
    assert isinstance(AsyncBroadcaster.from_url(url).driver("pusher"), AsyncPusherDriver)
    assert isinstance(AsyncBroadcaster.from_url("memory://").driver(), AsyncMemoryDriver)
    assert isinstance(Broadcaster.from_url("LOG://").driver(), LogDriver)


@pytest.mark.parametrize(
    "url",
    [
        f"redis://:{SECRET}@host/0",
        f"{SECRET}",
        f"key:{SECRET}@host/apps/1",
        f"k:{SECRET}://host",
        "",
        "log",
    ],
)
def test_a_url_of_another_kind_is_explained_without_showing_it(url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"starts with log://, .* or https://") as error:
        settings_from_url(url)

    assert SECRET not in str(error.value)


@pytest.mark.parametrize("broken", ["[", "\u2100"])
def test_a_url_that_cannot_be_read_is_not_shown(broken: str) -> None:
    broadcaster = Broadcaster.from_url(f"https://key:{SECRET}{broken}@host/apps/1")

    with pytest.raises(ConfigurationError, match="cannot be read") as error:
        broadcaster.driver()
    assert SECRET not in str(error.value)


# -- mappings ----------------------------------------------------------------------------------------------------------


def test_a_mapping_of_several_connections() -> None:
    channels = ChannelRegistry()
    settings = {
        "default": "main",
        "connections": {
            "main": {"driver": "reverb", "app_id": 1, "key": "k", "secret": SECRET, "host": "h", "port": 8080},
            "socket": {"driver": "soketi", "app_id": "2", "key": "k", "secret": SECRET, "host": "h"},
            "by url": {"driver": "pusher", "url": f"https://k:{SECRET}@h/apps/3", "timeout": 2.0},
            "quiet": {"driver": "log", "logger": "app", "level": 10},
        },
    }

    broadcaster = Broadcaster.from_settings(settings, channels=channels, on_error="report")

    assert repr(broadcaster.driver()) == "PusherDriver('1' at https://h:8080)"
    assert repr(broadcaster.driver("by url")) == "PusherDriver('3' at https://h:443)"
    assert isinstance(broadcaster.driver("quiet"), LogDriver)
    profiles: list[Any] = [broadcaster.driver(name) for name in ("main", "socket", "by url")]
    assert [driver._profile.name for driver in profiles] == ["reverb", "soketi", "pusher"]
    assert broadcaster.channels is channels


def test_one_connection_needs_no_name() -> None:
    assert isinstance(Broadcaster.from_settings({"driver": "log"}).driver("log"), LogDriver)
    assert isinstance(Broadcaster.from_settings({"connections": {"a": {"driver": "null"}}}).driver(), NullDriver)
    drivers, default = async_drivers_from_settings({"driver": "log"})
    assert default == "log"
    assert isinstance(drivers["log"], AsyncLogDriver)


def test_a_profile_may_be_given_over_the_drivers_own() -> None:
    drivers, _ = drivers_from_settings(
        {"driver": "soketi", "app_id": "1", "key": "k", "secret": "s", "profile": "reverb"}
    )
    driver: Any = drivers["soketi"]

    assert driver._profile.name == "reverb"


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({}, "driver must be one of log, memory, null, pusher, reverb, soketi; or give 'connections'"),
        ({"driver": None}, "driver must be one of"),
        ({"connections": {}}, "connections must map names to settings such as"),
        ({"connections": ["log"]}, "connections must map names to settings such as"),
        ({"connections": {"a": {"driver": "log"}, "b": {"driver": "log"}}}, "default must be one of a, b, not None"),
        ({"default": "c", "connections": {"a": {"driver": "log"}}}, "default must be one of a, not 'c'"),
        ({"connections": {"a": {}}}, "connections.a needs a 'driver': log, memory, null, pusher, reverb, soketi"),
        ({"connections": {"a": "log"}}, "connections.a needs a 'driver'"),
        ({"connections": {"a": {"driver": 7}}}, "connections.a needs a 'driver'"),
    ],
)
def test_a_wrong_mapping_is_refused_at_once(settings: Any, said: str) -> None:
    for read in (Broadcaster.from_settings, AsyncBroadcaster.from_settings):
        with pytest.raises(ConfigurationError) as error:
            read(settings)
        assert str(error.value).startswith(said)


GOOD = {"driver": "pusher", "app_id": "1", "key": "k", "secret": SECRET}


@pytest.mark.parametrize(
    ("connection", "said"),
    [
        ({"driver": "ably"}, "connections.a.driver 'ably' is no driver; there are: "),
        ({**GOOD, "port": "8080"}, "connections.a.port must be a number from 1 to 65535, not '8080'"),
        ({**GOOD, "key": None}, "connections.a.key must be printable ASCII"),
        ({**GOOD, "secret": None}, "connections.a.secret must not be empty"),
        ({**GOOD, "app_id": None}, "connections.a.app_id must be a str, not NoneType"),
        ({"driver": "pusher", "app_id": "1", "key": "k"}, "connections.a: pusher driver missing 1 required"),
        ({**GOOD, "colour": SECRET}, "connections.a: pusher driver got an unexpected keyword argument 'colour'"),
        ({"driver": "log", "url": "log://"}, "connections.a.url is not for a log connection"),
        ({**GOOD, "url": f"https://k:{SECRET}@h/apps"}, "connections.a: the path of a Pusher URL ends in /apps/app-id"),
    ],
)
def test_a_wrong_connection_is_named_when_it_is_used(connection: dict[str, Any], said: str) -> None:
    settings = {"default": "b", "connections": {"a": connection, "b": {"driver": "null"}}}

    for broadcaster in (Broadcaster.from_settings(settings), AsyncBroadcaster.from_settings(settings)):
        broadcaster.driver()
        with pytest.raises(ConfigurationError) as error:
            broadcaster.driver("a")
        assert str(error.value).startswith(said)
        assert SECRET not in str(error.value)


class NeedsAnExtra:
    """A driver whose extra is not installed."""

    def __init__(self) -> None:
        raise MissingDependencyError("redis", "redis", "the redis driver")


def test_a_driver_whose_extra_is_not_installed_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(DRIVERS, "mine", (__name__, "NeedsAnExtra"))

    with pytest.raises(MissingDependencyError, match=r"pip install 'broadcastkit\[redis\]'"):
        Broadcaster.from_settings({"driver": "mine"}).driver()


# -- made at first use -------------------------------------------------------------------------------------------------


def test_a_connection_is_made_once_and_when_it_is_first_asked_for() -> None:
    made: list[str] = []

    def maker(name: str) -> Callable[[], NullDriver]:
        def make() -> NullDriver:
            made.append(name)
            return NullDriver()

        return make

    connections = Connections({name: maker(name) for name in ("a", "b")})

    assert list(connections) == ["a", "b"]
    assert len(connections) == 2
    assert "a" in connections
    assert "c" not in connections
    assert repr(connections) == "Connections(['a', 'b'])"
    assert made == []
    assert connections["a"] is connections["a"]
    assert made == ["a"]
    assert connections.made() == [connections["a"]]
    with pytest.raises(KeyError):
        connections["c"]


def test_several_threads_share_what_one_of_them_made() -> None:
    made: list[NullDriver] = []
    together = threading.Barrier(8)

    def make() -> NullDriver:
        made.append(NullDriver())
        return made[-1]

    connections = Connections({"a": make})

    def work(_: int) -> NullDriver:
        together.wait(10)
        return connections["a"]

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(work, range(8)))

    assert len(made) == 1
    assert found == made * 8


def test_only_what_was_made_is_closed() -> None:
    broadcaster = Broadcaster.from_env({"BROADCAST_CONNECTION": "log", "PUSHER_APP_KEY": "incomplete"})

    broadcaster.driver()
    broadcaster.close()
