"""A chat on python-socketio, for tests to run in another process: `app` under uvicorn, `wsgi_app` under gunicorn.

Who a client is, it just says when it connects. What it may hear, the rules decide.
"""

from __future__ import annotations

import os
from typing import Any

import socketio

from broadcastkit import AnonymousEvent, AsyncBroadcaster, Broadcaster, ChannelRegistry, PresenceMember
from broadcastkit.drivers.socketio import AsyncSocketIODriver, SocketIODriver
from broadcastkit.integrations.socketio import AsyncChannelRooms, ChannelRooms

__all__ = ["app", "make_rules", "wsgi_app"]

PUBLIC = ("conformance-{name}", "news")
STAFF = "/staff"


def make_rules() -> ChannelRegistry:
    """Return the rules of the chat."""
    channels = ChannelRegistry()

    @channels.authorize("private-user.{user_id}")
    def own_channel(user: str, user_id: str) -> bool:
        return user == user_id

    @channels.authorize("presence-room.{room_id}")
    def member(user: str, room_id: int) -> PresenceMember | None:
        return PresenceMember(user, {"room": room_id}) if user.isdigit() else None

    return channels


def app() -> Any:
    """Return the chat as an ASGI app."""
    manager = socketio.AsyncRedisManager(os.environ["CHAT_REDIS"], channel=os.environ["CHAT_CHANNEL"])
    sio = socketio.AsyncServer(async_mode="asgi", client_manager=manager)
    channels = make_rules()
    broadcaster = AsyncBroadcaster(AsyncSocketIODriver(server=sio), channels=channels)

    async def user(sid: str) -> object:
        session: dict[str, object] = await sio.get_session(sid)
        return session["user"]

    async def connect(sid: str, environ: object, auth: dict[str, object] | None) -> None:
        await sio.save_session(sid, {"user": (auth or {}).get("user")})

    async def say(sid: str, channel: str, text: str) -> int:
        receipt = await broadcaster.broadcast(AnonymousEvent("said", {"text": text}, on=channel)).to_others(sid)
        return len(receipt.channels)

    sio.on("connect", connect)
    sio.on("say", say)
    AsyncChannelRooms(sio, channels, public=PUBLIC).serve(user)
    sio.on("connect", lambda sid, environ, auth: None, namespace=STAFF)
    AsyncChannelRooms(sio, broadcaster, public=PUBLIC, namespace=STAFF).serve(lambda sid: "7", subscribe="enter")
    return socketio.ASGIApp(sio)


def wsgi_app() -> Any:
    """Return the chat as a WSGI app."""
    manager = socketio.RedisManager(os.environ["CHAT_REDIS"], channel=os.environ["CHAT_CHANNEL"])
    sio = socketio.Server(async_mode="threading", client_manager=manager)
    channels = make_rules()
    broadcaster = Broadcaster(SocketIODriver(server=sio), channels=channels)

    def user(sid: str) -> object:
        return sio.get_session(sid)["user"]

    def connect(sid: str, environ: object, auth: dict[str, object] | None) -> None:
        sio.save_session(sid, {"user": (auth or {}).get("user")})

    def say(sid: str, channel: str, text: str) -> int:
        receipt = broadcaster.broadcast(AnonymousEvent("said", {"text": text}, on=channel)).to_others(sid)
        return len(receipt.channels)

    sio.on("connect", connect)
    sio.on("say", say)
    ChannelRooms(sio, channels, public=PUBLIC).serve(user)
    return socketio.WSGIApp(sio)
