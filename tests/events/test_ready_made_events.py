"""The events of DESIGN §9: names, channels and fields as it writes them; payloads as the guides print them."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any, NamedTuple

import pytest
from pydantic import ValidationError

from broadcastkit.channels import Channel
from broadcastkit.errors import ConfigurationError
from broadcastkit.events import (
    ActivityLogged,
    Event,
    JobUpdated,
    MessageSent,
    MessagesRead,
    NotificationSent,
    PlanAccepted,
    PlanSubmitted,
    RoomMessageSent,
    UserStatusChanged,
    UserTyping,
)
from broadcastkit.events.jobs import JobUpdate
from tests.events.rows import SECRET

AT = "2025-10-02T12:00:00Z"

# The three payloads of the Laravel guide, as printed there ("..." in it filled in).
MESSAGE = {
    "id": 1,
    "sender_id": 2,
    "recipient_id": 3,
    "content": "Hello!",
    "message_type": "text",
    "job_id": 1,
    "attachments": [],
    "is_read": False,
    "created_at": AT,
    "sender": {"id": 2, "name": "John Doe", "avatar": "https://example.com/a.png"},
}
JOB = {
    "id": 1,
    "title": "Fix plumbing",
    "status": "in-progress",
    "category": "plumbing",
    "budget": 15000,
    "priority": "high",
    "update_type": "status_changed",
    "client_id": 2,
    "artisan_id": 3,
    "milestones": [{"id": 1, "done": True}],
    "progress_updates": [{"id": 2, "text": "begun"}],
    "updated_at": AT,
}
NOTIFICATION = {
    "id": "unique-id",
    "type": "payment_received",
    "title": "Payment Received",
    "message": "You received ₦15,000 for job completion",
    "data": {"payment_id": 1, "amount": 15000, "job_id": 1},
    "created_at": AT,
}
# The three payloads of the room guide, with a value for each of its types.
ROOM_MESSAGE = {
    "id": 1,
    "room_id": 7,
    "sender_role": "doctor",
    "sender_name": "Ann",
    "message": "hello",
    "type": "image",
    "created_at": AT,
}
STATUS = {
    "room_id": 7,
    "user_id": 3,
    "user_name": "Ann",
    "role": "doctor",
    "is_online": True,
    "last_seen": AT,
    "timestamp": AT,
}
ACTIVITY = {
    "room_id": 7,
    "action": "joined",
    "user_name": "Ann",
    "role": "doctor",
    "description": "Ann joined",
    "timestamp": AT,
}
PLAN = {
    "plan_id": 1,
    "consultation_id": 2,
    "patient_id": 3,
    "doctor_id": 4,
    "status": "submitted",
    "summary": "two fillings",
}
READ = {"reader_id": 3, "message_ids": [1, 2], "read_at": AT}
TYPING = {"user_id": 3, "user_name": "Ann", "typing": True}


class Case(NamedTuple):
    """What an event is read from beside its payload, the payload, its name and its channels."""

    event: type[Event]
    name: str
    payload: dict[str, Any]
    channels: list[str]
    routing: dict[str, Any]


CASES = [
    Case(MessageSent, "message.sent", {"conversation_id": None, **MESSAGE}, ["private-user.2", "private-user.3"], {}),
    Case(MessageSent, "message.sent", {**MESSAGE, "conversation_id": 9}, ["private-conversation.9"], {}),
    Case(MessagesRead, "messages.read", READ, ["private-conversation.9"], {"conversation_id": 9}),
    Case(
        MessagesRead,
        "messages.read",
        READ,
        ["private-user.2", "private-user.3"],
        {"sender_id": 2, "recipient_id": 3},
    ),
    Case(UserTyping, "user.typing", TYPING, ["private-conversation.9"], {"conversation_id": 9}),
    Case(UserTyping, "user.typing", TYPING, ["private-user.3"], {"recipient_id": 3}),
    Case(PlanSubmitted, "plan.submitted", {**PLAN, "submitted_at": AT}, ["private-user.3"], {}),
    Case(PlanAccepted, "plan.accepted", {**PLAN, "accepted_at": AT}, ["private-user.4"], {}),
    Case(JobUpdated, "job.updated", JOB, ["private-user.2", "private-user.3"], {}),
    Case(JobUpdated, "job.updated", {**JOB, "artisan_id": None}, ["private-user.2"], {}),
    Case(NotificationSent, "notification.sent", NOTIFICATION, ["private-user.5"], {"user_id": 5}),
    Case(RoomMessageSent, "new-message", ROOM_MESSAGE, ["room-7"], {}),
    Case(UserStatusChanged, "user-status-changed", STATUS, ["presence-room-7"], {}),
    Case(ActivityLogged, "new-activity", ACTIVITY, ["room-7"], {}),
]


def channels_of(event: Event) -> list[str]:
    where = event.broadcast_on()
    return [str(where)] if isinstance(where, (Channel, str)) else [str(channel) for channel in where]


class Row:
    """Any object with attributes, and more of them than the event declares."""

    def __init__(self, values: dict[str, Any]) -> None:
        vars(self).update(values, password=SECRET)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.name}-{'+'.join(case.channels)}")
def test_name_channels_and_payload(case: Case) -> None:
    values = {**case.payload, **case.routing}

    for event in (case.event({**values, "password": SECRET}), case.event(Row(values)), case.event(**values)):
        assert event.event_name == case.name
        assert channels_of(event) == case.channels
        assert json.loads(event.broadcast_payload()) == case.payload


# Written out from DESIGN §9; "?" there is a field that may be left out.
@pytest.mark.parametrize(
    ("event", "required", "optional"),
    [
        (
            MessageSent,
            "id sender_id recipient_id content created_at sender",
            "conversation_id message_type job_id attachments is_read",
        ),
        (MessagesRead, "reader_id message_ids read_at", ""),
        (UserTyping, "user_id user_name", "typing"),
        (PlanSubmitted, "plan_id consultation_id patient_id doctor_id submitted_at", "status summary"),
        (PlanAccepted, "plan_id consultation_id patient_id doctor_id accepted_at", "status summary"),
        (
            JobUpdated,
            "id title status category update_type client_id updated_at",
            "budget priority artisan_id milestones progress_updates",
        ),
        (NotificationSent, "type title message", "id data created_at"),
        (RoomMessageSent, "id room_id sender_role sender_name message created_at", "type"),
        (UserStatusChanged, "room_id user_id user_name role is_online timestamp", "last_seen"),
        (ActivityLogged, "room_id action user_name role description timestamp", ""),
    ],
)
def test_fields(event: type[Event], required: str, optional: str) -> None:
    fields = {name: info for name, info in event.model_fields.items() if not info.exclude}

    assert {name for name, info in fields.items() if info.is_required()} == set(required.split())
    assert {name for name, info in fields.items() if not info.is_required()} == set(optional.split())


def test_routing_stays_off_the_wire() -> None:
    routing = {
        event.__name__: [name for name, info in event.model_fields.items() if info.exclude]
        for event in (MessagesRead, UserTyping, NotificationSent)
    }

    assert routing == {
        "MessagesRead": ["conversation_id", "sender_id", "recipient_id"],
        "UserTyping": ["conversation_id", "recipient_id"],
        "NotificationSent": ["user_id"],
    }


def test_what_is_left_out_has_a_sensible_default() -> None:
    message = MessageSent(
        {key: MESSAGE[key] for key in ("id", "sender_id", "recipient_id", "content", "created_at")},
        sender=Row({"id": 2, "name": "J"}),
    )

    assert json.loads(message.broadcast_payload()) == {
        **MESSAGE,
        "conversation_id": None,
        "job_id": None,
        "sender": {"id": 2, "name": "J", "avatar": None},
    }
    assert PlanSubmitted({**PLAN, "submitted_at": AT}, status="open").status == "open"
    dates = {"submitted_at": AT, "accepted_at": AT}
    ids = dict.fromkeys(("plan_id", "consultation_id", "patient_id", "doctor_id"), 1)
    assert [event({**ids, **dates}).status for event in (PlanSubmitted, PlanAccepted)] == ["submitted", "accepted"]


def test_a_notice_that_is_stored_nowhere_has_an_id_and_a_time_of_its_own() -> None:
    first, second = (NotificationSent(type="test", title="T", message="M", user_id=1) for _ in range(2))

    assert first.id != second.id
    assert first.created_at.utcoffset() == timedelta(0)


def test_typing_is_heard_somewhere() -> None:
    with pytest.raises(ConfigurationError, match="give conversation_id, or recipient_id"):
        UserTyping(TYPING).broadcast_on()


def test_a_senders_row_gives_no_more_than_is_declared() -> None:
    event = MessageSent({**MESSAGE, "sender": Row({"id": 2, "name": "John Doe", "email": SECRET})})

    assert json.loads(event.broadcast_payload())["sender"] == {"id": 2, "name": "John Doe", "avatar": None}


@pytest.mark.parametrize(
    "update_type",
    # DESIGN §9 and the guide
    [
        "status_changed",
        "milestone_added",
        "milestone_updated",
        "progress_updated",
        "application_received",
        "application_accepted",
    ],
)
def test_a_job_says_what_kind_of_update_it_is(update_type: JobUpdate) -> None:
    assert JobUpdated(JOB, update_type=update_type).update_type == update_type


@pytest.mark.parametrize(
    ("event", "field", "values"),
    [
        (MessageSent, "message_type", ["text", "file", "image"]),
        (RoomMessageSent, "type", ["text", "image", "system"]),
    ],
)
def test_a_message_is_of_one_of_three_types(event: type[Event], field: str, values: list[str]) -> None:
    payload = MESSAGE if event is MessageSent else ROOM_MESSAGE

    assert [getattr(event(payload, **{field: value}), field) for value in values] == values
    with pytest.raises(ValidationError, match=field):
        event(payload, **{field: "video"})


@pytest.mark.parametrize(
    ("event", "values"), [(JobUpdated, {**JOB, "update_type": "other"}), (MessageSent, {**MESSAGE, "sender": None})]
)
def test_wrong_values_are_refused(event: type[Event], values: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        event(values)


@pytest.mark.parametrize("identifier", [3, "3", "ann", "0b6b4f0e-6a4e-4d0b-8f5c-1d2e3f405162"], ids=repr)
def test_ids_are_written_as_they_are(identifier: object) -> None:
    event = NotificationSent({**NOTIFICATION, "id": identifier}, user_id=identifier)

    assert json.loads(event.broadcast_payload())["id"] == identifier
    assert channels_of(event) == [f"private-user.{identifier}"]


def test_a_ready_made_event_can_be_extended_under_its_name() -> None:
    class Message(MessageSent, name="message.sent"):
        edited: bool = False

    event = Message(MESSAGE)

    assert event.event_name == "message.sent"
    assert json.loads(event.broadcast_payload())["edited"] is False
    assert channels_of(event) == ["private-user.2", "private-user.3"]
