"""What happens. The ready-made events of broadcastkit, and what is different here.

| event | name | heard on |
|---|---|---|
| MessageSent | `message.sent` | `private-conversation.{id}`, and the recipient's `private-user.{id}` |
| MessagesRead | `messages.read` | `private-conversation.{id}` |
| UserTyping | `user.typing` | `private-conversation.{id}` |
| PlanSubmitted | `plan.submitted` | the patient's `private-user.{id}` |
| PlanAccepted | `plan.accepted` | the doctor's `private-user.{id}` |
"""

from __future__ import annotations

from broadcastkit.channels import UserChannel
from broadcastkit.channels.base import Channel
from broadcastkit.events import MessageSent as ReadyMadeMessageSent
from broadcastkit.events import MessagesRead, PlanAccepted, PlanSubmitted, Throttle
from broadcastkit.events import UserTyping as ReadyMadeUserTyping

__all__ = ["MessageSent", "MessagesRead", "PlanAccepted", "PlanSubmitted", "UserTyping"]


class MessageSent(ReadyMadeMessageSent):
    """Heard in the conversation, and by the recipient wherever he is in the application."""

    def broadcast_on(self) -> list[Channel]:
        return [*super().broadcast_on(), UserChannel(user_id=self.recipient_id)]


class UserTyping(ReadyMadeUserTyping, throttle=Throttle(2.0, per="user_id", unless_changed="typing")):
    """However fast a client says so, others hear of it every two seconds, and at once when it begins or ends."""
