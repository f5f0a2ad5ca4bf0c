"""Each event of the guide: its name, its channels, and exactly the payload that is written there."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from dirty_equals import IsDatetime, IsUUID
from django.core.files.uploadedfile import SimpleUploadedFile

from broadcastkit import broadcast
from broadcastkit.testing import Broadcasts
from examples.artisan_jobs.events import (
    AdminNotice,
    JobActivity,
    JobUpdated,
    MessageSent,
    MessagesRead,
    NotificationSent,
    UserTyping,
)
from examples.artisan_jobs.models import Message
from tests.examples.artisan_jobs.application import SOCKET, World

NOON = datetime(2025, 10, 2, 12, tzinfo=UTC)
JUST_NOW = IsDatetime(iso_string=True)

# As the guide has them, word for word but for the address of the picture.
MESSAGE_SENT = {
    "id": 1,
    "sender_id": 2,
    "recipient_id": 3,
    "content": "Hello!",
    "message_type": "text",
    "job_id": 1,
    "attachments": [],
    "is_read": False,
    "created_at": "2025-10-02T12:00:00Z",
    "sender": {"id": 2, "name": "John Doe", "avatar": "https://example.org/john.png"},
}
JOB_UPDATED = {
    "id": 1,
    "title": "Fix plumbing",
    "status": "in-progress",
    "category": "plumbing",
    "budget": 15000,
    "priority": "high",
    "update_type": "status_changed",
    "client_id": 2,
    "artisan_id": 3,
    "milestones": [{"id": 1, "title": "New seals", "status": "pending"}],
    "progress_updates": [{"id": 1, "percent": 60, "note": "Dry", "created_at": JUST_NOW}],
    "updated_at": "2025-10-02T12:00:00Z",
}
NOTIFICATION_SENT = {
    "id": IsUUID(),
    "type": "payment_received",
    "title": "Payment Received",
    "message": "You received ₦15,000 for job completion",
    "data": {"payment_id": 1, "amount": 15000, "job_id": 1},
    "created_at": JUST_NOW,
}


@pytest.fixture
def john(world: World) -> Any:
    user = world.john.user
    user.name, user.avatar = "John Doe", "https://example.org/john.png"
    user.save()
    return user


def test_message_sent(world: World, john: Any, broadcasts: Broadcasts) -> None:
    message = Message.objects.create(
        sender=john, recipient=world.chidi.user, content="Hello!", job=world.job, created_at=NOON
    )

    broadcast(MessageSent(message)).to_everyone()

    both = ["private-user.2", "private-user.3"]
    broadcasts.assert_broadcast("message.sent", on=both, times=1, payload=MESSAGE_SENT)
    assert [*broadcasts.recorded[0].channels] == both


def job_of_the_guide(world: World, john: Any) -> Any:
    job = world.assigned("in-progress")
    job.client, job.updated_at = john, NOON
    job.milestone_set.create(title="New seals")
    job.progressupdate_set.create(percent=60, note="Dry")
    return job


def test_job_updated(world: World, john: Any, broadcasts: Broadcasts) -> None:
    broadcast(JobUpdated(job_of_the_guide(world, john), update_type="status_changed")).to_everyone()

    both = ["private-user.2", "private-user.3"]
    broadcasts.assert_broadcast("job.updated", on=both, times=1, payload=JOB_UPDATED)
    assert [*broadcasts.recorded[0].channels] == both


def test_a_job_without_an_artisan_is_told_to_its_client_alone(world: World, broadcasts: Broadcasts) -> None:
    broadcast(JobUpdated(world.job, update_type="application_received")).to_everyone()

    assert [*broadcasts.recorded[0].channels] == ["private-user.1"]


@pytest.mark.parametrize(
    "update_type",
    [
        "status_changed",
        "milestone_added",
        "milestone_updated",
        "progress_updated",
        "application_received",
        "application_accepted",
    ],
)
def test_update_types(world: World, broadcasts: Broadcasts, update_type: Any) -> None:
    broadcast(JobUpdated(world.assigned(), update_type=update_type)).to_everyone()

    broadcasts.assert_broadcast(JobUpdated, payload_contains={"update_type": update_type})


def test_no_other_update_type(world: World) -> None:
    with pytest.raises(ValueError, match="update_type"):
        JobUpdated(world.job, update_type="renamed")


def test_notification_sent(world: World, broadcasts: Broadcasts) -> None:
    world.assigned()
    world.amaka.post("/api/jobs/1/pay")

    broadcasts.assert_broadcast("notification.sent", on="private-user.3", times=1, payload=NOTIFICATION_SENT)
    [sent] = [one for one in broadcasts.recorded if one.event_name == "notification.sent"]
    assert [*sent.channels] == ["private-user.3"]


def test_a_notification_of_any_type_needs_no_row(world: World, broadcasts: Broadcasts) -> None:
    given = {"type": "test", "title": "Test Notification", "message": "This is a test", "data": {}}

    broadcast(NotificationSent(given, user_id=1)).to_everyone()

    whole = given | {"id": IsUUID(), "created_at": JUST_NOW}
    broadcasts.assert_broadcast(NotificationSent, on="private-user.1", payload=whole)


@pytest.mark.parametrize(
    ("event", "name"),
    [
        (MessageSent, "message.sent"),
        (MessagesRead, "messages.read"),
        (JobUpdated, "job.updated"),
        (JobActivity, "job.activity"),
        (NotificationSent, "notification.sent"),
        (AdminNotice, "admin.notice"),
    ],
)
def test_each_waits_for_its_transaction(event: Any, name: str) -> None:
    assert (event.event_name, event.event_after_commit) == (name, True)


# What Reverb takes as it is delivered is 10,000 bytes, with the envelope.
LARGEST = 8_000


def sizes(broadcasts: Broadcasts) -> list[int]:
    """Return how long each payload is."""
    payloads = [json.dumps(one.payload, ensure_ascii=False) for one in broadcasts.recorded]
    return [len(payload.encode()) for payload in payloads]


@pytest.mark.parametrize("sign", ["a", "é", "₦", "😀", '"'])
def test_what_is_too_much_for_an_event_is_no_message(world: World, broadcasts: Broadcasts, sign: str) -> None:
    files = [SimpleUploadedFile(f"{sign * 200}.txt", b"text") for _ in range(5)]
    headers = {"Authorization": f"Bearer {world.amaka.token}"}
    statuses = []
    for count in (1000, 2000, 3000, 4000):
        fields = {"recipient_id": 3, "content": sign * count, "message_type": "file", "attachments": files}
        statuses.append(world.amaka.client.post("/api/messages", fields, headers=headers).status_code)
        for file in files:
            file.seek(0)

    assert statuses[0] == 201
    assert set(statuses) <= {201, 422}
    assert (statuses[-1] == 201) == (sign == "a")
    assert max(sizes(broadcasts)) < LARGEST


@pytest.mark.parametrize("sign", ["a", "😀"])
def test_a_job_of_many_steps_is_still_told(world: World, broadcasts: Broadcasts, sign: str) -> None:
    job = world.assigned("in-progress")
    job.title, job.category = sign * 120, sign * 40
    job.save()
    statuses = [world.amaka.post("/api/jobs/1/milestones", {"title": sign * 40}).status_code for _ in range(21)]
    for number in range(40):
        note = {"percent": number, "note": sign * 290}
        assert world.chidi.post("/api/jobs/1/progress", note).status_code == 201

    assert statuses == [201] * 20 + [409]
    assert max(sizes(broadcasts)) < LARGEST
    shown = world.amaka.get("/api/jobs/1").json()["progress_updates"]
    # the latest, the last one last
    assert [one["percent"] for one in shown] == [*range(40 - len(shown), 40)]
    assert shown == broadcasts.recorded[-2].payload["progress_updates"]


def test_a_thousand_messages_are_read(world: World, broadcasts: Broadcasts) -> None:
    Message.objects.bulk_create(
        Message(sender=world.chidi.user, recipient=world.amaka.user, content="Hello?", id=10**12 + number)
        for number in range(1000)
    )

    assert len(world.amaka.post("/api/conversations/3/read").json()["message_ids"]) == 1000

    assert max(sizes(broadcasts)) < LARGEST
    told = [number for one in broadcasts.recorded for number in one.payload["message_ids"]]
    assert told == [*range(10**12, 10**12 + 1000)]


def test_messages_read(world: World, broadcasts: Broadcasts) -> None:
    world.amaka.send(world.chidi, "one")
    world.amaka.send(world.chidi, "two")

    world.chidi.post("/api/conversations/1/read", None, **{"X-Socket-ID": SOCKET})

    payload = {"reader_id": 3, "message_ids": [1, 2], "read_at": JUST_NOW}
    both = ["private-user.1", "private-user.3"]
    broadcasts.assert_broadcast("messages.read", on=both, times=1, to_others=True, payload=payload)


def test_typing_is_told_now_and_then(world: World, broadcasts: Broadcasts) -> None:
    for typing in (True, True, False):
        assert world.amaka.post("/api/messages/typing", {"recipient_id": 3, "typing": typing}).status_code == 204

    assert UserTyping.event_repeats is not None
    payloads = [one.payload for one in broadcasts.recorded]
    assert {json.dumps(payload) for payload in payloads} == {
        json.dumps({"user_id": 1, "user_name": "Amaka", "typing": typing}) for typing in (True, False)
    }
    broadcasts.assert_broadcast("user.typing", on="private-user.3", to_others=True)


def test_a_jobs_page_hears_who_did_what(world: World, broadcasts: Broadcasts) -> None:
    world.assigned()
    world.chidi.post("/api/jobs/1/start")

    payload = {
        "job_id": 1,
        "update_type": "status_changed",
        "by": {"id": 3, "name": "Chidi"},
        "description": "Work has begun",
        "created_at": JUST_NOW,
    }
    broadcasts.assert_broadcast("job.activity", on="private-job.1", times=1, payload=payload)


def test_administrators_hear_what_is_to_be_decided(world: World, broadcasts: Broadcasts) -> None:
    world.chidi.post("/api/verification")

    payload = {
        "kind": "verification_requested",
        "message": "Chidi asks to be verified",
        "data": {"user_id": 3},
        "created_at": JUST_NOW,
    }
    broadcasts.assert_broadcast("admin.notice", on="private-admin", times=1, payload=payload)


def test_no_password_and_no_token_is_ever_sent(world: World, broadcasts: Broadcasts) -> None:
    world.amaka.send(world.chidi, "Hello")
    world.assigned("in-progress")
    world.amaka.post("/api/jobs/1/pay")
    world.chidi.post("/api/jobs/1/complete")

    sent = json.dumps([one.payload for one in broadcasts.recorded])
    assert len(broadcasts.recorded) == 5
    for secret in ("password", world.amaka.token, world.amaka.user.password, "@mysharpjob.test"):
        assert secret not in sent
