"""Each event as the guide has it: its name, its channels, and exactly these fields."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from broadcastkit import AsyncBroadcaster
from broadcastkit.delivery.repeats import MemoryRepeats
from broadcastkit.drivers.memory import AsyncMemoryDriver
from examples.marketplace.events import ConversationUpdated, MessageSent, MessagesRead, Sender, UserTyping
from examples.marketplace.models import Message, User

AT = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
BEN = User(id=2, name="Ben Okafor", email="ben@envisage.test", password_hash="t0psecret")


def channels_of(event: MessageSent | UserTyping | MessagesRead | ConversationUpdated) -> list[str]:
    where = event.broadcast_on()
    return [channel.name for channel in (where if isinstance(where, list) else [where])]


def test_message_sent_is_the_whole_message_with_who_sent_it() -> None:
    row = Message(id=7, conversation_id=1, sender_id=2, content="Hello", created_at=AT)
    row.sender = BEN
    event = MessageSent(row)
    assert (event.event_name, channels_of(event)) == ("message.sent", ["private-conversation.1"])
    assert json.loads(event.broadcast_payload()) == {
        "id": 7,
        "conversation_id": 1,
        "sender_id": 2,
        "content": "Hello",
        "created_at": "2026-11-20T12:00:00Z",
        "read_at": None,
        "sender": {"id": 2, "name": "Ben Okafor"},
    }


def test_user_typing_is_who_types() -> None:
    event = UserTyping(user_id=2, user_name="Ben Okafor", conversation_id=1)
    assert (event.event_name, channels_of(event)) == ("user.typing", ["private-conversation.1"])
    assert json.loads(event.broadcast_payload()) == {"user_id": 2, "user_name": "Ben Okafor"}


def test_messages_read() -> None:
    event = MessagesRead(reader_id=1, message_ids=[3, 4], read_at=AT, conversation_id=1)
    assert (event.event_name, channels_of(event)) == ("messages.read", ["private-conversation.1"])
    expected = {"reader_id": 1, "message_ids": [3, 4], "read_at": "2026-11-20T12:00:00Z"}
    assert json.loads(event.broadcast_payload()) == expected


def test_conversation_updated_is_heard_by_both_wherever_they_are() -> None:
    event = ConversationUpdated(conversation_id=1, sender=Sender.model_validate(BEN), buyer_id=2, seller_id=1)
    assert (event.event_name, channels_of(event)) == ("conversation.updated", ["private-user.2", "private-user.1"])
    assert json.loads(event.broadcast_payload()) == {"conversation_id": 1, "sender": {"id": 2, "name": "Ben Okafor"}}


async def test_typing_goes_out_once_in_two_seconds_for_each_who_types() -> None:
    time = 0.0
    driver = AsyncMemoryDriver()
    broadcaster = AsyncBroadcaster(driver, repeats=MemoryRepeats(now=lambda: time))

    async def types(user_id: int, conversation_id: int = 1) -> bool:
        event = UserTyping(user_id=user_id, user_name="Somebody", conversation_id=conversation_id)
        return (await broadcaster.broadcast(event).to_everyone()).delivered

    assert await types(2)
    assert await types(1)
    assert await types(2, conversation_id=4)
    time = 1.9
    assert not await types(2)
    time = 2.0
    assert await types(2)
    assert len(driver.messages) == 4
