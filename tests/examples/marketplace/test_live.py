"""With which service pages and application are connected, by the guide's own variables."""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import Any

import pytest
from litestar.testing import TestClient

from broadcastkit.config import redis_url_from_env
from broadcastkit.errors import ConfigurationError
from examples.marketplace.app import create_app
from examples.marketplace.settings import Settings
from tests.examples.marketplace.conftest import signed_in

# the guide's blocks, as they stand there
PUSHER = {
    "BROADCAST_DRIVER": "pusher",
    "PUSHER_APP_ID": "your_app_id",
    "PUSHER_APP_KEY": "your_app_key",
    "PUSHER_APP_SECRET": "your_app_secret",
    "PUSHER_APP_CLUSTER": "mt1",
    "PUSHER_HOST": "",
    "PUSHER_PORT": "443",
    "PUSHER_SCHEME": "https",
}
LARAVEL_WEBSOCKETS = {
    "BROADCAST_DRIVER": "pusher",
    "PUSHER_APP_ID": "local",
    "PUSHER_APP_KEY": "local",
    "PUSHER_APP_SECRET": "local",
    "PUSHER_APP_CLUSTER": "mt1",
    "PUSHER_HOST": "127.0.0.1",
    "PUSHER_PORT": "6001",
    "PUSHER_SCHEME": "http",
}
REDIS = {"BROADCAST_DRIVER": "redis", "REDIS_HOST": "127.0.0.1"}


def start(environ: dict[str, str], base: str = "http://shop.example.org:8000") -> tuple[dict[str, Any], str]:
    """Return what a page is told, and where its policy lets it connect to."""
    app = create_app(environ)
    live = app.state.live
    return live.page_options(f"{base}/"), live.websocket_sources(f"{base}/")


def test_option_1_pusher_by_its_cluster(environ: dict[str, str]) -> None:
    options, sources = start(environ | PUSHER)
    assert options == {"broadcaster": "pusher", "key": "your_app_key", "cluster": "mt1", "forceTLS": True}
    assert sources == "'self' wss://ws-mt1.pusher.com https://sockjs-mt1.pusher.com"


@pytest.mark.parametrize(
    ("base", "host"), [("http://shop.example.org:8000", "shop.example.org"), ("http://127.0.0.1:8000", "127.0.0.1")]
)
def test_option_2_a_server_beside_the_application_is_at_the_pages_own_host(
    environ: dict[str, str], base: str, host: str
) -> None:
    options, sources = start(environ | LARAVEL_WEBSOCKETS, base)
    assert (
        options.items()
        >= {
            "broadcaster": "pusher",
            "key": "local",
            "wsHost": host,
            "wsPort": 6001,
            "forceTLS": False,
        }.items()
    )
    assert sources == f"'self' ws://{host}:6001 wss://{host}:6001"


def test_a_forged_host_does_not_get_into_the_policy(environ: dict[str, str]) -> None:
    _, sources = start(environ | LARAVEL_WEBSOCKETS, "http://evil.example;script-src *")
    assert sources == "'self' ws://127.0.0.1:6001 wss://127.0.0.1:6001"


def test_laravel_echo_server_is_at_the_pages_own_host(environ: dict[str, str]) -> None:
    options, sources = start(environ | REDIS)
    assert options == {"broadcaster": "socket.io", "host": "http://shop.example.org:6001"}
    assert sources == "'self' http://shop.example.org:6001 ws://shop.example.org:6001"


@pytest.mark.parametrize("driver", [LARAVEL_WEBSOCKETS, {}])
def test_behind_a_proxy_pages_go_there(environ: dict[str, str], driver: dict[str, str]) -> None:
    options, _ = start(environ | driver | {"WEBSOCKET_URL": "https://market.example.com/ws"})
    assert (
        options.items() >= {"wsHost": "market.example.com", "wssPort": 443, "wsPath": "/ws", "forceTLS": True}.items()
    )


@pytest.mark.parametrize("debug", [False, True])
def test_the_log_driver_logs_all_broadcasts_instead_of_sending(
    environ: dict[str, str], database_url: str, caplog: pytest.LogCaptureFixture, debug: bool
) -> None:
    environ = environ | {"BROADCAST_DRIVER": "log", "APP_DEBUG": str(debug).lower()}
    caplog.set_level(logging.DEBUG if debug else logging.INFO, "broadcastkit")
    with TestClient(create_app(environ)) as client:
        assert client.get("/api/start").json()["live"] == {"broadcaster": "null"}
        assert signed_in(client, database_url, "ben").write(1, "Saturday at ten?").status_code == 201
    lines = [record.getMessage() for record in caplog.records if record.name == "broadcastkit.log"]
    assert re.match(r"broadcast message\.sent on private-conversation\.1 \(\d+ bytes\)", lines[0])
    assert any("Saturday at ten?" in line for line in lines) is debug


# -- settings that are wrong -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"QUEUE_CONNECTION": "database"}, "QUEUE_CONNECTION"),
        ({"QUEUE_CONNECTION": "redis"}, "QUEUE_CONNECTION"),
        ({"APP_DEBUG": "maybe"}, "APP_DEBUG"),
        ({"SANCTUM_EXPIRATION": "never"}, "SANCTUM_EXPIRATION"),
        ({"BROADCAST_DRIVER": "pusher"}, "PUSHER_APP_ID"),
        ({"BROADCAST_DRIVER": "ably"}, "BROADCAST_DRIVER"),
        ({"DATABASE_URL": ""}, "DATABASE_URL"),
    ],
)
def test_what_is_wrong_is_named(environ: dict[str, str], wrong: dict[str, str], named: str) -> None:
    with pytest.raises(ConfigurationError, match=named):
        create_app({**environ, **wrong})


@pytest.mark.parametrize(
    ("variables", "url"),
    [
        ({}, "redis://127.0.0.1:6379/0"),
        ({"REDIS_HOST": "10.0.0.5", "REDIS_PORT": "7000", "REDIS_DB": "2"}, "redis://10.0.0.5:7000/2"),
        ({"REDIS_PASSWORD": "null"}, "redis://127.0.0.1:6379/0"),
        ({"REDIS_PASSWORD": "a/b"}, "redis://:a%2Fb@127.0.0.1:6379/0"),
        ({"REDIS_URL": "rediss://10.0.0.5/1", "REDIS_HOST": "ignored"}, "rediss://10.0.0.5/1"),
    ],
)
def test_the_queue_is_in_the_redis_of_laravels_variables(variables: dict[str, str], url: str) -> None:
    assert redis_url_from_env(variables) == url


def test_the_example_of_an_environment_is_option_2() -> None:
    path = Path(__file__).parents[3] / "examples" / "marketplace" / ".env.example"
    lines = [line for line in path.read_text().splitlines() if line and not line.startswith("#")]
    environ = dict(line.split("=", 1) for line in lines)
    assert environ.items() >= LARAVEL_WEBSOCKETS.items()
    assert Settings.from_env(environ).queue == "sync"
    shown = path.read_text()
    for name, value in PUSHER.items():
        assert f"# {name}={value}\n" in shown
