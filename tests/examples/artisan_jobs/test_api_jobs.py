"""Jobs, money, disputes, verification and notifications through Django's test client."""

from __future__ import annotations

from typing import Any

import pytest
from dirty_equals import IsUUID

from broadcastkit.testing import Broadcasts
from examples.artisan_jobs.events import JobUpdated, NotificationSent
from examples.artisan_jobs.models import Job, Payment
from tests.examples.artisan_jobs.application import World

NEW = {"title": "Mend the roof", "description": "Two tiles.", "category": "roofing", "budget": 9000}
BOTH = ["private-user.1", "private-user.3"]


def updates(broadcasts: Broadcasts) -> list[tuple[str, str, list[str]]]:
    return [
        (one.payload["update_type"], one.payload["status"], [*one.channels])
        for one in broadcasts.recorded
        if one.event_name == "job.updated"
    ]


def notices(broadcasts: Broadcasts) -> list[tuple[str, list[str]]]:
    return [
        (one.payload["type"], [*one.channels]) for one in broadcasts.recorded if one.event_name == "notification.sent"
    ]


def test_a_client_posts_a_job(world: World) -> None:
    answer = world.john.post("/api/jobs", NEW)

    assert answer.status_code == 201
    made = answer.json()
    assert (made["id"], made["status"], made["priority"], made["client"]["name"]) == (2, "open", "normal", "John")


@pytest.mark.parametrize(
    "change",
    [
        {"title": "ab"},
        {"title": "a" * 121},
        {"description": ""},
        {"category": "a" * 41},
        {"budget": 0},
        {"budget": 100_000_001},
        {"budget": "much"},
        {"priority": "at once"},
        {"status": "completed"},
        {"client_id": 1},
        {"artisan_id": 3},
    ],
)
def test_what_is_no_job(world: World, change: dict[str, Any]) -> None:
    answer = world.john.post("/api/jobs", NEW | change)

    assert answer.status_code == 422
    assert [*answer.json()["errors"]] == [*change]


def test_who_sees_which_jobs(world: World) -> None:
    world.john.post("/api/jobs", NEW)
    world.assigned()

    def titles(name: str) -> list[str]:
        return sorted(job["title"] for job in world.everybody()[name].get("/api/jobs").json()["data"])

    assert titles("amaka") == ["Fix plumbing"]
    assert titles("john") == ["Mend the roof"]
    assert titles("chidi") == ["Fix plumbing", "Mend the roof"]
    assert titles("ngozi") == ["Mend the roof"]
    assert titles("tunde") == ["Fix plumbing", "Mend the roof"]


def test_jobs_are_sought_by_words_and_status(world: World) -> None:
    world.amaka.post("/api/jobs", NEW)

    def titles(query: str) -> list[str]:
        return [job["title"] for job in world.amaka.get(f"/api/jobs?{query}").json()["data"]]

    assert titles("q=tiles") == ["Mend the roof"]
    assert titles("q=PLUMBING") == ["Fix plumbing"]
    assert titles("status=completed") == []
    assert titles("limit=1&before=2") == ["Fix plumbing"]


def test_from_the_application_to_the_money(world: World, broadcasts: Broadcasts) -> None:
    assert world.chidi.post("/api/jobs/1/apply", {"note": "Tomorrow."}).status_code == 201
    assert world.amaka.post("/api/jobs/1/applications/1/accept").json()["artisan"]["name"] == "Chidi"
    assert world.amaka.post("/api/jobs/1/milestones", {"title": "New seals"}).status_code == 201
    assert world.chidi.post("/api/jobs/1/start").json()["status"] == "in-progress"
    assert world.chidi.patch("/api/jobs/1/milestones/1", {"status": "done"}).json()["status"] == "done"
    assert world.chidi.post("/api/jobs/1/progress", {"percent": 90, "note": "Dry"}).status_code == 201
    assert world.amaka.post("/api/jobs/1/pay").json()["escrow_status"] == "held"
    assert world.chidi.post("/api/jobs/1/complete").json()["status"] == "completed"
    assert world.amaka.post("/api/payments/1/release").json()["escrow_status"] == "released"

    assert updates(broadcasts) == [
        ("application_received", "open", ["private-user.1"]),
        ("application_accepted", "assigned", BOTH),
        ("milestone_added", "assigned", BOTH),
        ("status_changed", "in-progress", BOTH),
        ("milestone_updated", "in-progress", BOTH),
        ("progress_updated", "in-progress", BOTH),
        ("status_changed", "completed", BOTH),
    ]
    assert notices(broadcasts) == [
        ("payment_received", ["private-user.3"]),
        ("job_completed", ["private-user.1"]),
        ("payment_released", ["private-user.3"]),
    ]
    # all that the guide broadcasts without toOthers(): the one who did it hears it, too
    broadcasts.assert_not_broadcast(JobUpdated, to_others=True)


