"""One app while it is served: its hub under a lock, and the way to its connections."""

from __future__ import annotations

import asyncio
import secrets
import threading
from collections import deque
from collections.abc import Callable, Iterable
from functools import partial
from typing import TypeVar

from broadcastkit.core.message import Message
from broadcastkit.server import asgi
from broadcastkit.server.effects import ClientEvent, Close, Effect, Reply, SignIn, Subscribe, Unsubscribe
from broadcastkit.server.frames import error
from broadcastkit.server.http_api import HttpApi, Request, Response
from broadcastkit.server.hub import Delivery, Hub
from broadcastkit.server.link import Link
from broadcastkit.server.questions import Questions
from broadcastkit.server.settings import App, Limits
from broadcastkit.server.telling import Teller

__all__ = ["LiveApp"]

T = TypeVar("T")

_TOO_SLOW = Close(4100, "Messages were not read fast enough")
_TERMINATED = Close(4009, "You got disconnected by the app")
_SOCKET_ID_RANGE = 10**10


class LiveApp:
    """An app, its hub and its HTTP API. Every method may be called from any thread, with or without a loop.

    Connections live on event loops: nearly always on one, on several under Starlette's test client. A message is
    queued at once for those on the running loop; to any other loop it travels with `call_soon_threadsafe`.
    """

    def __init__(self, app: App, limits: Limits, *, now: Callable[[], float], teller: Teller | None = None) -> None:
        self.app = app
        self.limits = limits
        self._now = now
        self._hub = Hub[Link](limits)
        self.teller = teller
        if teller is not None:
            self._hub.notes = []
        self._questions = Questions(self._hub)
        self._api = HttpApi(app, limits, self._hub, now=now())
        self._lock = threading.Lock()

    @property
    def connection_count(self) -> int:
        """How many connections are open."""
        return self._hub.connection_count

    def connect(self, loop: asyncio.AbstractEventLoop) -> Link:
        """Make a connection with a new socket id, and its queue."""
        if self.teller is not None:
            self.teller.serve_on(loop)
        with self._lock:
            socket_id = _new_socket_id()
            while self._hub.knows(socket_id):
                socket_id = _new_socket_id()
            link = Link(socket_id, self.limits, loop=loop)
            self._hub.connect(link)
            return link

    def disconnect(self, link: Link) -> None:
        """Forget a connection and tell the others that its user left."""
        with self._lock:
            deliveries = self._hub.disconnect(link)
        self._deliver(deliveries)

    def close(self, link: Link, close: Close) -> None:
        """Forget a connection, tell its client why, and end it. On the connection's own loop."""
        link.push(_text(error(close.reason, close.code)))
        link.close(close)
        self.disconnect(link)

    def perform(self, link: Link, effect: Effect) -> None:
        """Do what a frame led to. On the connection's own loop."""
        if isinstance(effect, Close):
            self.close(link, effect)
            return
        with self._lock:
            deliveries = self._perform(link, effect)
        self._deliver(deliveries)

    def _perform(
        self, link: Link, effect: Reply | Subscribe | Unsubscribe | ClientEvent | SignIn
    ) -> list[Delivery[Link]]:
        match effect:
            case Reply(frame):
                return [Delivery(frame, [link])]
            case Subscribe(channel, member):
                return self._hub.subscribe(link, channel, member, self._now())
            case Unsubscribe(channel):
                return self._hub.unsubscribe(link, channel)
            case ClientEvent(channel, frame):
                return self._hub.relay(link, channel, frame)
            case SignIn(user, user_data):
                return self._hub.sign_in(link, user, user_data)

    def publish(self, messages: Iterable[Message]) -> None:
        """Queue messages for everyone who hears them, in order."""
        now = self._now()
        for message in messages:
            with self._lock:
                deliveries = self._hub.publish(message, now)
            self._deliver(deliveries)

    def ask(self, question: Callable[[Questions, float], T]) -> T:
        """Ask about channels and users: `question` gets the questions and the time."""
        with self._lock:
            return question(self._questions, self._now())

    def handle(self, request: Request) -> Response:
        """Serve a request of the HTTP API."""
        with self._lock:
            answer = self._api.handle(request, now=self._now())
        self.publish(answer.messages)
        if answer.terminate_user is not None:
            self.terminate_user(answer.terminate_user)
        return answer.response

    def terminate_user(self, user_id: str) -> None:
        """End every connection on which a user has signed in."""
        with self._lock:
            links = self._hub.connections_of(user_id)
        self._close_each(links, _TERMINATED)

    def close_all(self, close: Close) -> None:
        """End every connection."""
        with self._lock:
            links = self._hub.connections()
        self._close_each(links, close)

    def _close_each(self, links: Iterable[Link], close: Close) -> None:
        running = _running_loop()
        for link in links:
            if link.loop is running:
                self.close(link, close)
            else:
                self._call(link.loop, [link], partial(self.close, link, close))

    # -- delivery --------------------------------------------------------------------------------------------

    def _deliver(self, deliveries: Iterable[Delivery[Link]]) -> None:
        running = _running_loop()
        waiting = deque(deliveries)
        while waiting:
            delivery = waiting.popleft()
            here = [link for link in delivery.to if link.loop is running]
            if len(here) < len(delivery.to):
                self._deliver_elsewhere(delivery, running)
            waiting.extend(self._push(delivery.frame, here))
        if self.teller is not None:
            self._tell(self.teller)

    def _tell(self, teller: Teller) -> None:
        with self._lock:  # of two threads, the one that takes the notes first tells them first
            notes, self._hub.notes = self._hub.notes, []
            if notes:
                teller.tell(notes)

    def _push(self, frame: str, links: Iterable[Link]) -> list[Delivery[Link]]:
        """Queue one message for all; returns what others are told of those who were cut off for being too slow."""
        message = _text(frame)
        slow = [link for link in links if not link.push(message)]
        told: list[Delivery[Link]] = []
        for link in slow:
            link.cut(_TOO_SLOW)
            with self._lock:
                told += self._hub.disconnect(link)
        return told

    def _deliver_elsewhere(self, delivery: Delivery[Link], running: asyncio.AbstractEventLoop | None) -> None:
        by_loop: dict[asyncio.AbstractEventLoop, list[Link]] = {}
        for link in delivery.to:
            if link.loop is not running:
                by_loop.setdefault(link.loop, []).append(link)
        for loop, links in by_loop.items():
            self._call(loop, links, partial(self._deliver, [Delivery(delivery.frame, links)]))

    def _call(self, loop: asyncio.AbstractEventLoop, links: list[Link], do: Callable[[], None]) -> None:
        try:
            loop.call_soon_threadsafe(do)
        except RuntimeError:  # the loop is closed, and its connections with it
            for link in links:
                self.disconnect(link)


def _text(frame: str) -> asgi.Message:
    return {"type": "websocket.send", "text": frame}


def _new_socket_id() -> str:
    return f"{secrets.randbelow(_SOCKET_ID_RANGE)}.{secrets.randbelow(_SOCKET_ID_RANGE)}"


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
