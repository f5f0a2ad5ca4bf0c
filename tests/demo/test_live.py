"""With which server pages and application are connected."""

from __future__ import annotations

import pytest

from broadcastkit.errors import ConfigurationError
from examples.chat.live import live_from_env

PUSHER = {
    "BROADCAST_CONNECTION": "pusher",
    "PUSHER_APP_ID": "app-id",
    "PUSHER_APP_KEY": "app-key",
    "PUSHER_APP_SECRET": "app-secret",
}
# what pusher-js needs besides, where a service is not at pusher.com
OWN_HOST = {"cluster": "", "enabledTransports": ["ws", "wss"]}


@pytest.mark.parametrize("environ", [{}, {"BROADCAST_CONNECTION": ""}, {"PUSHER_APP_KEY": "unused"}])
def test_the_server_is_in_this_process_unless_another_is_named(environ: dict[str, str]) -> None:
    live = live_from_env(environ)
    assert live.server is not None
    assert live.page_settings("http://chat.example.org:8000/") == {
        "broadcaster": "pusher",
        "key": "chat-key",
        "wsHost": "chat.example.org",
        "wsPort": 8000,
        "wssPort": 8000,
        "wsPath": "",
        "forceTLS": False,
        **OWN_HOST,
    }
    assert live.sources == "'self'"


def test_the_secret_of_the_server_in_this_process_is_nobodys() -> None:
    first, second = (live_from_env({}).server for _ in range(2))
    assert first is not None
    assert second is not None
    assert first.apps[0].secret != second.apps[0].secret


@pytest.mark.parametrize(
    ("environ", "page", "sources"),
    [
        (
            PUSHER | {"PUSHER_APP_CLUSTER": "eu"},
            {"cluster": "eu", "forceTLS": True},
            "wss://ws-eu.pusher.com https://sockjs-eu.pusher.com",
        ),
        (
            PUSHER | {"PUSHER_HOST": "127.0.0.1", "PUSHER_PORT": "6001", "PUSHER_SCHEME": "http"},
            {"wsHost": "127.0.0.1", "wsPort": 6001, "wssPort": 6001, "forceTLS": False, "wsPath": "", **OWN_HOST},
            "ws://127.0.0.1:6001 wss://127.0.0.1:6001",
        ),
        (
            {name.replace("PUSHER", "REVERB"): value for name, value in PUSHER.items()}
            | {"BROADCAST_CONNECTION": "reverb", "REVERB_HOST": "ws.example.org", "REVERB_SERVER_PATH": "/live"},
            {"broadcaster": "reverb", "wsHost": "ws.example.org", "wsPort": 443, "wssPort": 443, "wsPath": "/live"}
            | {"forceTLS": True, **OWN_HOST},
            "wss://ws.example.org:443",
        ),
        (
            {"BROADCAST_CONNECTION": "http://app-key:app-secret@127.0.0.1:6001/apps/app-id"},
            {"wsHost": "127.0.0.1", "wsPort": 6001, "wssPort": 6001, "forceTLS": False, "wsPath": "", **OWN_HOST},
            "ws://127.0.0.1:6001 wss://127.0.0.1:6001",
        ),
    ],
)
def test_pages_connect_to_the_service_that_the_application_sends_to(
    environ: dict[str, str], page: dict[str, object], sources: str
) -> None:
    live = live_from_env(environ)
    assert live.server is None
    assert live.page_settings("http://chat.example.org/") == {"broadcaster": "pusher", "key": "app-key", **page}
    assert live.sources == f"'self' {sources}"


@pytest.mark.parametrize("connection", ["log", "null", "memory", "redis", "pusher"])
def test_a_service_that_no_browser_can_connect_to_is_named(connection: str) -> None:
    with pytest.raises(ConfigurationError, match=r"BROADCAST_CONNECTION|PUSHER_APP_ID"):
        live_from_env({"BROADCAST_CONNECTION": connection})
