"""What clients hear: the guide's events, with its names and payloads, each the one argument of `socket.on(name, …)`."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import Field

from broadcastkit import Channel, Event
from broadcastkit.events import Throttle
from examples.patient_chat.models import Availability
from examples.patient_chat.rules import UserChannel
from examples.patient_chat.schemas import WIRE, MessageView

__all__ = [
    "ErrorTold",
    "MessageSent",
    "MessagesDelivered",
    "MessagesRead",
    "NewMessage",
    "TypingStarted",
    "TypingStopped",
    "UserStatusChanged",
]


class ChatEvent(Event, alias_generator=WIRE):
    """An event whose payload is camelCase."""


class NewMessage(ChatEvent, name="new_message"):
    """For the receiver."""

    message: MessageView

    def broadcast_on(self) -> UserChannel:
        return UserChannel(user_id=self.message.receiver.id)


class MessageSent(ChatEvent, name="message_sent"):
    """The confirmation, for the sender's windows."""

    message: MessageView

    def broadcast_on(self) -> UserChannel:
        return UserChannel(user_id=self.message.sender.id)


class TypingEvent(ChatEvent):
    user_id: str
    receiver_id: str = Field(exclude=True)

    def broadcast_on(self) -> UserChannel:
        return UserChannel(user_id=self.receiver_id)


class TypingStarted(TypingEvent, name="typing_start", throttle=Throttle(1.0, per="user_id")):
    """Pages say so at each keystroke; it is told once a second."""


class TypingStopped(TypingEvent, name="typing_stopped"): ...


class MessagesRead(ChatEvent, name="messages_read"):
    """A read receipt: for the one who wrote, and for the reader's other windows."""

    user_id: str
    sender_id: str = Field(exclude=True)

    def broadcast_on(self) -> Iterator[UserChannel]:
        yield UserChannel(user_id=self.sender_id)
        yield UserChannel(user_id=self.user_id)


class MessagesDelivered(ChatEvent, name="messages_delivered"):
    """What the guide calls status tracking, between `sent` and `read`: one event for all that waited."""

    user_id: str
    message_ids: list[str]
    sender_id: str = Field(exclude=True)

    def broadcast_on(self) -> UserChannel:
        return UserChannel(user_id=self.sender_id)


class UserStatusChanged(ChatEvent, name="user_status_change"):
    """For those whom the user may write to, and for his own windows."""

    user_id: str
    is_online: bool
    status: Availability
    hearers: list[str] = Field(exclude=True)

    def broadcast_on(self) -> list[UserChannel]:
        return [UserChannel(user_id=one) for one in (*self.hearers, self.user_id)]


class ErrorTold(ChatEvent, name="error"):
    """For the one connection that asked: each has a room by its id."""

    message: str
    sid: str = Field(exclude=True)

    def broadcast_on(self) -> Channel:
        return Channel(self.sid)