def test_the_page_of_a_job(world: World) -> None:
    world.chidi.post("/api/jobs/1/apply", {"note": "Tomorrow."})
    world.ngozi.post("/api/jobs/1/apply", {"note": "Today."})

    def seen(name: str) -> list[str]:
        return [one["note"] for one in world.everybody()[name].get("/api/jobs/1").json()["applications"]]

    assert (seen("amaka"), seen("tunde")) == (["Tomorrow.", "Today."], ["Tomorrow.", "Today."])
    assert (seen("chidi"), seen("ngozi")) == (["Tomorrow."], ["Today."])


def test_the_others_are_declined(world: World) -> None:
    world.chidi.post("/api/jobs/1/apply", {"note": "Tomorrow."})
    world.ngozi.post("/api/jobs/1/apply", {"note": "Today."})
    world.amaka.post("/api/jobs/1/applications/2/accept")

    shown = world.amaka.get("/api/jobs/1").json()["applications"]
    assert [one["status"] for one in shown] == ["declined", "accepted"]
    assert world.chidi.get("/api/jobs/1").json()["applications"][0]["status"] == "declined"


@pytest.mark.parametrize(
    ("status", "who", "asked"),
    [
        ("assigned", "amaka", ("applications/1/accept", None)),
        ("open", "amaka", ("pay", None)),
        ("in-progress", "chidi", ("start", None)),
        ("assigned", "chidi", ("complete", None)),
        ("assigned", "chidi", ("progress", {"percent": 1, "note": "a"})),
        ("completed", "amaka", ("milestones", {"title": "a"})),
        ("in-progress", "amaka", ("disputes", {"reason": "no money is held"})),
    ],
)
def test_too_early_or_too_late(
    world: World, broadcasts: Broadcasts, status: str, who: str, asked: tuple[str, Any]
) -> None:
    path, body = asked
    if status != "open":
        world.assigned(status)

    assert world.everybody()[who].post(f"/api/jobs/1/{path}", body).status_code == 409
    assert not broadcasts.recorded
    assert Job.objects.get().status == status


def test_one_application_each(world: World) -> None:
    assert world.chidi.post("/api/jobs/1/apply", {"note": "Tomorrow."}).status_code == 201
    assert world.chidi.post("/api/jobs/1/apply", {"note": "Please!"}).status_code == 409


@pytest.mark.parametrize("body", [{"percent": 101, "note": "a"}, {"percent": -1, "note": "a"}, {"percent": 5}])
def test_what_is_no_progress(world: World, body: dict[str, Any]) -> None:
    world.assigned("in-progress")

    assert world.chidi.post("/api/jobs/1/progress", body).status_code == 422


def test_a_milestone_is_renamed(world: World) -> None:
    world.assigned().milestone_set.create(title="Seals")

    assert world.amaka.patch("/api/jobs/1/milestones/1", {"title": "New seals"}).json()["title"] == "New seals"
    assert world.amaka.patch("/api/jobs/1/milestones/1", {}).status_code == 422
    assert world.amaka.patch("/api/jobs/1/milestones/2", {"title": "a"}).status_code == 404


# -- money -------------------------------------------------------------------------------------------------------------


def test_what_a_release_says(world: World, broadcasts: Broadcasts) -> None:
    world.assigned("completed")
    world.amaka.post("/api/jobs/1/pay")
    world.amaka.post("/api/payments/1/release")

    payload = {
        "id": IsUUID(),
        "type": "payment_released",
        "title": "Payment Released",
        "message": "₦15,000 has been released to your account",
        "data": {"payment_id": 1, "amount": 15000, "job_id": 1},
    }
    broadcasts.assert_broadcast(NotificationSent, on="private-user.3", times=1, payload_contains=payload)


