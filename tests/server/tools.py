"""What the tests of the server share: signatures made by hand, and clients of both shells.

Signatures come from `hmac` here and not from broadcastkit, so that the server is never held against itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Self
from urllib.parse import quote, urlencode

from broadcastkit.server import App, EmbeddedServer
from broadcastkit.server.asgi import Message

APP = App("app-id", "app-key", "app-secret")
NOW = 1_700_000_000
TIMEOUT = 5.0


def sign(text: str, app: App = APP) -> str:
    return hmac.digest(app.secret.encode(), text.encode("utf-8", "surrogatepass"), hashlib.sha256).hex()


def auth(socket_id: str, channel: str, channel_data: str | None = None, app: App = APP) -> str:
    """The `auth` value of a subscription."""
    parts = [socket_id, channel] if channel_data is None else [socket_id, channel, channel_data]
    return f"{app.key}:{sign(':'.join(parts), app)}"


def member(user_id: object, **info: object) -> str:
    """`channel_data`, in other spacing than ours: the server must not care."""
    return json.dumps({"user_id": user_id, "user_info": info} if info else {"user_id": user_id})


def frame(event: str, data: object = None, **more: object) -> str:
    return json.dumps({"event": event, "data": data, **more})


def subscribe(socket_id: str, channel: str, channel_data: str | None = None) -> str:
    data: dict[str, object] = {"channel": channel}
    if channel.startswith(("private-", "presence-")):
        data["auth"] = auth(socket_id, channel, channel_data)
    if channel_data is not None:
        data["channel_data"] = channel_data
    return frame("pusher:subscribe", data)


def sign_in(socket_id: str, user: Mapping[str, object]) -> str:
    user_data = json.dumps(user)
    signature = f"{APP.key}:{sign(f'{socket_id}::user::{user_data}')}"
    return frame("pusher:signin", {"auth": signature, "user_data": user_data})


def read(text: str) -> dict[str, Any]:
    """A frame with its data decoded, where it is JSON in a string."""
    value: dict[str, Any] = json.loads(text)
    if isinstance(value.get("data"), str):
        with contextlib.suppress(ValueError):
            value["data"] = json.loads(value["data"])
    return value


def signed_query(
    method: str,
    path: str,
    body: bytes = b"",
    params: Mapping[str, str] | None = None,
    *,
    app: App = APP,
    now: int = NOW,
) -> str:
    """The query of a signed request of the HTTP API."""
    query = {"auth_key": app.key, "auth_timestamp": str(now), "auth_version": "1.0", **(params or {})}
    if body:
        query["body_md5"] = hashlib.md5(body, usedforsecurity=False).hexdigest()
    text = f"{method}\n{path}\n" + "&".join(f"{key}={query[key]}" for key in sorted(query))
    query["auth_signature"] = sign(text, app)
    return urlencode(query, quote_via=quote)


class AsgiSocket:
    """A WebSocket client of an ASGI app, in the same event loop and with no server between them."""

    def __init__(self, app: Any, path: str = "/app/app-key?protocol=7&client=test&version=1", **scope: Any) -> None:
        path, _, query = path.partition("?")
        self._scope = {
            "type": "websocket",
            "path": path,
            "root_path": "",
            "query_string": query.encode(),
            "headers": [],
            "extensions": {},
            **scope,
        }
        self._app = app
        self._incoming: asyncio.Queue[Message] = asyncio.Queue()
        self._outgoing: asyncio.Queue[Message] = asyncio.Queue()
        self.may_send = asyncio.Event()
        self.may_send.set()
        self.socket_id = ""

    async def __aenter__(self) -> Self:
        self._incoming.put_nowait({"type": "websocket.connect"})
        self.task = asyncio.create_task(self._app(self._scope, self._incoming.get, self._send))
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        self._incoming.put_nowait({"type": "websocket.disconnect", "code": 1005})
        self.may_send.set()
        async with asyncio.timeout(TIMEOUT):
            await self.task

    async def _send(self, message: Message) -> None:
        await self.may_send.wait()
        self._outgoing.put_nowait(message)

    async def message(self) -> Message:
        """The next thing the server did, whatever it is."""
        async with asyncio.timeout(TIMEOUT):
            return await self._outgoing.get()

    async def open(self) -> str:
        """Take the greeting; returns the socket id."""
        assert (await self.message())["type"] == "websocket.accept"
        greeting = await self.receive()
        assert greeting["event"] == "pusher:connection_established"
        self.socket_id = greeting["data"]["socket_id"]
        return self.socket_id

    async def receive(self) -> dict[str, Any]:
        message = await self.message()
        assert message["type"] == "websocket.send", message
        return read(message["text"])

    async def closed(self) -> tuple[int, str]:
        """Take the close; what comes before it must be an error with the same code."""
        error = await self.receive()
        message = await self.message()
        assert message["type"] == "websocket.close"
        assert error == {
            "event": "pusher:error",
            "data": {"code": message["code"], "message": message["reason"]},
        }
        return message["code"], message["reason"]

    def send(self, text: str) -> None:
        self._incoming.put_nowait({"type": "websocket.receive", "text": text})

    def send_binary(self, data: bytes) -> None:
        self._incoming.put_nowait({"type": "websocket.receive", "bytes": data})

    async def subscribe(self, channel: str, channel_data: str | None = None) -> dict[str, Any]:
        """Subscribe, which must succeed; returns the data of the confirmation."""
        self.send(subscribe(self.socket_id, channel, channel_data))
        answer = await self.receive()
        assert (answer["event"], answer["channel"]) == ("pusher_internal:subscription_succeeded", channel), answer
        data: dict[str, Any] = answer["data"]
        return data

    async def nothing_before_pong(self) -> None:
        """Show that nothing is under way: the answer to a ping comes next."""
        self.send(frame("pusher:ping", {}))
        assert (await self.receive())["event"] == "pusher:pong"


class Answer:
    """What an HTTP request was answered with."""

    def __init__(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def text(self) -> str:
        return self.body.decode()


async def request(
    app: Any,
    method: str,
    path: str,
    body: bytes = b"",
    *,
    query: str = "",
    headers: Mapping[str, str] | None = None,
    raw_headers: Sequence[tuple[bytes, bytes]] = (),
    parts: int = 1,
    **scope: Any,
) -> Answer | None:
    """Make an HTTP request of an ASGI app; None if it does not answer."""
    size = max(1, -(-len(body) // parts))
    chunks = [body[at : at + size] for at in range(0, len(body), size)] or [b""]
    messages: list[Message] = [
        {"type": "http.request", "body": chunk, "more_body": index < len(chunks) - 1}
        for index, chunk in enumerate(chunks)
    ]
    sent: list[Message] = []

    async def receive() -> Message:
        return messages.pop(0) if messages else {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    encoded = [(key.lower().encode(), value.encode()) for key, value in (headers or {}).items()]
    await app(
        {
            "type": "http",
            "method": method,
            "path": path,
            "raw_path": path.encode("utf-8", "surrogatepass"),
            "root_path": "",
            "query_string": query.encode(),
            "headers": [*encoded, *raw_headers],
            **scope,
        },
        receive,
        send,
    )
    if not sent:
        return None
    start, end = sent
    return Answer(start["status"], {key.decode(): value.decode() for key, value in start["headers"]}, end["body"])


async def api(
    app: Any,
    method: str,
    path: str,
    body: object = None,
    params: Mapping[str, str] | None = None,
    *,
    by: App = APP,
    now: int = NOW,
    **more: Any,
) -> Answer:
    """Make a signed request; `path` follows `/apps/{id}`."""
    path = f"/apps/{by.id}{path}"
    content = b"" if body is None else json.dumps(body).encode()
    answer = await request(
        app, method, path, content, query=signed_query(method, path, content, params, app=by, now=now), **more
    )
    assert answer is not None
    return answer


def make_server(**options: Any) -> EmbeddedServer:
    return EmbeddedServer(APP, now=lambda: float(NOW), **options)


@contextlib.contextmanager
def replaced(target: object, name: str, value: Callable[..., Any]) -> Iterator[None]:
    original = getattr(target, name)
    setattr(target, name, value)
    try:
        yield
    finally:
        setattr(target, name, original)
