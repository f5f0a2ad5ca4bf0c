"""Settings from a mapping or a URL: each wrong one is named, and no secret shown."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from broadcastkit import AsyncBroadcaster, Broadcaster, ChannelRegistry
from broadcastkit.config import (
    Connections,
    async_drivers_from_settings,
    drivers_from_settings,
    settings_from_url,
)
from broadcastkit.drivers import DRIVERS
from broadcastkit.drivers.log import AsyncLogDriver, LogDriver
from broadcastkit.drivers.memory import AsyncMemoryDriver
from broadcastkit.drivers.null import NullDriver
from broadcastkit.drivers.pusher import AsyncPusherDriver
from broadcastkit.errors import ConfigurationError, MissingDependencyError

if TYPE_CHECKING:
    from collections.abc import Callable

SECRET = "t0psecret"
NAMES = "embedded, log, memory, null, pusher, redis, socketio, reverb, soketi, anycable, ably"


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
        f"amqp://:{SECRET}@host/0",
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
        {"driver": "soketi", "app_id": "1", "key": "k", "secret": "s", "host": "here", "profile": "reverb"}
    )
    driver: Any = drivers["soketi"]

    assert driver._profile.name == "reverb"


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (
            {},
            f"driver must be one of {NAMES}; or give 'connections'",
        ),
        ({"driver": None}, "driver must be one of"),
        ({"connections": {}}, "connections must map names to settings such as"),
        ({"connections": ["log"]}, "connections must map names to settings such as"),
        ({"connections": {"a": {"driver": "log"}, "b": {"driver": "log"}}}, "default must be one of a, b, not None"),
        ({"default": "c", "connections": {"a": {"driver": "log"}}}, "default must be one of a, not 'c'"),
        (
            {"connections": {"a": {}}},
            f"connections.a needs a 'driver': {NAMES}",
        ),
        ({"connections": {"a": "log"}}, "connections.a needs a 'driver'"),
        ({"connections": {"a": {"driver": 7}}}, "connections.a needs a 'driver'"),
        (None, "settings are a mapping or a settings model, not NoneType; a driver is for Broadcaster(), and a URL"),
        (f"pusher://k:{SECRET}@h/1", "settings are a mapping or a settings model, not str"),
        (LogDriver(), "settings are a mapping or a settings model, not LogDriver"),
    ],
)
def test_a_wrong_mapping_is_refused_at_once(settings: Any, said: str) -> None:
    for read in (Broadcaster.from_settings, AsyncBroadcaster.from_settings):
        with pytest.raises(ConfigurationError) as error:
            read(settings)
        assert str(error.value).startswith(said)
        assert SECRET not in str(error.value)


GOOD = {"driver": "pusher", "app_id": "1", "key": "k", "secret": SECRET}


@pytest.mark.parametrize(
    ("connection", "said"),
    [
        (
            {"driver": "mercure"},
            "connections.a.driver 'mercure' is no driver; there are: embedded, log, memory, null, ",
        ),
        ({"driver": "ably"}, "connections.a.app_id is not set, and the ably driver needs it"),
        ({**GOOD, "port": "8080"}, "connections.a.port must be a number from 1 to 65535, not '8080'"),
        ({**GOOD, "key": None}, "connections.a.key must be printable ASCII"),
        ({**GOOD, "secret": None}, "connections.a.secret must not be empty"),
        ({**GOOD, "app_id": None}, "connections.a.app_id must be a str, not NoneType"),
        (
            {"driver": "pusher", "app_id": "1", "key": "k"},
            "connections.a.secret is not set, and the pusher driver needs it",
        ),
        (
            {**GOOD, "colour": SECRET},
            "connections.a.colour is no setting of the pusher driver, which has app_id, key, secret, ",
        ),
        ({"driver": "log", "url": "log://"}, "connections.a.url is not for the log driver"),
        ({**GOOD, "url": f"https://k:{SECRET}@h/apps"}, "connections.a.url must have a path that ends in /apps/app-id"),
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
    closed: list[str] = []

    class Watched(NullDriver):
        def __init__(self, name: str) -> None:
            self.name = name

        def close(self) -> None:
            closed.append(self.name)

    names = ("a", "b")
    broadcaster = Broadcaster(Connections({name: partial(Watched, name) for name in names}), default="a")

    broadcaster.driver("b")
    broadcaster.close()

    assert closed == ["b"]


def test_what_was_never_made_may_be_incomplete() -> None:
    with Broadcaster.from_env({"BROADCAST_CONNECTION": "log", "PUSHER_APP_KEY": "incomplete"}) as broadcaster:
        assert isinstance(broadcaster.driver(), LogDriver)
