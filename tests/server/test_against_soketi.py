"""The same conversation with soketi 1.6.1 and with the embedded server: the frames must mean the same.

Left out are the wording of errors, what soketi leaves out and Pusher's reference asks for (an empty `data`, members
without info, the type of an error), and the `data` of client events, which soketi passes on as an object and Pusher
as a string.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pusher
import pytest

from broadcastkit.server import App, EmbeddedServer
from tests.interop.servers import LOOPBACK, PusherServer, asgi_server
from tests.server.clients import WebSocketClient
from tests.server.tools import auth, frame, member

pytestmark = pytest.mark.real


def meaning(told: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    """A frame without what is left out; socket ids become names."""
    data = told.pop("data", None) or {}
    if isinstance(data, dict):
        data = {key: value for key, value in data.items() if key not in {"error", "message", "type"}}
        data.pop("activity_timeout", None)
        if "presence" in data:
            users = data["presence"]["hash"]
            data["presence"]["hash"] = {user: info for user, info in users.items() if info is not None}
    text = json.dumps({**told, "data": data}, sort_keys=True)
    for socket_id, name in names.items():
        text = text.replace(socket_id, name)
    result: dict[str, Any] = json.loads(text)
    return result


def converse(server: PusherServer) -> Iterator[dict[str, Any]]:
    app = App(server.app_id, server.key, server.secret)
    trigger = pusher.Pusher(
        app_id=server.app_id, key=server.key, secret=server.secret, host=server.host, port=server.port, ssl=False
    )
    names: dict[str, str] = {}
    with WebSocketClient(server) as a, WebSocketClient(server) as b:
        for name, client in (("A", a), ("B", b)):
            greeting = client.receive()
            client.socket_id = greeting["data"]["socket_id"]
            names[client.socket_id] = name
            yield meaning(greeting, names)

        def say(client: WebSocketClient, event: str, data: object, *hearers: WebSocketClient, **more: object) -> Any:
            client.send(frame(event, data, **more))
            return [meaning(hearer.receive(), names) for hearer in hearers]

        def subscribe(client: WebSocketClient, channel: str, who: str | None = None, *others: WebSocketClient) -> Any:
            data = {"channel": channel, "auth": auth(client.socket_id, channel, who, app)}
            return say(client, "pusher:subscribe", data if who is None else {**data, "channel_data": who}, *others)

        yield from subscribe(a, "orders", None, a)
        yield from subscribe(a, "orders", None, a)  # again
        yield from subscribe(a, "private-x", None, a)
        yield from subscribe(b, "private-x", None, b)
        yield from subscribe(a, "private-encrypted-x", None, a)
        yield from subscribe(a, "presence-x", member("1", name="Ada ✓"), a)
        yield from subscribe(b, "presence-x", member("2", name="Bob"), b, a)
        yield from subscribe(a, "cache-x", None, a, a)
        trigger.trigger(["cache-x", "orders"], "ev", {"a": [1, "é"]})
        yield from (meaning(a.receive(), names) for _ in range(2))
        yield from subscribe(b, "cache-x", None, b, b)
        yield from say(a, "client-typing", "plain text", b, channel="private-x")
        yield from say(a, "client-typing", '{"x": 1}', b, channel="presence-x")
        yield from say(a, "pusher:ping", {}, a)
        yield from say(a, "pusher:subscribe", {"channel": "private-y", "auth": f"{app.key}:x"}, a)
        yield from say(a, "pusher:subscribe", {"channel": "a b"}, a)
        yield trigger.channel_info("presence-x", ["user_count", "subscription_count"])
        yield trigger.users_info("presence-x")
        yield from say(b, "pusher:unsubscribe", {"channel": "presence-x"}, a)
        trigger.trigger("private-x", "ev", {}, b.socket_id)
        trigger.trigger("private-x", "fence", {})
        yield from (meaning(a.receive(), names) for _ in range(2))
        yield meaning(b.receive(), names)


def test_frames_mean_the_same(soketi_numeric: PusherServer) -> None:
    expected = list(converse(soketi_numeric))
    app = App(soketi_numeric.app_id, soketi_numeric.key, soketi_numeric.secret)
    with asgi_server(EmbeddedServer(app)) as port:
        answered = list(converse(PusherServer(LOOPBACK, port, app.id, app.key, app.secret)))
    assert answered == expected
    assert len(answered) > 20
