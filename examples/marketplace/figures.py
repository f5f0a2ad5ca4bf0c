"""What the dashboard shows: connections of the server in this process, and what became of each broadcast."""

from __future__ import annotations

import json
from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import redis

from broadcastkit.integrations.asgi import Receive, Scope, Send
from broadcastkit.observability import Drop, Hooks, Sending
from broadcastkit.server import EmbeddedServer
from examples.marketplace.models import now

__all__ = ["Figures", "RedisFigures", "Trouble", "WatchedServer"]

KEPT_ERRORS = 50
# Codes from here on are the Pusher protocol's. With these nothing is wrong: somebody has signed out, or a server that
# restarts asks clients to come back.
OWN_CODES, NO_TROUBLE = 4000, {4009, 4200}


@dataclass(frozen=True)
class Trouble:
    """Something that went wrong, for an administrator to read."""

    at: str
    what: str

    @classmethod
    def of(cls, what: str) -> Trouble:
        return cls(now().isoformat(timespec="seconds"), what)


def _errors() -> deque[Trouble]:
    return deque(maxlen=KEPT_ERRORS)


@dataclass
class Figures(Hooks):
    """Counts by the name of the event what this process has sent."""

    sent: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    dropped: Counter[str] = field(default_factory=Counter)
    errors: deque[Trouble] = field(default_factory=_errors)

    def on_sent(self, sending: Sending) -> None:
        self.sent.update(sending.events)

    def on_failed(self, sending: Sending, error: Exception) -> None:
        self.failed.update(sending.events)
        self.errors.appendleft(Trouble.of(f"{type(error).__name__}: {error}"))

    def on_dropped(self, drop: Drop) -> None:
        self.dropped.update(drop.events)

    def together_with(self, other: Figures) -> Figures:
        errors = sorted([*self.errors, *other.errors], key=lambda trouble: trouble.at, reverse=True)
        return Figures(
            self.sent + other.sent, self.failed + other.failed, self.dropped + other.dropped, deque(errors, KEPT_ERRORS)
        )


class RedisFigures(Hooks):
    """The same of workers, who are other processes: they count in Redis. Blocking, as workers are."""

    _key = "marketplace:figures"

    def __init__(self, url: str) -> None:
        self._redis: Any = redis.Redis.from_url(url, decode_responses=True)

    def on_sent(self, sending: Sending) -> None:
        self._count("sent", sending.events)

    def on_failed(self, sending: Sending, error: Exception) -> None:
        self._count("failed", sending.events)
        trouble = Trouble.of(f"{type(error).__name__}: {error}")
        self._redis.lpush(f"{self._key}:errors", json.dumps([trouble.at, trouble.what]))
        self._redis.ltrim(f"{self._key}:errors", 0, KEPT_ERRORS - 1)

    def on_dropped(self, drop: Drop) -> None:
        self._count("dropped", drop.events)

    def _count(self, what: str, events: Iterable[str]) -> None:
        for event, times in Counter(events).items():
            self._redis.hincrby(f"{self._key}:{what}", event, times)

    def read(self) -> Figures:
        sent, failed, dropped = (
            Counter({event: int(times) for event, times in self._redis.hgetall(f"{self._key}:{what}").items()})
            for what in ("sent", "failed", "dropped")
        )
        lines = self._redis.lrange(f"{self._key}:errors", 0, -1)
        return Figures(sent, failed, dropped, deque((Trouble(*json.loads(line)) for line in lines), KEPT_ERRORS))


class WatchedServer:
    """The embedded server, and how many connections it has had: a layer of ASGI around it."""

    path = "/ws"

    def __init__(self, server: EmbeddedServer) -> None:
        self.server = server
        self.opened = self.peak = self.frames_sent = self.frames_received = 0
        self.errors = _errors()

    @property
    def open(self) -> int:
        return self.server.live().connection_count

    async def aclose(self) -> None:
        await self.server.aclose()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "websocket":
            await self.server(scope, receive, send)
            return
        self.opened += 1

        async def watched_receive() -> Any:
            message = await receive()
            self.frames_received += message["type"] == "websocket.receive"
            return message

        async def watched_send(message: Any) -> None:
            self._note(message)
            await send(message)

        await self.server(scope, watched_receive, watched_send)

    def _note(self, message: Any) -> None:
        self.peak = max(self.peak, self.open)
        if message["type"] == "websocket.send":
            self.frames_sent += 1
        elif message["type"] == "websocket.close":
            code = message.get("code", 1000)
            if code >= OWN_CODES and code not in NO_TROUBLE:
                self.errors.appendleft(Trouble.of(f"connection closed with {code}: {message.get('reason', '')}"))
