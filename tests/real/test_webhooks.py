"""Webhooks of a real soketi about real clients, handed to handlers by FastAPI and, without `async`, by Flask."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import queue
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import pusher
import pusher.crypto
import pytest
from fastapi import FastAPI
from flask import Flask, Response
from websockets.sync.client import ClientConnection, connect

from broadcastkit.integrations.asgi import Receive, Scope, Send
from broadcastkit.integrations.fastapi import webhook_router
from broadcastkit.integrations.flask import webhook_blueprint
from broadcastkit.integrations.webhooks import AsyncWebhookReceiver, WebhookReceiver
from broadcastkit.webhooks import (
    CacheMissed,
    ChannelOccupied,
    ChannelVacated,
    ClientEventReceived,
    KeyRing,
    MemberAdded,
    MemberRemoved,
    Webhook,
    WebhookEvent,
    WebhookHandlers,
)
from tests.interop.clients import PusherJsClient
from tests.interop.servers import PusherServer, asgi_server, soketi_app, soketi_server, wsgi_server
from tests.real.chat import MASTER_KEY, make_chat
from tests.real.conftest import Place

pytestmark = pytest.mark.real

EventT = TypeVar("EventT", bound=WebhookEvent)
Visit = Callable[..., PusherJsClient]

TIMEOUT = 5.0
APP_ID, KEY, SECRET = "1002", "webhook-key", "webhook-secret"
OLD_MASTER_KEY = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
# All that soketi has. It knows no subscription_count.
EVENT_TYPES = ["client_event", "channel_occupied", "channel_vacated", "member_added", "member_removed", "cache_miss"]


class Inbox:
    """An application that takes webhooks, and what its handlers were called with."""

    def __init__(self, *, secret: str = SECRET) -> None:
        self._events: queue.Queue[WebhookEvent] = queue.Queue()
        self._put_back: list[WebhookEvent] = []
        self.deliveries: list[Webhook] = []
        self.statuses: queue.Queue[int] = queue.Queue()
        self._handlers = WebhookHandlers()
        self._handlers.on(Webhook)(self._take)
        self._options: dict[str, Any] = {
            # another key is current: soketi signs with one that is retired
            "keys": KeyRing(("next-key", "next-secret"), (KEY, secret)),
            "master_key": [MASTER_KEY, OLD_MASTER_KEY],
            "max_age": 600,
        }

    def in_fastapi(self) -> AbstractContextManager[int]:
        """Serve by uvicorn, with an eye on what is answered; yields the port."""
        site = FastAPI()
        site.include_router(webhook_router(AsyncWebhookReceiver(self._handlers, **self._options)))

        async def watched(scope: Scope, receive: Receive, send: Send) -> None:
            async def watch(message: MutableMapping[str, Any]) -> None:
                if message["type"] == "http.response.start":
                    self.statuses.put(message["status"])
                await send(message)

            await site(scope, receive, watch)

        return asgi_server(watched)

    def in_flask(self) -> AbstractContextManager[int]:
        """Serve by wsgiref, with a thread for each request; the rest as above."""
        site = Flask("inbox")
        site.register_blueprint(webhook_blueprint(WebhookReceiver(self._handlers, **self._options)))

        @site.after_request
        def watch(response: Response) -> Response:
            self.statuses.put(response.status_code)
            return response

        return wsgi_server(site)

    def _take(self, webhook: Webhook) -> None:
        self.deliveries.append(webhook)
        for event in webhook.events:
            self._events.put(event)

    def about(self, channel: str) -> list[Webhook]:
        """The deliveries so far with something about this channel; others may have been put into the same batch."""
        return [webhook for webhook in self.deliveries if any(event.channel == channel for event in webhook.events)]

    def expect(self, kind: type[EventT], channel: str, **fields: object) -> EventT:
        """Take the event of this class about this channel, whatever order the network gives them."""
        wanted = {"channel": channel, **fields}
        passed: list[WebhookEvent] = []
        try:
            while True:
                event = self._put_back.pop(0) if self._put_back else self._events.get(timeout=TIMEOUT)
                if isinstance(event, kind) and wanted.items() <= event.model_dump().items():
                    return event
                passed.append(event)
        except queue.Empty:
            message = f"no {kind.__name__} {wanted} came; these did: {passed}"
            raise AssertionError(message) from None
        finally:
            self._put_back = [*passed, *self._put_back]


@dataclasses.dataclass
class Stage:
    """One soketi app, our application that authorizes for it, and the one that hears its webhooks."""

    place: Place
    inbox: Inbox
    impostor: Inbox


@pytest.fixture(scope="module", params=[Inbox.in_fastapi, Inbox.in_flask], ids=["fastapi", "flask"])
def stage(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A soketi of its own: it must know at its start where to send webhooks. It sends them in batches."""
    inbox, impostor = Inbox(), Inbox(secret="not-the-secret")
    with contextlib.ExitStack() as stack:
        hooks = [
            {"url": f"http://127.0.0.1:{port}/broadcasting/webhooks", "event_types": EVENT_TYPES}
            for port in (stack.enter_context(request.param(one)) for one in (inbox, impostor))
        ]
        app = soketi_app(APP_ID, KEY, SECRET, webhooks=hooks)
        folder = tmp_path_factory.mktemp("soketi-webhooks")
        (server,) = stack.enter_context(soketi_server(folder, [app], webhooks__batching__enabled=True))
        port = stack.enter_context(asgi_server(make_chat(server, "soketi")))
        yield Stage(Place(server, "soketi", f"http://127.0.0.1:{port}"), inbox, impostor)


