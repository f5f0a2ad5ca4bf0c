"""The event that every contender sends: one channel, and the same 372 bytes of body."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from broadcastkit import MessageSent

__all__ = ["APP", "BODY", "CHANNEL", "FIELDS", "MESSAGE", "NAME", "PLAIN", "two_channels"]

APP: dict[str, Any] = {"app_id": "1", "key": "key", "secret": "secret"}
NAME, CHANNEL = "message.sent", "private-conversation.42"
FIELDS: dict[str, Any] = {
    "id": 1,
    "sender_id": 2,
    "recipient_id": 3,
    "conversation_id": 42,
    "content": "Hello there, how are you today? See you then",
    "sender": {"id": 2, "name": "Ann", "avatar": None},
}
_AT = datetime(2026, 1, 1, tzinfo=UTC)
MESSAGE = MessageSent(**FIELDS, created_at=_AT)
PLAIN: dict[str, Any] = FIELDS | {
    "message_type": "text",
    "job_id": None,
    "attachments": [],
    "is_read": False,
    "created_at": "2026-01-01T00:00:00Z",
}


def two_channels() -> MessageSent:
    """Build the event anew, for both people's channels."""
    return MessageSent(**{**FIELDS, "conversation_id": None}, created_at=_AT)


BODY = MESSAGE.broadcast_payload()
