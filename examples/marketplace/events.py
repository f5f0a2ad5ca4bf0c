"""What happens, and where it is heard. The first two are the guide's, by name, channel and payload."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from broadcastkit import Channel, Event
from broadcastkit.channels import UserChannel
from broadcastkit.events import Throttle
from examples.marketplace.rules import ConversationChannel

__all__ = ["ConversationUpdated", "MessageSent", "MessagesRead", "Sender", "UserTyping"]


class Sender(BaseModel):
    """As much of a person as others see: no address, no role."""

    model_config = ConfigDict(from_attributes=True, frozen=True)

    id: int
    name: str


class MessageSent(Event):
    """`message.sent`: the whole message, with who sent it. The API answers with it too."""

    id: int
    conversation_id: int
    sender_id: int
    content: str
    created_at: datetime
    read_at: datetime | None
    sender: Sender

    def broadcast_on(self) -> Channel:
        return ConversationChannel(conversation_id=self.conversation_id)


class UserTyping(Event, throttle=Throttle(2.0, per="user_id")):
    """`user.typing`: at most once in two seconds, however often a page says it."""

    user_id: int
    user_name: str
    conversation_id: int = Field(exclude=True)

    def broadcast_on(self) -> Channel:
        return ConversationChannel(conversation_id=self.conversation_id)


class MessagesRead(Event):
    """`messages.read`: somebody has seen these."""

    reader_id: int
    message_ids: list[int]
    read_at: datetime
    conversation_id: int = Field(exclude=True)

    def broadcast_on(self) -> Channel:
        return ConversationChannel(conversation_id=self.conversation_id)


class ConversationUpdated(Event):
    """`conversation.updated`: for those who have another conversation open, or none."""

    conversation_id: int
    sender: Sender
    buyer_id: int = Field(exclude=True)
    seller_id: int = Field(exclude=True)

    def broadcast_on(self) -> list[Channel]:
        return [UserChannel(user_id=self.buyer_id), UserChannel(user_id=self.seller_id)]
