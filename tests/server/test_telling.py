"""What a service tells by webhooks, told in the process of the embedded server."""

from __future__ import annotations

import asyncio
import logging
import threading
from datetime import UTC, datetime

import pytest

from broadcastkit.errors import ConfigurationError
from broadcastkit.server import App, EmbeddedServer
from broadcastkit.server.connection import Connection, Member
from broadcastkit.server.hub import Hub
from broadcastkit.server.settings import Limits
from broadcastkit.webhooks import (
    CacheMissed,
    ChannelOccupied,
    ChannelVacated,
    ClientEventReceived,
    MemberAdded,
    MemberRemoved,
    Webhook,
    WebhookEvent,
    WebhookHandlers,
)
from tests.server.tools import APP, NOW, TIMEOUT, AsgiSocket, frame, member, subscribe

ROOM = "presence-room-7"


class Heard:
    """Handlers that note what they are told."""

    def __init__(self) -> None:
        self.handlers = WebhookHandlers()
        self.events: list[WebhookEvent] = []
        self.webhooks: list[Webhook] = []
        self._changed = asyncio.Condition()

        @self.handlers.on(WebhookEvent)
        async def note(event: WebhookEvent) -> None:
            async with self._changed:
                self.events.append(event)
                self._changed.notify_all()

        self.handlers.on(Webhook)(self.webhooks.append)

    async def until(self, count: int) -> list[WebhookEvent]:
        async with asyncio.timeout(TIMEOUT), self._changed:
            await self._changed.wait_for(lambda: len(self.events) >= count)
        return self.events


def server_with(handlers: WebhookHandlers, app: App = APP) -> EmbeddedServer:
    return EmbeddedServer(app, webhooks=handlers, now=lambda: NOW)


async def join(client: AsgiSocket, user_id: str, channel: str = ROOM) -> None:
    client.send(subscribe(client.socket_id, channel, member(user_id)))
    assert (await client.receive())["event"] == "pusher_internal:subscription_succeeded"


async def test_who_comes_and_goes_is_told_once_however_many_tabs() -> None:
    heard = Heard()
    server = server_with(heard.handlers)
    async with AsgiSocket(server) as first:
        await first.open()
        await join(first, "3")
        async with AsgiSocket(server) as second:
            await second.open()
            await join(second, "3")
        async with AsgiSocket(server) as other:
            await other.open()
            await join(other, "4")
    expected = [
        ChannelOccupied(channel=ROOM),
        MemberAdded(channel=ROOM, user_id="3"),
        MemberAdded(channel=ROOM, user_id="4"),
        MemberRemoved(channel=ROOM, user_id="4"),
        MemberRemoved(channel=ROOM, user_id="3"),
        ChannelVacated(channel=ROOM),
    ]
    assert await heard.until(len(expected)) == expected
    await server.aclose()
    assert {(one.key, one.time) for one in heard.webhooks} == {("app-key", datetime.fromtimestamp(NOW, UTC))}
    assert [event for one in heard.webhooks for event in one.events] == expected


async def test_client_events_and_misses_are_told() -> None:
    heard = Heard()
    async with AsgiSocket(server_with(heard.handlers)) as client:
        await client.open()
        client.send(subscribe(client.socket_id, "cache-news"))
        assert (await client.receive())["event"] == "pusher_internal:subscription_succeeded"
        assert (await client.receive())["event"] == "pusher:cache_miss"
        await join(client, "3")
        client.send(frame("client-typing", {"at": 7}, channel=ROOM))
        events = await heard.until(5)
    assert events[:2] == [ChannelOccupied(channel="cache-news"), CacheMissed(channel="cache-news")]
    typed = events[4]
    assert isinstance(typed, ClientEventReceived)
    assert (typed.channel, typed.event, typed.payload, typed.user_id) == (ROOM, "client-typing", {"at": 7}, "3")
    assert typed.socket_id == client.socket_id


async def test_a_handler_that_blocks_holds_nobody_up() -> None:
    handlers = WebhookHandlers()
    released, threads = threading.Event(), []

    @handlers.on(MemberAdded)
    def slow(event: MemberAdded) -> None:
        threads.append(threading.current_thread())
        released.wait(TIMEOUT)

    server = server_with(handlers)
    async with AsgiSocket(server) as client:
        await client.open()
        await join(client, "3")
        client.send(frame("pusher:ping", {}))
        assert (await client.receive())["event"] == "pusher:pong"
        released.set()
    await server.aclose()
    assert threads != [threading.current_thread()]


async def test_what_a_handler_raises_is_logged_and_the_next_is_told(caplog: pytest.LogCaptureFixture) -> None:
    heard = Heard()

    @heard.handlers.on(MemberAdded)
    def broken(event: MemberAdded) -> None:
        raise LookupError("nobody")

    async with AsgiSocket(server_with(heard.handlers)) as client:
        with caplog.at_level(logging.ERROR, "broadcastkit.webhooks"):
            await client.open()
            await join(client, "3")
            await join(client, "3", "presence-room-8")
            await heard.until(4)
    logged = [record for record in caplog.records if record.name == "broadcastkit.webhooks"]
    assert logged
    assert {record.broadcast_error for record in logged} == {"LookupError"}  # type: ignore[attr-defined]


async def test_the_end_waits_for_what_is_to_be_told() -> None:
    heard = Heard()
    server = server_with(heard.handlers)
    async with AsgiSocket(server) as client:
        await client.open()
        await join(client, "3")
        await server.aclose()
        assert heard.events[-1] == ChannelVacated(channel=ROOM)


def test_without_handlers_nothing_is_noted() -> None:
    hub = Hub[Connection](Limits())
    connection = Connection("1.1")
    hub.connect(connection)
    hub.subscribe(connection, ROOM, Member("3", None), 0.0)
    assert hub.notes is None


def test_what_is_no_handlers_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"^webhooks must be WebhookHandlers, not dict"):
        EmbeddedServer(APP, webhooks={})  # type: ignore[arg-type]
