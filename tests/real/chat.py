"""The application that the real clients talk to: rules for every kind of channel, and endpoints that broadcast."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Annotated

from fastapi import FastAPI, Header

from broadcastkit import (
    AsyncBroadcaster,
    Broadcaster,
    ChannelRegistry,
    EncryptedChannel,
    MessageSent,
    PresenceChannel,
    PresenceMember,
    PrivateChannel,
)
from broadcastkit.channels import ConversationChannel, UserChannel
from broadcastkit.drivers.pusher import AsyncPusherDriver, PusherDriver
from broadcastkit.events.chat import Sender
from broadcastkit.integrations.fastapi import SocketIdMiddleware, broadcasting_lifespan, broadcasting_router
from tests.interop.servers import PusherServer

__all__ = [
    "MASTER_KEY",
    "USERS",
    "RoomChannel",
    "TickerChannel",
    "User",
    "VaultChannel",
    "current_user",
    "make_chat",
    "make_rules",
    "message",
]

MASTER_KEY = "zyrm8pvV2C9fJcBfhyXzvxbJVN/H7QLmbe0xJi1GhPU="


@dataclasses.dataclass(frozen=True)
class User:
    id: int
    name: str


USERS = {user.name.lower(): user for user in (User(1, "Ada"), User(2, "Bob"), User(3, "Cleo"))}


class RoomChannel(PresenceChannel, pattern="room.{number}"):
    number: int


class VaultChannel(EncryptedChannel, pattern="vault.{number}"):
    number: int


class TickerChannel(PrivateChannel, pattern="ticker.{number}", cache=True):
    number: int


def make_rules() -> ChannelRegistry:
    channels = ChannelRegistry()

    @channels.authorize(UserChannel)
    def own_channel(user: User, channel: UserChannel) -> bool:
        return user.id == channel.user_id

    @channels.authorize(ConversationChannel)
    async def any_conversation(user: User) -> bool:
        return True

    @channels.authorize(RoomChannel)
    async def room(user: User, number: int) -> PresenceMember | None:
        return PresenceMember(user.id, {"name": user.name}) if number > 0 else None

    @channels.authorize("presence-guests.{number}", guest=True)
    def guests(user: User | None, number: int) -> PresenceMember:
        return PresenceMember("guest") if user is None else PresenceMember(user.id, {"name": user.name})

    @channels.authorize(VaultChannel)
    def vault(user: User) -> bool:
        return user.name != "Cleo"

    @channels.authorize(TickerChannel)
    def ticker(user: User) -> bool:
        return True

    return channels


async def current_user(x_user: Annotated[str | None, Header()] = None) -> User | None:
    return USERS.get(x_user or "")


def message(content: str, *, sender: User, conversation_id: int) -> MessageSent:
    return MessageSent(
        id=7,
        sender_id=sender.id,
        recipient_id=0,
        conversation_id=conversation_id,
        content=content,
        created_at=datetime(2026, 11, 20, 12, tzinfo=UTC),
        sender=Sender(id=sender.id, name=sender.name),
    )


def make_chat(server: PusherServer, profile: str, *, master_key: str = MASTER_KEY) -> FastAPI:
    """Make the application, for one app on a server."""
    blocking = Broadcaster(PusherDriver.from_url(server.url, profile=profile))
    broadcaster = AsyncBroadcaster(
        AsyncPusherDriver.from_url(server.url, profile=profile, encryption_master_key=master_key), channels=make_rules()
    )

    @asynccontextmanager
    async def own_lifespan(app: FastAPI) -> AsyncIterator[None]:
        with blocking:
            yield

    app = FastAPI(lifespan=broadcasting_lifespan(broadcaster, own_lifespan))
    app.add_middleware(SocketIdMiddleware)
    app.include_router(
        broadcasting_router(
            broadcaster,
            user=current_user,
            user_data=lambda user: {"id": user.id, "user_info": {"name": user.name}},
        )
    )

    @app.post("/messages/awaited")
    async def send(content: str, conversation_id: int) -> list[str]:
        event = message(content, sender=USERS["ada"], conversation_id=conversation_id)
        receipt = await broadcaster.broadcast(event).to_others()
        return [*receipt.channels]

    @app.post("/messages/blocking")
    def send_blocking(content: str, conversation_id: int) -> list[str]:
        event = message(content, sender=USERS["ada"], conversation_id=conversation_id)
        receipt = blocking.broadcast(event).to_others()
        return [*receipt.channels]

    return app
