"""A canary in every place that holds a secret: it sings in no repr, no error and no log."""

from __future__ import annotations

import logging
import pickle
from typing import TYPE_CHECKING, Any

import pytest
from celery import Celery
from pydantic import ValidationError
from sqlalchemy import create_engine

from broadcastkit import AsyncBroadcaster, Broadcaster
from broadcastkit.authorization import SubscriptionGrant, UserGrant
from broadcastkit.broadcaster.base import BroadcasterBase
from broadcastkit.config import async_drivers_from_settings, drivers_from_settings, settings_from_env
from broadcastkit.core.breaker import Breaker
from broadcastkit.core.message import Message
from broadcastkit.delivery.envelope import Envelope
from broadcastkit.delivery.outbox import Relay
from broadcastkit.delivery.queues import CeleryDelivery
from broadcastkit.delivery.repeats.redis import AsyncRedisRepeats, RedisRepeats
from broadcastkit.drivers.client_options import client_options
from broadcastkit.drivers.guarded import Guarded
from broadcastkit.drivers.pusher import PusherDriver
from broadcastkit.errors import BroadcastError
from broadcastkit.integrations.rate_limits import AsyncFixedWindow, FixedWindow
from broadcastkit.integrations.webhooks import WebhookReceiver
from broadcastkit.server import App, EmbeddedServer
from broadcastkit.settings import BroadcastSettings
from broadcastkit.signing import KeyRing, Signer
from broadcastkit.webhooks import WebhookHandlers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CANARY = "canary7d1f"
# 32 bytes that hold it, for the one secret with a form
KEY = "Y2FuYXJ5N2QxZmNhbmFyeTdkMWZjYW5hcnk3ZDFmMDA="
APP: dict[str, Any] = {"app_id": "1", "key": "k", "secret": CANARY, "encryption_master_key": KEY}
CONNECTIONS: dict[str, dict[str, Any]] = {
    "embedded": {"driver": "embedded", "server": EmbeddedServer(App("a", "k", CANARY)), "encryption_master_key": KEY},
    "pusher": {"driver": "pusher", **APP},
    "reverb": {"driver": "reverb", "host": "h", **APP},
    "pusher by URL": {"driver": "pusher", "url": f"https://k:{CANARY}@h/apps/1"},
    "redis": {"driver": "redis", "username": CANARY, "password": CANARY},
    "redis by URL": {"driver": "redis", "url": f"redis+sentinel://{CANARY}:{CANARY}@h,i/s"},
    "socketio": {"driver": "socketio", "url": f"socketio+redis://:{CANARY}@h"},
    "socketio by URL": {"driver": "socketio", "url": f"socketio+rediss://{CANARY}:{CANARY}@h:1/2"},
}
ENVIRON = {
    "BROADCAST_CONNECTION": "pusher",
    "PUSHER_APP_ID": "1",
    "PUSHER_APP_KEY": "k",
    "PUSHER_APP_SECRET": CANARY,
    "PUSHER_ENCRYPTION_MASTER_KEY": KEY,
    "REVERB_APP_ID": "1",
    "REVERB_APP_KEY": "k",
    "REVERB_APP_SECRET": CANARY,
    "REVERB_HOST": "h",
    "REDIS_URL": f"redis://:{CANARY}@h",
    "SOCKETIO_URL": f"redis://:{CANARY}@h",
}


# whatever else is given a secret, or a URL with one
HOLDERS: dict[str, Callable[[], object]] = {
    "a signer": lambda: Signer("k", CANARY),
    "a key ring": lambda: KeyRing(("k", CANARY), ("j", CANARY)),
    "a webhook receiver": lambda: WebhookReceiver(WebhookHandlers(), keys=("k", CANARY), master_key=KEY),
    "the embedded server": lambda: EmbeddedServer(App("a", "k", CANARY, retired_secrets=(f"{CANARY}2",))),
    "a rate limit": lambda: FixedWindow("1/second", storage=f"redis://:{CANARY}@h"),
    "an awaited rate limit": lambda: AsyncFixedWindow("1/second", storage=f"redis://:{CANARY}@h"),
    "a store of repeats": lambda: RedisRepeats(f"redis://:{CANARY}@h"),
    "an awaited store of repeats": lambda: AsyncRedisRepeats(f"redis://:{CANARY}@h"),
    "a queue": lambda: CeleryDelivery(Celery(broker=f"redis://:{CANARY}@h")),
    "a relay": lambda: Relay(create_engine(f"sqlite:///{CANARY}"), Broadcaster(PusherDriver(**APP))),
    "a guard": lambda: Guarded(PusherDriver(**APP), breaker=Breaker(), fallback=PusherDriver(**APP)),
    "a payload on its way": lambda: Envelope("c", Message("e", ("a",), CANARY, None, ()), "1"),
}


def assert_silent(*texts: str) -> None:
    for text in texts:
        assert CANARY not in text
        assert KEY not in text


def everything_in(thing: object, depth: int = 3) -> Iterator[object]:
    """Yield an object and what hangs on it, of our own making."""
    yield thing
    if depth and type(thing).__module__.startswith("broadcastkit"):
        slots = [name for cls in type(thing).__mro__ for name in getattr(cls, "__slots__", ())]
        for name in {*getattr(thing, "__dict__", {}), *slots}:
            yield from everything_in(getattr(thing, name, None), depth - 1)


