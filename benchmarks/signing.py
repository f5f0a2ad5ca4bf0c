"""Authorizing a channel and preparing a trigger, against the `pusher` package: CPU only, no network.

python -m benchmarks.signing
"""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from itertools import cycle
from typing import Any

import pusher
from pusher.http import make_query_string

from benchmarks.timing import microseconds, table
from broadcastkit import Broadcaster, ChannelRegistry, MessageSent, PresenceChannel, PresenceMember, PrivateChannel
from broadcastkit.core.message import Message
from broadcastkit.core.payload import check_size
from broadcastkit.drivers.pusher import PusherDriver
from broadcastkit.drivers.pusher.requests import event_text
from broadcastkit.drivers.pusher.wire import HttpReply
from broadcastkit.pending import Request

KEY, SECRET = "278d425bdf160c739803", "7ad3773142a6692b25b8"
SOCKET = "1234.1234"


class UserChannel(PrivateChannel, pattern="user.{user_id}"):
    user_id: int


class Room(PresenceChannel, pattern="room.{room_id}"):
    room_id: int


class User:
    id = 3
    name = "Ann"


channels = ChannelRegistry()


@channels.authorize(UserChannel)
def own_channel(user: User, channel: UserChannel) -> bool:
    return channel.user_id >= user.id


@channels.authorize(Room)
def members(user: User, channel: Room) -> PresenceMember:
    del channel
    return PresenceMember(user.id, {"name": user.name})


driver = PusherDriver(app_id="1", key=KEY, secret=SECRET)
broadcaster = Broadcaster(driver, channels=channels)
peer = pusher.Pusher("1", KEY, SECRET)


def authorization() -> None:
    """From a channel name to the JSON bytes of the answer, finding and running the rule included."""
    user, info = User(), {"user_id": "3", "user_info": {"name": "Ann"}}
    many = cycle([f"private-user.{user_id}" for user_id in range(3, 503)])
    first = (f"private-user.{user_id}" for user_id in range(1000, 10**9))
    authorize, authenticate = broadcaster.authorize_channel, peer.authenticate
    private, presence = "private-user.3", "presence-room.3"
    rows = microseconds(
        {
            "private": lambda: authorize(socket_id=SOCKET, channel_name=private, user=user).to_json(),
            "private, 500 names in turn": lambda: authorize(
                socket_id=SOCKET, channel_name=next(many), user=user
            ).to_json(),
            "private, names never seen before": lambda: authorize(
                socket_id=SOCKET, channel_name=next(first), user=user
            ).to_json(),
            "private, pusher": lambda: json.dumps(authenticate(private, SOCKET)),
            "presence": lambda: authorize(socket_id=SOCKET, channel_name=presence, user=user).to_json(),
            "presence, pusher": lambda: json.dumps(authenticate(presence, SOCKET, info)),
        }
    )
    title = "authorize_channel to JSON, finding and running the rule included"
    table(title, rows, "µs", better="less", pairs=[("private", "private, pusher"), ("presence", "presence, pusher")])


def trigger() -> None:
    """From the fields of a message to the final request body and signed URL."""
    created_at = datetime(2026, 1, 1, tzinfo=UTC)
    fields: dict[str, Any] = {
        "id": 1,
        "sender_id": 2,
        "recipient_id": 3,
        "content": "Hello there, how are you today?",
        "message_type": "text",
        "is_read": False,
        "created_at": created_at,
        "sender": {"id": 2, "name": "Ann", "avatar": None},
    }
    # what MessageSent adds by itself, and a date that json can write: the same payload on the wire
    plain = fields | {
        "conversation_id": None,
        "job_id": None,
        "attachments": [],
        "created_at": created_at.isoformat().replace("+00:00", "Z"),
    }
    core, plans = driver._core, broadcaster._plans
    post, limit = core._builder.post_events, core._profile.data_limit

    def rendered() -> Message:
        plan = plans(Request((MessageSent(**fields),), None))[0]
        if plan is None:
            raise AssertionError("it has channels")
        return plan[0]

    def ours() -> object:
        event, names, data, exclude, info, _ = rendered()
        check_size(event, data, limit)
        return post("/events", event_text(event, names, data, exclude, info).encode(), timestamp=int(time.time()))

    def until_answered() -> object:
        exchange = core.send([rendered()])
        next(exchange)
        try:
            exchange.send(HttpReply(200, b"{}"))
        except StopIteration as done:
            return done.value
        raise AssertionError("one request is enough")

    def theirs() -> object:
        names = ["private-user.2", "private-user.3"]
        request = peer._pusher_client.trigger.make_request(names, "message.sent", plain)
        return f"{request.base_url}{request.path}?{make_query_string(request.query_params)}", request.body

    rows = microseconds(
        {"broadcastkit": ours, "broadcastkit, and reading the answer": until_answered, "pusher": theirs}
    )
    table("MessageSent(**fields) to body and URL", rows, "µs", better="less", pairs=[("broadcastkit", "pusher")])


if __name__ == "__main__":
    authorization()
    trigger()