def test_joining_speaking_and_leaving(stage: Stage, visit: Visit, fresh: Callable[[], int]) -> None:
    inbox, room = stage.inbox, f"presence-room.{fresh()}"
    before = datetime.now(UTC) - timedelta(milliseconds=1)
    ada, bob = visit(stage.place, "ada"), visit(stage.place, "bob")

    ada.subscribe(room)
    inbox.expect(ChannelOccupied, room)
    assert inbox.expect(MemberAdded, room) == MemberAdded(channel=room, user_id="1")
    bob.subscribe(room)
    assert inbox.expect(MemberAdded, room).user_id == "2"
    bob.trigger(room, "client-typing", {"typing": True, "note": "ä ✓"})
    said = inbox.expect(ClientEventReceived, room)
    bob.unsubscribe(room)
    assert inbox.expect(MemberRemoved, room).user_id == "2"
    ada.unsubscribe(room)
    assert inbox.expect(MemberRemoved, room).user_id == "1"
    inbox.expect(ChannelVacated, room)

    assert (said.event, said.payload) == ("client-typing", {"typing": True, "note": "ä ✓"})
    assert (said.user_id, said.socket_id, said.sealed) == ("2", bob.socket_id, False)
    for webhook in inbox.about(room):
        assert webhook.key == KEY
        assert before <= webhook.time <= datetime.now(UTC)


def test_several_events_come_in_one_delivery(stage: Stage, visit: Visit, fresh: Callable[[], int]) -> None:
    room = f"presence-room.{fresh()}"
    visit(stage.place, "ada").subscribe(room)
    stage.inbox.expect(MemberAdded, room)

    stage.inbox.expect(ChannelOccupied, room)

    (delivery,) = stage.inbox.about(room)
    assert {type(event) for event in delivery.events if event.channel == room} == {ChannelOccupied, MemberAdded}


def test_a_client_that_vanishes_has_left(stage: Stage, visit: Visit, fresh: Callable[[], int]) -> None:
    room = f"presence-room.{fresh()}"
    client = visit(stage.place, "cleo")
    client.subscribe(room)
    stage.inbox.expect(MemberAdded, room)

    client.close()

    assert stage.inbox.expect(MemberRemoved, room).user_id == "3"
    stage.inbox.expect(ChannelVacated, room)


def test_an_empty_cache_is_told_of(stage: Stage, visit: Visit, fresh: Callable[[], int]) -> None:
    ticker = f"private-cache-ticker.{fresh()}"

    visit(stage.place, "ada").subscribe(ticker)

    stage.inbox.expect(CacheMissed, ticker)


@contextlib.contextmanager
def subscribed(server: PusherServer, channel: str) -> Iterator[ClientConnection]:
    """Subscribe by hand: pusher-js sends no client events on encrypted channels. Another maker signs."""
    foreign = pusher.Pusher(app_id=APP_ID, key=KEY, secret=SECRET, encryption_master_key_base64=OLD_MASTER_KEY)
    with connect(f"ws://{server.host}:{server.port}/app/{server.key}?protocol=7") as client:
        socket_id = json.loads(json.loads(client.recv(TIMEOUT))["data"])["socket_id"]
        auth = foreign.authenticate(channel, socket_id)["auth"]
        client.send(json.dumps({"event": "pusher:subscribe", "data": {"channel": channel, "auth": auth}}))
        assert json.loads(client.recv(TIMEOUT))["event"] == "pusher_internal:subscription_succeeded"
        yield client


def sealed(channel: str, text: str) -> Any:
    """Encrypt as another maker does, with the master key before the current one."""
    parts = pusher.crypto.encrypt(channel, text, pusher.crypto.parse_master_key(None, OLD_MASTER_KEY))
    return json.loads(parts) if isinstance(parts, str) else parts


def test_what_clients_encrypt_is_opened(stage: Stage, fresh: Callable[[], int]) -> None:
    vault = f"private-encrypted-vault.{fresh()}"
    with subscribed(stage.place.server, vault) as client:
        for event, data in (
            ("client-code", sealed(vault, '{"code":7}')),
            ("client-noise", {"nonce": "", "ciphertext": ""}),
        ):
            client.send(json.dumps({"event": event, "channel": vault, "data": data}))

        opened = stage.inbox.expect(ClientEventReceived, vault, event="client-code")
        noise = stage.inbox.expect(ClientEventReceived, vault, event="client-noise")

    assert (opened.payload, opened.sealed) == ({"code": 7}, False)
    assert noise.sealed


def test_with_another_secret_nothing_is_believed(stage: Stage) -> None:
    with subscribed(stage.place.server, "private-lobby"):
        assert stage.impostor.statuses.get(timeout=TIMEOUT) == 401

    assert stage.impostor.deliveries == []
