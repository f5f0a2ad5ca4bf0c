"""Each event: its name, its channels, and the payload with the guide's keys and nothing else."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from broadcastkit import AsyncBroadcaster, Channel, Event
from broadcastkit.delivery.repeats import MemoryRepeats
from broadcastkit.drivers.memory import AsyncMemoryDriver
from examples.patient_chat.events import (
    ErrorTold,
    MessagesDelivered,
    MessageSent,
    MessagesRead,
    NewMessage,
    TypingStarted,
    TypingStopped,
    UserStatusChanged,
)
from examples.patient_chat.models import Availability, Message, MessageType, Role, User
from examples.patient_chat.schemas import MessageView

ANA = User(id="a" * 24, fullname="John Doe", email="john@example.com", role=Role.PATIENT, password="hash")
DOE = User(id="d" * 24, fullname="Dr. Smith", email="smith@example.com", role=Role.DOCTOR, password="hash")
MESSAGE = MessageView.model_validate(
    Message(
        id="0" * 24,
        sender=ANA,
        receiver=DOE,
        content="Hello doctor!",
        message_type=MessageType.TEXT,
        is_read=False,
        created_at=datetime(2024, 1, 15, 10, 30, tzinfo=UTC),
    )
)
# the guide's own message, with its ids written out
ON_THE_WIRE = {
    "_id": "0" * 24,
    "sender": {"_id": "a" * 24, "fullname": "John Doe", "email": "john@example.com", "role": "patient"},
    "receiver": {"_id": "d" * 24, "fullname": "Dr. Smith", "email": "smith@example.com", "role": "doctor"},
    "content": "Hello doctor!",
    "messageType": "text",
    "fileUrl": None,
    "fileName": None,
    "isRead": False,
    "createdAt": "2024-01-15T10:30:00.000Z",
}

A, D, B = (f"private-user.{one * 24}" for one in "adb")


@pytest.mark.parametrize(
    ("event", "name", "channels", "payload"),
    [
        pytest.param(NewMessage(message=MESSAGE), "new_message", [D], {"message": ON_THE_WIRE}, id="new_message"),
        pytest.param(MessageSent(message=MESSAGE), "message_sent", [A], {"message": ON_THE_WIRE}, id="message_sent"),
        pytest.param(
            TypingStarted(user_id=ANA.id, receiver_id=DOE.id),
            "typing_start",
            [D],
            {"userId": ANA.id},
            id="typing_start",
        ),
        pytest.param(
            TypingStopped(user_id=ANA.id, receiver_id=DOE.id),
            "typing_stopped",
            [D],
            {"userId": ANA.id},
            id="typing_stopped",
        ),
        pytest.param(
            MessagesRead(user_id=DOE.id, sender_id=ANA.id),
            "messages_read",
            [A, D],
            {"userId": DOE.id},
            id="messages_read",
        ),
        pytest.param(
            MessagesDelivered(user_id=DOE.id, message_ids=["0" * 24], sender_id=ANA.id),
            "messages_delivered",
            [A],
            {"userId": DOE.id, "messageIds": ["0" * 24]},
            id="messages_delivered",
        ),
        pytest.param(
            UserStatusChanged(user_id=DOE.id, is_online=True, status=Availability.BUSY, hearers=["a" * 24, "b" * 24]),
            "user_status_change",
            [A, B, D],
            {"userId": DOE.id, "isOnline": True, "status": "busy"},
            id="user_status_change",
        ),
        pytest.param(
            ErrorTold(message="Doctor not found", sid="x-1"),
            "error",
            ["x-1"],
            {"message": "Doctor not found"},
            id="error",
        ),
    ],
)
def test_an_event_is_as_the_guide_has_it(event: Event, name: str, channels: list[str], payload: Any) -> None:
    heard_on = event.broadcast_on()
    names = [heard_on] if isinstance(heard_on, Channel) else list(heard_on)

    assert event.event_name == name
    assert [str(getattr(one, "name", one)) for one in names] == channels
    assert json.loads(event.broadcast_payload()) == payload


async def test_typing_is_told_once_a_second_for_each_who_types() -> None:
    moment = 0.0
    driver = AsyncMemoryDriver()
    broadcaster = AsyncBroadcaster(driver, repeats=MemoryRepeats(now=lambda: moment))

    async def types(user: str) -> str | None:
        event = TypingStarted(user_id=user * 24, receiver_id=DOE.id)
        return (await broadcaster.broadcast(event).to_others("sid")).dropped

    assert [await types("a"), await types("a"), await types("b")] == [None, "throttle", None]
    moment = 1.0
    assert await types("a") is None
    assert len(driver.messages) == 3