def test_money_is_paid_and_released_once(world: World) -> None:
    world.assigned("completed")

    statuses = [world.amaka.post(path).status_code for path in ("/api/jobs/1/pay", "/api/jobs/1/pay")]
    statuses += [world.amaka.post("/api/payments/1/release").status_code for _ in range(2)]

    assert statuses == [201, 409, 200, 409]
    assert Payment.objects.get().amount == 15_000


def test_nothing_is_released_before_the_work_is_done(world: World) -> None:
    world.assigned("in-progress")
    world.amaka.post("/api/jobs/1/pay")

    assert world.amaka.post("/api/payments/1/release").status_code == 409


def test_payments_of_ones_own(world: World) -> None:
    world.assigned("completed")
    world.amaka.post("/api/jobs/1/pay")

    counts = {
        name: len(one.get("/api/payments").json()["data"]) for name, one in world.everybody().items() if one.token
    }
    assert counts == {"amaka": 1, "chidi": 1, "john": 0, "ngozi": 0, "tunde": 0}


@pytest.mark.parametrize(("outcome", "escrow"), [("release", "released"), ("refund", "refunded")])
def test_a_dispute_is_resolved(world: World, broadcasts: Broadcasts, outcome: str, escrow: str) -> None:
    world.assigned("in-progress")
    world.amaka.post("/api/jobs/1/pay")
    broadcasts.recorded.clear()

    assert world.amaka.post("/api/jobs/1/disputes", {"reason": "It drips still."}).status_code == 201
    [waiting] = world.tunde.get("/api/disputes").json()["data"]
    assert (waiting["title"], waiting["opened_by"], waiting["reason"]) == ("Fix plumbing", "Amaka", "It drips still.")
    assert world.tunde.post("/api/disputes/1/resolve", {"outcome": outcome}).json()["outcome"] == outcome

    broadcasts.assert_broadcast("admin.notice", on="private-admin", payload_contains={"kind": "dispute_opened"})
    resolved = [("dispute_resolved", ["private-user.1"]), ("dispute_resolved", ["private-user.3"])]
    assert notices(broadcasts) == resolved + [("payment_released", ["private-user.3"])] * (outcome == "release")
    assert [status for _, status, _ in updates(broadcasts)] == ["disputed", "completed"]
    assert Payment.objects.get().escrow_status == escrow
    assert world.tunde.get("/api/disputes").json() == {"data": []}
    assert world.tunde.post("/api/disputes/1/resolve", {"outcome": outcome}).status_code == 404


# -- verification and notifications ------------------------------------------------------------------------------------


def test_an_artisan_is_verified(world: World, broadcasts: Broadcasts) -> None:
    assert world.chidi.post("/api/verification").status_code == 201
    assert world.chidi.post("/api/verification").status_code == 409
    assert [one["name"] for one in world.tunde.get("/api/verifications").json()["data"]] == ["Chidi"]

    assert world.tunde.post("/api/verifications/3/approve").json()["verified"] is True

    assert notices(broadcasts) == [("verification_approved", ["private-user.3"])]
    assert world.tunde.post("/api/verifications/3/approve").status_code == 404
    assert world.tunde.post("/api/verifications/1/approve").status_code == 404
    assert world.amaka.get("/api/people?q=chidi").json()["data"][0]["verified"] is True


def test_notifications_are_kept_as_they_were_sent(world: World, broadcasts: Broadcasts) -> None:
    world.assigned()
    world.amaka.post("/api/jobs/1/pay")
    [sent] = [one.payload for one in broadcasts.recorded if one.event_name == "notification.sent"]

    shown = world.chidi.get("/api/notifications").json()

    assert shown == {"data": [sent | {"read_at": None}], "unread": 1}
    assert world.amaka.get("/api/notifications").json() == {"data": [], "unread": 0}


def test_notifications_are_read(world: World) -> None:
    world.assigned("completed")
    world.amaka.post("/api/jobs/1/pay")
    world.amaka.post("/api/payments/1/release")
    first, _ = (one["id"] for one in world.chidi.get("/api/notifications").json()["data"])

    assert world.amaka.post(f"/api/notifications/{first}/read").status_code == 404
    assert world.chidi.post(f"/api/notifications/{first}/read").status_code == 204
    assert world.chidi.get("/api/notifications").json()["unread"] == 1
    assert world.chidi.post("/api/notifications/read").status_code == 204
    assert world.chidi.get("/api/me").json()["unread_notifications"] == 0
