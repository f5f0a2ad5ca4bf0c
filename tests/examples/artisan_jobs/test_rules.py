"""Who may listen where: every role against every channel."""

from __future__ import annotations

import json

import pytest

from broadcastkit.channels import AdminChannel, JobChannel, UserChannel
from broadcastkit.testing import assert_authorized, assert_denied
from examples.artisan_jobs.rules import JobPresence
from tests.examples.artisan_jobs.application import World

EVERYBODY = ("amaka", "john", "chidi", "ngozi", "tunde", "stranger")
# The job is Amaka's, and Chidi works on it.
ALLOWED = {
    "private-user.1": {"amaka"},
    "private-user.3": {"chidi"},
    "private-user.5": {"tunde"},
    "private-user.99": set(),
    "private-job.1": {"amaka", "chidi"},
    "presence-job.1": {"amaka", "chidi"},
    "private-job.2": set(),
    "presence-job.2": set(),
    "private-admin": {"tunde"},
    # of nobody, or of another kind
    "private-user.one": set(),
    "private-user.1.2": set(),
    "private-user.01x": set(),
    "private-job.99999999999999999999": set(),
    "presence-user.1": set(),
    "presence-admin": set(),
    "private-encrypted-user.1": set(),
    "private-cache-user.1": set(),
    "user.1": set(),
    "job.1": set(),
    "admin": set(),
}


@pytest.mark.parametrize("role", EVERYBODY)
@pytest.mark.parametrize("channel", ALLOWED)
def test_who_may_subscribe(world: World, role: str, channel: str) -> None:
    world.assigned()

    answer = world.everybody()[role].listen(channel)

    assert answer.status_code == (200 if role in ALLOWED[channel] else 403)
    assert (b'"auth"' in answer.content) == (role in ALLOWED[channel])


@pytest.mark.parametrize("role", EVERYBODY)
def test_each_rule_by_itself(world: World, role: str) -> None:
    job, someone = world.assigned(), world.everybody()[role]
    for channel, allowed in (
        (UserChannel(user_id=world.amaka.id), {"amaka"}),
        (JobChannel(job_id=job.pk), {"amaka", "chidi"}),
        (JobPresence(job_id=job.pk), {"amaka", "chidi"}),
        (AdminChannel(), {"tunde"}),
    ):
        (assert_authorized if role in allowed else assert_denied)(channel, someone.user)


def test_nobody_works_on_an_open_job(world: World) -> None:
    # who has applied sees the job, and hears nothing of it
    world.chidi.post("/api/jobs/1/apply", {"note": "I can come today."})

    assert world.chidi.listen("private-job.1").status_code == 403
    assert world.amaka.listen("private-job.1").status_code == 200


def test_presence_shows_name_and_id_and_nothing_else(world: World) -> None:
    world.assigned()

    member = json.loads(world.chidi.listen("presence-job.1").json()["channel_data"])

    assert member == {"user_id": "3", "user_info": {"id": 3, "name": "Chidi"}}


def test_who_was_put_out_may_listen_no_more(world: World) -> None:
    world.amaka.user.is_active = False
    world.amaka.user.save()

    assert world.amaka.listen("private-user.1").status_code == 401
