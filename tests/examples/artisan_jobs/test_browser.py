"""Real windows of Chromium: story.mjs walks through the application once, and each test is about one part of it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.interop.servers import free_port, running
from tests.interop.stories import Seen, pictures, tell

pytestmark = [pytest.mark.browser, pytest.mark.timeout(150)]

HOSTILE = """<img src="x" onerror="document.title = 'stolen'"> & <b>so on</b>"""
BEFORE = ["Good morning! Is it the kitchen sink, or the one in the bath?", "The kitchen. It drips day and night."]
AMAKA_WROTE = ["Thank you, not a drop since.", "This is how it looks now"]


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Seen:
    port, folder = free_port(), tmp_path_factory.mktemp("artisan_jobs")
    env = {"PORT": str(port), "PUSHER_PORT": str(free_port()), "ARTISAN_JOBS_DATA": str(folder / "data")}
    command = [sys.executable, "-m", "examples.artisan_jobs"]
    with running(command, port=port, log=folder / "log", ready="/up", env=env):
        return tell(Path(__file__).parent / "story.mjs", "artisan_jobs", f"http://127.0.0.1:{port}")


def test_the_artisan_hears_that_he_got_the_job(seen: Seen) -> None:
    assert seen["accepted"] == ["Fix plumbing", "application accepted"]


def test_both_see_who_is_at_the_job(seen: Seen) -> None:
    assert seen["here"] == {"amaka": "Chidi Eze is here", "chidi": "Amaka Obi is here"}


def test_the_client_follows_the_work(seen: Seen) -> None:
    assert seen["jobEvents"] == [
        ["application_accepted", "assigned"],
        ["milestone_added", "assigned"],
        ["status_changed", "in-progress"],
        ["milestone_updated", "in-progress"],
        ["progress_updated", "in-progress"],
    ]
    assert seen["activity"] == [
        "60 %: The sink is dry",
        "New seals: done",
        "Work has begun",
        "New milestone: New seals",
        "Chidi Eze got the job",
    ]


def test_money_and_finished_work_are_toasts(seen: Seen) -> None:
    assert seen["paid"] == ["Payment Received", "You received ₦15,000 for job completion"]
    assert seen["completed"] == ["Job Completed", "Chidi Eze has completed Fix plumbing"]
    assert seen["released"] == ["Payment Released", "₦15,000 has been released to your account"]


def test_notices_are_kept(seen: Seen) -> None:
    assert seen["notices"] == ["Payment Released", "Payment Received"]


def test_typing_shows_to_the_other(seen: Seen) -> None:
    assert seen["typing"] == {"state": "typing…", "forHerself": False}


def test_the_sender_sees_that_it_was_read(seen: Seen) -> None:
    assert seen["receipt"] == " · Read"


def test_both_read_the_same_and_each_message_once(seen: Seen) -> None:
    written = [*BEFORE, AMAKA_WROTE[0], HOSTILE, AMAKA_WROTE[1]]
    assert seen["written"] == {"amaka": written, "chidi": written}


def test_no_message_came_back_over_its_senders_websocket(seen: Seen) -> None:
    assert seen["onTheWire"] == {"amaka": [HOSTILE], "chidi": AMAKA_WROTE}


def test_a_sound_is_played(seen: Seen) -> None:
    assert seen["sounds"] == 1


def test_a_message_is_never_markup(seen: Seen) -> None:
    assert seen["elementsInMessages"] == 0


def test_a_picture_is_shown(seen: Seen) -> None:
    assert seen["picture"] == 240


def test_messages_are_found(seen: Seen) -> None:
    assert seen["found"] == [BEFORE[1]]


def test_who_reloads_is_still_there(seen: Seen) -> None:
    assert seen["reloaded"] == "Chidi Eze"


def test_a_lost_connection_is_caught_up_with(seen: Seen) -> None:
    assert seen["caughtUp"] == "(2) Ngozi Bello · MySharpJob"


def test_what_came_meanwhile_has_no_gap(seen: Seen) -> None:
    assert seen["withoutGap"] == [f"number {number}" for number in range(31)]


def test_in_a_window_that_nobody_sees_nothing_is_read(seen: Seen) -> None:
    assert seen["unseen"] == " · Sent"


def test_a_phone_shows_one_thing_at_a_time(seen: Seen) -> None:
    assert seen["phone"] == {"list": False, "width": 390}


def test_administrators_hear_and_decide(seen: Seen) -> None:
    assert seen["notice"] == ["To decide", "Ngozi Bello asks to be verified"]
    assert seen["approved"][0] == "Verification Approved"


def test_who_signs_out_is_out(seen: Seen) -> None:
    assert seen["signedOut"] == 401


def test_no_page_complained(seen: Seen) -> None:
    assert seen["complaints"] == []


def test_the_pictures_are_there_to_be_looked_at(seen: Seen) -> None:
    assert pictures("artisan_jobs") >= {
        "sign-in",
        "job",
        "notices",
        "amaka",
        "chidi",
        "two-windows",
        "phone-jobs",
        "phone",
    }
