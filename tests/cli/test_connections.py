"""Which connection a command is about, and what of it may be shown."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from broadcastkit import AnonymousEvent
from broadcastkit.cli.checks import _published
from broadcastkit.cli.connections import configured
from broadcastkit.cli.websocket import websocket_address
from broadcastkit.core.message import Message
from broadcastkit.drivers.base import Outcome
from broadcastkit.drivers.null import NullDriver
from broadcastkit.drivers.pusher import PusherDriver
from broadcastkit.errors import BroadcastError, ConfigurationError, ConnectError

URL = "https://app-key:hunter2@ws.example.com:8443/apps/app-id"
SETTINGS = {"app_id": "1", "key": "k", "secret": "s"}


def test_a_url_is_one_connection() -> None:
    with configured(URL) as found:
        assert (found.names, found.default, found.driver_name("pusher")) == (("pusher",), "pusher", "pusher")
        assert found.called("pusher", "secret") == "secret in the URL"
        target = found.pusher(None, "a test")
        assert (target.name, target.key, target.secret, target.verify) == ("pusher", "app-key", "hunter2", True)
        assert "hunter2" not in repr(target) + repr(found)


def test_the_environment_may_have_several(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROADCAST_CONNECTION", "reverb")
    for name, value in {**SETTINGS, "host": "127.0.0.1"}.items():
        monkeypatch.setenv(f"REVERB_{'' if name == 'host' else 'APP_'}{name.upper().removeprefix('APP_')}", value)
    monkeypatch.setenv("REVERB_VERIFY_PEER", "false")
    with configured(None) as found:
        assert found.default == "reverb"
        assert found.called("reverb", "secret") == "REVERB_APP_SECRET"
        target = found.pusher("reverb", "a test")
        assert (target.driver.endpoint.profile.name, target.secret, target.verify) == ("reverb", "s", False)
        with pytest.raises(ConfigurationError, match="Pusher's kind; log is a log connection"):
            found.pusher("log", "a test")


def test_who_asks_on_the_command_line_waits_for_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROADCAST_CONNECTION", "memory")
    monkeypatch.setenv("BROADCAST_DELIVERY", "background")

    with configured(None) as found:
        assert found.broadcaster.broadcast(AnonymousEvent("ping", on="news")).to_everyone().delivered


@pytest.mark.parametrize(
    ("settings", "address"),
    [
        ({"cluster": "eu"}, "wss://ws-eu.pusher.com:443"),
        ({"host": "api-eu.pusher.com"}, "wss://ws-eu.pusher.com:443"),
        ({"host": "api-eu.example.com"}, "wss://api-eu.example.com:443"),
        ({"host": "127.0.0.1", "scheme": "http", "port": 6001}, "ws://127.0.0.1:6001"),
        ({"host": "::1", "scheme": "http", "port": 6001}, "ws://[::1]:6001"),
        ({"host": "http.example.com"}, "wss://http.example.com:443"),
    ],
)
def test_where_clients_connect(settings: dict[str, object], address: str) -> None:
    # Pusher: "Connections", wss://ws-[cluster_name].pusher.com:[port]/app/[key]
    driver = PusherDriver(**{**SETTINGS, **settings})  # type: ignore[arg-type]
    assert websocket_address(driver.endpoint) == address


@pytest.mark.parametrize("raises", [True, False])
def test_a_driver_from_outside_that_fails(raises: bool) -> None:
    class Failing(NullDriver):
        def send(self, messages: Sequence[Message]) -> list[Outcome]:
            error: BroadcastError = ConnectError("no way there")
            if raises:
                raise error
            return [error for _ in messages]

    check = _published(Failing())
    assert (check.ok, check.says) == (False, "no way there")
