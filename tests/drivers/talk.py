"""Exchanges without I/O: the generator is driven by hand, time passes only when it waits, and nothing is random."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Generator
from typing import Any, NamedTuple, TypeAlias
from urllib.parse import parse_qs, urlsplit

from broadcastkit.core.encryption import MasterKey
from broadcastkit.core.message import Message
from broadcastkit.core.retry import Retry
from broadcastkit.drivers.pusher import Profile
from broadcastkit.drivers.pusher.endpoint import Endpoint
from broadcastkit.drivers.pusher.exchange import Client, Sources
from broadcastkit.drivers.pusher.profiles import profile_named
from broadcastkit.drivers.pusher.requests import RequestBuilder
from broadcastkit.drivers.pusher.wire import HttpReply, HttpRequest, Send, Sleep
from broadcastkit.errors import UnreachableError
from broadcastkit.signing import Signer

__all__ = ["APP", "KEY", "NOW", "SECRET", "YES", "Asked", "Talk", "ask", "batched", "each", "many", "message", "reply"]

APP, KEY, SECRET = "app-1", "key-1", "secret-1"
NOW = 1_700_000_000.25
YES = HttpReply(200, b"{}")

Answer: TypeAlias = "HttpReply | UnreachableError | Callable[[Asked], HttpReply | UnreachableError]"


class Asked(NamedTuple):
    """A request, read as a server reads it."""

    method: str
    path: str
    query: dict[str, str]
    body: Any
    raw: bytes

    def signed_as(self, path: str) -> bool:
        """Whether the signature is the one that the API's documentation prescribes, if this is the path signed."""
        query = {name: value for name, value in self.query.items() if name != "auth_signature"}
        text = "&".join(f"{name}={query[name]}" for name in sorted(query))
        digest = hmac.digest(SECRET.encode(), f"{self.method}\n{path}\n{text}".encode(), hashlib.sha256).hex()
        return digest == self.query["auth_signature"]


def ask(request: HttpRequest) -> Asked:
    """Read a request."""
    parts = urlsplit(request.target)
    query = {name: value for name, (value,) in parse_qs(parts.query, keep_blank_values=True).items()}
    return Asked(request.method, parts.path, query, json.loads(request.body or b"null"), request.body)


def message(name: str = "ping", *channels: str, data: str = "{}", **fields: Any) -> Message:
    """Return a message, on the channel `news` unless said otherwise."""
    return Message(name, channels or ("news",), data, **fields)


def reply(status: int, body: object = b"", retry_after: str | None = None) -> HttpReply:
    """Return a reply; a body that is no bytes is written as JSON."""
    return HttpReply(status, body if isinstance(body, bytes) else json.dumps(body).encode(), retry_after)


def batched(asked: Asked) -> list[tuple[str, str]]:
    """Return event and channel of each entry of a batch, or of each channel of a single event."""
    entries = asked.body.get("batch", [asked.body])
    return [(entry["name"], name) for entry in entries for name in entry.get("channels", [entry.get("channel")])]


def many(count: int, prefix: str = "c") -> tuple[str, ...]:
    """Return the names of so many channels."""
    return tuple(f"{prefix}-{number}" for number in range(count))


def each(count: int) -> list[Message]:
    """Return so many messages, on three channels in turn."""
    return [message(f"event.{number}", f"c-{number % 3}") for number in range(count)]


class Talk:
    """One app at one service; `answers` are what comes of its requests, in order, and then only YES."""

    def __init__(
        self,
        *answers: Answer,
        profile: str | Profile = "pusher",
        path: str = "",
        retry: Retry | None = None,
        jitter: float = 1.0,
        key: MasterKey | None = None,
        request_takes: float = 0.0,
    ) -> None:
        self._answers = list(answers)
        self._elapsed = 0.0
        self._request_takes = request_takes
        self._entropy = 0
        self.asked: list[Asked] = []
        self.waited: list[float] = []
        endpoint = Endpoint.make(
            app_id=APP,
            cluster="eu",
            host="service.test",
            port=8080,
            scheme="http",
            path=path,
            profile=profile_named(profile),
        )
        self.client = Client(
            endpoint,
            RequestBuilder(endpoint, Signer(KEY, SECRET)),
            master_key=key,
            retry=Retry() if retry is None else retry,
            sources=Sources(
                now=lambda: NOW + self._elapsed,
                monotonic=lambda: 50.0 + self._elapsed,
                random=lambda: jitter,
                entropy=self._nonce,
            ),
        )

    def _nonce(self, count: int) -> bytes:
        self._entropy += 1
        return self._entropy.to_bytes(count, "big")

    def run(self, exchange: Generator[Any, Any, Any]) -> Any:
        """Drive an exchange to its end."""
        answer: HttpReply | UnreachableError | None = None
        while True:
            try:
                effect = exchange.send(answer)
            except StopIteration as done:
                return done.value
            if isinstance(effect, Sleep):
                self.waited.append(effect.seconds)
                self._elapsed += effect.seconds
                answer = None
            else:
                assert isinstance(effect, Send)
                answer = self._perform(effect.request)

    def send(self, *messages: Message) -> list[Any]:
        """Send messages; returns the outcomes."""
        outcomes: list[Any] = self.run(self.client.send(messages))
        return outcomes

    def query(self, method: str, suffix: str, params: dict[str, str], body: bytes = b"") -> dict[str, Any]:
        """Ask anything else; returns the JSON object."""
        found: dict[str, Any] = self.run(self.client.query(method, suffix, params, body))
        return found

    def _perform(self, request: HttpRequest) -> HttpReply | UnreachableError:
        self.asked.append(ask(request))
        self._elapsed += self._request_takes
        answer: Answer = self._answers.pop(0) if self._answers else YES
        return answer(self.asked[-1]) if callable(answer) else answer
