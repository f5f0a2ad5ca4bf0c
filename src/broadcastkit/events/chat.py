"""Ready-made events of a chat between two people, or in a conversation."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from broadcastkit.channels.base import Channel
from broadcastkit.channels.common import ConversationChannel, UserChannel
from broadcastkit.errors import ConfigurationError
from broadcastkit.events.base import Event, Id

__all__ = ["MessageSent", "MessagesRead", "Sender", "UserTyping"]


class Sender(BaseModel, defer_build=True):
    """Who wrote a message, as much as a client needs to show it."""

    model_config: ClassVar[ConfigDict] = ConfigDict(from_attributes=True, frozen=True, hide_input_in_errors=True)

    id: Id
    name: str
    avatar: str | None = None


class MessageSent(Event, defer_build=True):
    """`message.sent`: somebody wrote to somebody.

    Heard on `private-conversation.{conversation_id}` if it has one, else on both people's `private-user.{id}`.
    """

    id: Id
    sender_id: Id
    recipient_id: Id
    conversation_id: Id | None = None
    content: str
    message_type: Literal["text", "file", "image"] = "text"
    job_id: Id | None = None
    attachments: list[JsonValue] = Field(default_factory=list)
    is_read: bool = False
    created_at: datetime
    sender: Sender

    def broadcast_on(self) -> list[Channel]:
        """Return the conversation's channel, or sender's and recipient's."""
        if self.conversation_id is not None:
            return [ConversationChannel(conversation_id=self.conversation_id)]
        return [UserChannel(user_id=self.sender_id), UserChannel(user_id=self.recipient_id)]


class MessagesRead(Event, defer_build=True):
    """`messages.read`: somebody read messages; heard where the messages were.

    `conversation_id`, or `sender_id` and `recipient_id`, are for routing and stay off the wire.
    """

    reader_id: Id
    message_ids: list[Id]
    read_at: datetime
    conversation_id: Id | None = Field(default=None, exclude=True)
    sender_id: Id | None = Field(default=None, exclude=True)
    recipient_id: Id | None = Field(default=None, exclude=True)

    def broadcast_on(self) -> list[Channel]:
        """Return the conversation's channel, or sender's and recipient's."""
        if self.conversation_id is not None:
            return [ConversationChannel(conversation_id=self.conversation_id)]
        people = [user_id for user_id in (self.sender_id, self.recipient_id) if user_id is not None]
        if not people:
            raise ConfigurationError("MessagesRead is heard where the messages were: give conversation_id, or both ids")
        return [UserChannel(user_id=user_id) for user_id in people]


class UserTyping(Event, defer_build=True):
    """`user.typing`: somebody began or stopped typing in a conversation, heard there, or to somebody, heard by them.

    A page should say so now and then while somebody types. If yours does at each keystroke, subclass it with
    `throttle=Throttle(2.0, per="user_id", unless_changed="typing")`. `conversation_id` or `recipient_id` is for routing
    and stays off the wire.
    """

    user_id: Id
    user_name: str
    typing: bool = True
    conversation_id: Id | None = Field(default=None, exclude=True)
    recipient_id: Id | None = Field(default=None, exclude=True)

    def broadcast_on(self) -> Channel:
        """Return the conversation's channel, or the recipient's."""
        if self.conversation_id is not None:
            return ConversationChannel(conversation_id=self.conversation_id)
        if self.recipient_id is None:
            raise ConfigurationError(
                "UserTyping is heard where the text will be: give conversation_id, or recipient_id"
            )
        return UserChannel(user_id=self.recipient_id)
