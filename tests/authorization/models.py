"""Users, channels and rules that several tests use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from broadcastkit.channels import EncryptedChannel, PresenceChannel, PrivateChannel

if TYPE_CHECKING:
    from broadcastkit.authorization import ChannelRegistry, Rule

SOCKET = "123.456"


@dataclass
class User:
    id: int
    name: str = "Ann"
    password: str = "hunter2"


ANN = User(3)


class OrderChannel(PrivateChannel, pattern="orders.{order_id}"):
    order_id: int


class SecretChannel(EncryptedChannel, pattern="orders.{order_id}"):
    order_id: int


class RoomChannel(PresenceChannel, pattern="room.{room_id}"):
    room_id: int


def ask(registry: ChannelRegistry, name: str, user: object | None = ANN) -> tuple[Rule, dict[str, Any]]:
    return registry.ask(socket_id=SOCKET, channel_name=name, user=user)


def answer(registry: ChannelRegistry, name: str, user: object | None = ANN) -> str | None:
    """Do what a sync broadcaster does: find the rule, run it, read its answer."""
    rule, arguments = ask(registry, name, user)
    return rule.read(rule.callback(user, **arguments))
