"""Each event: its name, the channels on which it is heard, and the exact fields of its payload."""

from __future__ import annotations

from dirty_equals import IsDatetime, IsInt
from fastapi.testclient import TestClient
from sqlalchemy.ext.asyncio import AsyncSession

from broadcastkit import Broadcaster
from broadcastkit.channels import ConversationChannel, UserChannel
from broadcastkit.delivery.repeats import MemoryRepeats
from broadcastkit.drivers.memory import MemoryDriver
from broadcastkit.testing import Broadcasts
from examples.dentist_chat.events import MessageSent, MessagesRead, PlanAccepted, PlanSubmitted, UserTyping
from examples.dentist_chat.models import Message
from tests.examples.dentist_chat.conftest import MAYA, PNG, RUIZ, WEBER, Someone

CONVERSATION = ConversationChannel(conversation_id=1)
WHEN = IsDatetime(iso_string=True)


def test_message_sent(broadcasts: Broadcasts, maya: Someone) -> None:
    sent = maya.write(1, "Hello doctor").json()
    payload = {
        "id": IsInt(gt=0),
        "sender_id": MAYA,
        "recipient_id": RUIZ,
        "conversation_id": 1,
        "content": "Hello doctor",
        "message_type": "text",
        "job_id": None,
        "attachments": [],
        "is_read": False,
        "created_at": WHEN,
        "sender": {"id": MAYA, "name": "Maya Lindqvist", "avatar": None},
    }
    channels = [CONVERSATION, UserChannel(user_id=RUIZ)]
    broadcasts.assert_broadcast(MessageSent, on=channels, times=1, to_others=True, after_commit=True, payload=payload)
    broadcasts.assert_broadcast("message.sent", times=1)
    # the answer is what the others hear
    assert broadcasts.recorded[0].payload == sent
    assert set(broadcasts.recorded[0].channels) == {"private-conversation.1", "private-user.2"}


def test_message_sent_with_an_attachment(broadcasts: Broadcasts, maya: Someone) -> None:
    maya.attach(1, PNG, message="Here", type="image")
    shown = {
        "id": IsInt(gt=0),
        "name": "tooth.png",
        "media_type": "image/png",
        "size": len(PNG),
        "url": broadcasts.recorded[0].payload["attachments"][0]["url"],
    }
    contains = {"content": "Here", "message_type": "image", "attachments": [shown]}
    broadcasts.assert_broadcast(MessageSent, on=CONVERSATION, times=1, payload_contains=contains)


def test_messages_read(broadcasts: Broadcasts, maya: Someone) -> None:
    answer = maya.post("/chat/conversation/3/read", {}).json()
    payload = {"reader_id": MAYA, "message_ids": answer["message_ids"], "read_at": WHEN}
    on = ConversationChannel(conversation_id=3)
    broadcasts.assert_broadcast(MessagesRead, on=on, times=1, to_others=True, after_commit=True, payload=payload)
    broadcasts.assert_broadcast("messages.read", times=1)


async def test_many_messages_are_read_in_events_that_the_service_takes(
    broadcasts: Broadcasts, session: AsyncSession, maya: Someone
) -> None:
    together = {"consultation_id": 3, "sender_id": WEBER, "recipient_id": MAYA, "content": "Hello"}
    session.add_all(Message(**together) for _ in range(1_100))
    await session.commit()
    marked = maya.post("/chat/conversation/3/read", {}).json()["message_ids"]
    assert len(marked) == 1_101
    told = [record.payload["message_ids"] for record in broadcasts.recorded]
    assert [len(ids) for ids in told] == [500, 500, 101]
    assert [number for ids in told for number in ids] == marked


def test_nothing_is_told_where_nothing_was_unread(broadcasts: Broadcasts, maya: Someone) -> None:
    assert maya.post("/chat/conversation/1/read", {}).json()["message_ids"] == []
    broadcasts.assert_nothing_broadcast()


def test_user_typing(broadcasts: Broadcasts, ruiz: Someone) -> None:
    assert ruiz.post("/chat/conversation/1/typing", {"typing": True}).status_code == 204
    payload = {"user_id": RUIZ, "user_name": "Dr. Elena Ruiz", "typing": True}
    broadcasts.assert_broadcast(UserTyping, on=CONVERSATION, times=1, to_others=True, payload=payload)
    broadcasts.assert_broadcast("user.typing", times=1)


def test_plan_submitted(broadcasts: Broadcasts, ruiz: Someone) -> None:
    plan = ruiz.post("/chat/conversation/1/plans", {"summary": "Remove it."}).json()
    payload = {
        "plan_id": plan["id"],
        "consultation_id": 1,
        "patient_id": MAYA,
        "doctor_id": RUIZ,
        "status": "submitted",
        "summary": "Remove it.",
        "submitted_at": WHEN,
    }
    on = UserChannel(user_id=MAYA)
    broadcasts.assert_broadcast(PlanSubmitted, on=on, times=1, to_others=True, after_commit=True, payload=payload)
    broadcasts.assert_broadcast("plan.submitted", times=1)
    assert broadcasts.recorded[0].channels == ("private-user.1",)


def test_plan_accepted(broadcasts: Broadcasts, maya: Someone) -> None:
    assert maya.post("/chat/conversation/3/plans/1/accept").status_code == 200
    payload = {
        "plan_id": 1,
        "consultation_id": 3,
        "patient_id": MAYA,
        "doctor_id": WEBER,
        "status": "accepted",
        "summary": "Whitening in two sessions of 45 minutes, with a night guard for two weeks.",
        "accepted_at": WHEN,
    }
    on = UserChannel(user_id=WEBER)
    broadcasts.assert_broadcast(PlanAccepted, on=on, times=1, to_others=True, after_commit=True, payload=payload)
    broadcasts.assert_broadcast("plan.accepted", times=1)
    assert broadcasts.recorded[0].channels == ("private-user.4",)


def test_the_client_that_sends_is_left_out(broadcasts: Broadcasts, maya: Someone) -> None:
    maya.write(1, "Hello", **{"X-Socket-ID": "12.34"})
    assert broadcasts.recorded[0].excluded_socket == "12.34"


def test_what_was_refused_is_not_told(broadcasts: Broadcasts, tom: Someone, admin: Someone, client: TestClient) -> None:
    for someone in (tom, admin, Someone(client)):
        someone.write(1, "Let me in")
        someone.post("/chat/conversation/1/typing", {"typing": True})
        someone.post("/chat/conversation/1/read", {})
        someone.post("/chat/conversation/3/plans/1/accept")
    broadcasts.assert_nothing_broadcast()


def test_typing_is_throttled_and_its_end_is_not() -> None:
    time = 0.0
    driver = MemoryDriver()
    broadcaster = Broadcaster(driver, repeats=MemoryRepeats(now=lambda: time))

    def says(typing: bool, user_id: int = MAYA) -> bool:
        event = UserTyping(user_id=user_id, user_name="Maya", typing=typing, conversation_id=1)
        return broadcaster.broadcast(event).to_others().delivered

    told = [says(typing=True), says(typing=True), says(typing=False), says(typing=True, user_id=RUIZ)]
    assert told == [True, False, True, True]
    time = 2.0
    assert says(typing=False)
