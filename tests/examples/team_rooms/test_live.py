"""With which server pages and application are connected, and the variables that say so."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest

from broadcastkit.errors import ConfigurationError
from broadcastkit.webhooks import WebhookHandlers
from examples.team_rooms.live import live_from_env
from examples.team_rooms.settings import HERE, Settings
from tests.examples.team_rooms.conftest import Making, Someone
from tests.examples.team_rooms.test_presence import PUSHER
from tests.interop.servers import free_port

GUIDE = {
    "BROADCAST_CONNECTION",
    "PUSHER_APP_ID",
    "PUSHER_APP_KEY",
    "PUSHER_APP_SECRET",
    "PUSHER_HOST",
    "PUSHER_PORT",
    "PUSHER_SCHEME",
    "PUSHER_APP_CLUSTER",
    "PUSHER_VERIFY_PEER",
    "VITE_PUSHER_APP_KEY",
    "VITE_PUSHER_APP_CLUSTER",
}


def test_without_variables_the_server_is_in_this_process(make_app: Making) -> None:
    someone = Someone(make_app().test_client())
    assert someone.get("/api/live").json == {
        "broadcaster": "pusher",
        "key": "rooms-key",
        "cluster": "",
        "wsHost": "localhost",
        "wsPort": 80,
        "wssPort": 80,
        "wsPath": "/ws",
        "forceTLS": False,
        "enabledTransports": ["ws", "wss"],
    }


@pytest.mark.parametrize(
    ("more", "page", "origins"),
    [
        ({}, {"cluster": "mt1", "forceTLS": True}, "wss://ws-mt1.pusher.com https://sockjs-mt1.pusher.com"),
        (
            {"PUSHER_APP_CLUSTER": "eu", "PUSHER_HOST": ""},
            {"cluster": "eu"},
            "wss://ws-eu.pusher.com https://sockjs-eu.pusher.com",
        ),
        (
            {"PUSHER_HOST": "127.0.0.1", "PUSHER_PORT": "6001", "PUSHER_SCHEME": "http"},
            {"wsHost": "127.0.0.1", "wsPort": 6001, "forceTLS": False},
            "ws://127.0.0.1:6001 wss://127.0.0.1:6001",
        ),
        (
            {"PUSHER_HOST": "ws.example.org", "PUSHER_PORT": "443", "PUSHER_SCHEME": "https"},
            {"wsHost": "ws.example.org", "wssPort": 443, "forceTLS": True},
            "wss://ws.example.org:443",
        ),
    ],
)
def test_the_guides_variables_say_where(
    make_app: Making, settings: Settings, more: dict[str, str], page: dict[str, object], origins: str
) -> None:
    client = make_app(PUSHER | more).test_client()
    options = client.get("/api/live").json
    assert options
    assert page.items() <= options.items()
    assert options["key"] == "app-key"
    assert "app-secret" not in json.dumps(options)
    settings.bundle.mkdir()
    (settings.bundle / "index.html").write_text("")
    policy = client.get("/", buffered=True).headers["Content-Security-Policy"]
    assert f"connect-src 'self' {origins};" in policy


@pytest.mark.parametrize(("value", "warns"), [("false", True), ("", False), ("true", False)])
def test_certificates_are_unchecked_only_where_it_is_said_and_the_log_says_so(
    caplog: pytest.LogCaptureFixture, value: str, warns: bool
) -> None:
    with caplog.at_level(logging.WARNING):
        live_from_env(PUSHER | {"PUSHER_VERIFY_PEER": value}, WebhookHandlers()).broadcaster.close()
    assert ("PUSHER_VERIFY_PEER is false" in caplog.text) is warns


@pytest.mark.parametrize(
    ("more", "named"),
    [
        ({"PUSHER_VERIFY_PEER": "maybe"}, "PUSHER_VERIFY_PEER"),
        ({"PUSHER_PORT": "http"}, "PUSHER_PORT"),
        ({"PUSHER_APP_SECRET": ""}, "PUSHER_APP_SECRET"),
        ({"BROADCAST_CONNECTION": "log"}, "BROADCAST_CONNECTION"),
        ({"BROADCAST_CONNECTION": "pushr"}, "BROADCAST_CONNECTION"),
    ],
)
def test_a_wrong_variable_is_named_at_the_start(more: dict[str, str], named: str) -> None:
    with pytest.raises(ConfigurationError, match=named):
        live_from_env(PUSHER | more, WebhookHandlers())


def test_the_example_of_an_environment_has_the_guides_variables() -> None:
    lines = (HERE / ".env.example").read_text().splitlines()
    assert {line.partition("=")[0].lstrip("# ") for line in lines} >= GUIDE


def test_a_number_that_is_none_is_named() -> None:
    with pytest.raises(ConfigurationError, match=r"^TRUSTED_PROXIES must be a number, not 'one'"):
        Settings.from_env({"SECRET_KEY": "x", "TRUSTED_PROXIES": "one"})


def test_a_secret_key_is_made_once_and_kept_to_oneself(tmp_path: Path) -> None:
    first = Settings.from_env({"DATA_FOLDER": str(tmp_path / "data")})
    assert len(first.secret_key) == 64
    assert Settings.from_env({"DATA_FOLDER": str(tmp_path / "data")}).secret_key == first.secret_key
    assert Settings.from_env({"DATA_FOLDER": str(tmp_path / "data"), "SECRET_KEY": "given"}).secret_key == "given"
    assert (tmp_path / "data" / "secret_key").stat().st_mode & 0o077 == 0
    assert first.secret_key not in repr(first)


def test_of_processes_that_start_together_one_makes_the_secret_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "exists", lambda path: False)  # as all of them find it
    first, second = (Settings.from_env({"DATA_FOLDER": str(tmp_path)}) for _ in range(2))
    assert first.secret_key == second.secret_key
    assert [path.name for path in tmp_path.iterdir()] == ["secret_key"]


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_the_database_is_one_variable(scheme: str) -> None:
    settings = Settings.from_env({"SECRET_KEY": "x", "DATABASE_URL": f"{scheme}://team@db/rooms"})
    assert settings.database_url == "postgresql+psycopg://team@db/rooms"


def test_the_log_tells_which_events_are_sent_and_not_what_they_say(
    make_app: Making, caplog: pytest.LogCaptureFixture
) -> None:
    ann = Someone(make_app().test_client())
    assert ann.sign_in("Ann").status_code == 201
    with caplog.at_level(logging.DEBUG, "examples.team_rooms"):
        ann.write(1, "Only for us")
    assert "new-message, new-activity" in caplog.text
    assert "Only for us" not in caplog.text


def test_a_service_that_is_down_takes_no_page_down(make_app: Making, caplog: pytest.LogCaptureFixture) -> None:
    nowhere = {"PUSHER_HOST": "127.0.0.1", "PUSHER_PORT": str(free_port()), "PUSHER_SCHEME": "http"}
    ann = Someone(make_app(PUSHER | nowhere).test_client())
    assert ann.sign_in("Ann").status_code == 201
    with caplog.at_level(logging.ERROR, "broadcastkit"):
        assert ann.write(1, "Is anybody there?").status_code == 201
    assert ann.read(1)[-1] == "Is anybody there?"
    assert "broadcast failed" in caplog.text
    assert "Is anybody there?" not in caplog.text