@pytest.mark.parametrize("make", [drivers_from_settings, async_drivers_from_settings])
@pytest.mark.parametrize("name", CONNECTIONS)
def test_no_driver_shows_it(name: str, make: Callable[[Any], tuple[Any, str]]) -> None:
    connections, _ = make({"default": name, "connections": CONNECTIONS})
    driver = connections[name]

    assert_silent(repr(connections), str(connections), repr(driver), str(driver), f"{driver}")
    ours = [part for part in everything_in(driver) if type(part).__module__.startswith("broadcastkit")]
    assert_silent(*(repr(part) for part in ours))


@pytest.mark.parametrize("cls", [Broadcaster, AsyncBroadcaster])
@pytest.mark.parametrize("name", CONNECTIONS)
def test_no_broadcaster_shows_it(name: str, cls: Any) -> None:
    broadcaster: BroadcasterBase[Any] = cls.from_settings({"default": name, "connections": CONNECTIONS})
    broadcaster.driver()

    assert_silent(repr(broadcaster), repr(vars(broadcaster)))


@pytest.mark.parametrize("make", HOLDERS.values(), ids=HOLDERS)
def test_nothing_else_shows_it(make: Callable[[], object]) -> None:
    ours = [part for part in everything_in(make()) if type(part).__module__.startswith("broadcastkit")]

    assert ours
    assert_silent(*(repr(part) for part in ours), *(str(part) for part in ours if not isinstance(part, str)))


@pytest.mark.parametrize("name", [name for name in CONNECTIONS if not name.startswith("socketio")])
def test_no_page_gets_it(name: str) -> None:
    connections, _ = drivers_from_settings({"default": name, "connections": CONNECTIONS})

    assert_silent(repr(client_options(connections[name], url="https://ws.example.com")))


# what is wrong beside a secret, and what it may have got into
WRONG: list[dict[str, Any]] = [
    {"colour": CANARY},
    {"timeout": 0},
    {"url": f"https://k:{CANARY}[@h/apps/1"},
    {"url": f"redis://:{CANARY}#@h/x"},
    {"host": f"https://k:{CANARY}@h"},
    {"host": f"redis://:{CANARY}@h"},
    {"port": f"https://k:{CANARY}@h"},
    {"encryption_master_key": CANARY},
    {"cluster": [f":{CANARY}@h"]},
    {"sentinels": [f":{CANARY}@h"]},
]


def assert_error_silent(error: BroadcastError) -> None:
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 - it was made here
    assert_silent(str(error), repr(error), repr(vars(error)), str(again))
    assert_silent(repr(error.__context__), repr(error.__cause__), *getattr(error, "__notes__", ()))


def outcome(settings: dict[str, Any]) -> str:
    """Return what is shown of the default connection: its driver, or the error."""
    connections, default = drivers_from_settings(settings)
    try:
        return repr(connections[default])
    except BroadcastError as error:
        assert_error_silent(error)
        return str(error)


@pytest.mark.parametrize("wrong", WRONG, ids=str)
@pytest.mark.parametrize("name", CONNECTIONS)
def test_no_error_shows_it(name: str, wrong: dict[str, Any], caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    settings = {**CONNECTIONS[name], **wrong}

    assert_silent(outcome({"connections": {"main": settings}}), caplog.text)


@pytest.mark.parametrize("text", [f"http://k:{CANARY}@h[", f"{CANARY}@"])
@pytest.mark.parametrize("variable", [*ENVIRON, "PUSHER_PORT", "PUSHER_PROFILE", "PUSHER_HOST", "PUSHER_VERIFY_PEER"])
def test_no_error_about_a_variable_shows_it(variable: str, text: str) -> None:
    environ = {**ENVIRON, variable: text}
    try:
        settings = settings_from_env(environ)
    except BroadcastError as error:
        assert_error_silent(error)
    else:
        connections, _ = drivers_from_settings(settings)
        for name in connections:
            assert_silent(outcome({**settings, "default": name}))


def test_no_settings_model_shows_it() -> None:
    settings = BroadcastSettings.model_validate({name.lower(): value for name, value in ENVIRON.items()})

    assert_silent(repr(settings), str(settings), repr(settings.model_dump()), settings.model_dump_json())
    for wrong in ({"pusher_app_secret": [CANARY]}, {"pusher_port": "many", "pusher_app_secret": CANARY}):
        with pytest.raises((ValidationError, BroadcastError)) as error:
            BroadcastSettings.model_validate({**{name.lower(): value for name, value in ENVIRON.items()}, **wrong})
        assert_silent(str(error.value), repr(error.value))


def test_answers_do_not_hold_it() -> None:
    driver = drivers_from_settings(CONNECTIONS["pusher"])[0]["pusher"]

    assert_silent(driver.answer_subscription(SubscriptionGrant("1.2", "private-a", None)).to_json().decode())
    assert_silent(driver.answer_user(UserGrant("1.2", '{"id":"1"}')).to_json().decode())
