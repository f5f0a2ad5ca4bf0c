"""Real windows of Chromium: story.mjs walks through the story once, and each test is about one part of it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.interop.servers import free_port, running
from tests.interop.stories import Seen, pictures, tell

pytestmark = [pytest.mark.browser, pytest.mark.timeout(150)]

HOSTILE = """<img src="x" onerror="document.title = 'stolen'"> & <b>so on</b>"""
QUESTION = "Dr. Doe, may I swim again next week?"
ANSWER = "Yes, gently, and no diving for now."


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Seen:
    port, folder = free_port(), tmp_path_factory.mktemp("patient_chat")
    frontend = f"http://127.0.0.1:{free_port()}"
    settings = {
        "PORT": str(port),
        "DATABASE_URL": f"sqlite:///{folder / 'chat.db'}",
        "UPLOAD_DIR": str(folder / "uploads"),
        "FRONTEND_URL": frontend,
    }
    with running([sys.executable, "-m", "examples.patient_chat"], port=port, log=folder / "log", env=settings):
        return tell(Path(__file__).parent / "story.mjs", "patient_chat", f"http://127.0.0.1:{port}", frontend)


SEEDED = [
    "Good morning, Dr. Doe. The cough is still there at night.",
    "Thank you for telling me. Any fever, or trouble breathing?",
    "No fever. It is worse when I lie flat.",
    "Then raise your head a little with a second pillow, and let us look at it on Thursday.",
    "Your blood test is back, and all values are fine.",
]


def test_a_message_is_noticed_by_who_looks_elsewhere(seen: Seen) -> None:
    assert seen["notified"] == {
        "toast": f"Ana Lima: {QUESTION}",
        "title": "(2) Dr. John Doe · Patient chat",
        "preview": QUESTION,
    }


def test_what_is_opened_is_read_for_both(seen: Seen) -> None:
    # the sender's two ticks are waited for in the story
    assert seen["read"] == {"title": "(1) Dr. John Doe · Patient chat"}


def test_typing_shows_to_the_other_until_it_pauses(seen: Seen) -> None:
    assert seen["typing"] == {"header": "typing…", "list": "typing…", "forHimself": False}
    assert seen["pausedTyping"] == "Busy"


def test_the_status_that_somebody_chose_is_shown(seen: Seen) -> None:
    assert seen["states"] == {"busy": "Busy"}


def test_a_message_is_never_markup(seen: Seen) -> None:
    assert seen["hostile"] == {"there": [*SEEDED, QUESTION, ANSWER, HOSTILE], "elements": 0}


def test_an_image_is_shown_and_a_document_is_saved(seen: Seen) -> None:
    assert seen["picture"] == "knee.png"
    assert seen["saved"] == "letter.pdf"


def test_no_message_came_back_over_its_senders_websocket(seen: Seen) -> None:
    # the attachments have no text
    assert seen["onTheWire"] == {"ana": [ANSWER, ""], "doe": [QUESTION, HOSTILE, "", "Thank you!"]}


def test_another_window_of_the_sender_hears_the_confirmation(seen: Seen) -> None:
    assert seen["confirmed"] == ["Thank you!"]


def test_who_reloads_is_still_there_with_all_that_was_said(seen: Seen) -> None:
    assert seen["reloaded"] == [SEEDED[-1], QUESTION, ANSWER, HOSTILE, "Thank you!"]


def test_search_finds_what_was_said(seen: Seen) -> None:
    assert seen["found"] == ["Dr. Mary Smith"]


def test_a_lost_connection_is_caught_up_with(seen: Seen) -> None:
    assert seen["whileAway"] == "sent"
    assert seen["caughtUp"] == {"title": "(1) Ben Okoye · Patient chat", "preview": "With breakfast is fine."}


def test_a_phone_shows_one_thing_at_a_time_and_does_not_scroll_sideways(seen: Seen) -> None:
    assert seen["phone"] == {"list": False, "wide": 390}


def test_the_guides_react_hook_works_as_it_stands_from_the_page_of_frontend_url(seen: Seen) -> None:
    assert seen["hook"] == {"messages": "Heard.", "complaints": []}


def test_who_closes_one_of_two_tabs_is_still_there(seen: Seen) -> None:
    assert seen["oneTabLeft"] == "Available"


def test_a_new_patient_registers_and_is_told_what_comes_next(seen: Seen) -> None:
    assert seen["registered"]["name"] == "Dana Novak"
    assert seen["registered"]["empty"].startswith("Nobody treats you here yet.")


def test_no_page_complained(seen: Seen) -> None:
    assert seen["complaints"] == []


def test_the_pictures_are_there_to_be_looked_at(seen: Seen) -> None:
    assert pictures("patient_chat") >= {
        "sign-in",
        "ana",
        "doe",
        "two-windows",
        "attachments",
        "phone-list",
        "phone",
        "empty",
    }
