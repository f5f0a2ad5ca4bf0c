"""Real windows of Chromium: browser.mjs walks through the story once, and each test is about one part of it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.interop.servers import free_port, running
from tests.interop.stories import Seen, pictures, tell

pytestmark = [pytest.mark.browser, pytest.mark.timeout(150)]

HOSTILE = """<img src="x" onerror="document.title = 'stolen'"> & <b>so on</b>"""
ANN_WROTE = ["Hi Ben! Is the new gallery open on Sunday?", HOSTILE]
BEN_WROTE = ["It is, from ten to six. They have the photographs you liked.", "Very funny. Shall we go?"]
CONVERSATION = [ANN_WROTE[0], BEN_WROTE[0], ANN_WROTE[1], BEN_WROTE[1]]


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Seen:
    port, folder = free_port(), tmp_path_factory.mktemp("chat")
    with running([sys.executable, "-m", "examples.chat"], port=port, log=folder / "log", env={"PORT": str(port)}):
        return tell(Path(__file__).parent / "browser.mjs", "chat", f"http://127.0.0.1:{port}")


def test_both_see_who_is_here(seen: Seen) -> None:
    assert seen["here"] == {"ann": "2 here now", "ben": "2 here now"}


def test_both_read_the_same_and_each_message_once(seen: Seen) -> None:
    assert seen["written"] == {"ann": CONVERSATION, "ben": CONVERSATION}


def test_no_message_came_back_over_its_senders_websocket(seen: Seen) -> None:
    assert seen["onTheWire"] == {"ann": BEN_WROTE, "ben": ANN_WROTE}


def test_a_message_is_never_markup(seen: Seen) -> None:
    assert HOSTILE in seen["written"]["ben"]
    assert seen["elementsInMessages"] == 0


def test_typing_shows_to_the_other_until_it_pauses(seen: Seen) -> None:
    assert seen["typing"] == {"header": "typing…", "list": "typing…", "forHimself": False}
    assert seen["pausedTyping"] == "here now"


def test_another_window_of_the_sender_hears_the_message(seen: Seen) -> None:
    assert seen["secondWindow"] == "mine"


def test_who_reloads_is_still_there_with_all_that_was_said(seen: Seen) -> None:
    assert seen["reloaded"] == {"name": "Ben", "messages": [*CONVERSATION, "Ten is fine"]}


def test_a_lost_connection_is_caught_up_with(seen: Seen) -> None:
    assert seen["lost"] == {"online": 0}
    assert seen["caughtUp"] == {"title": "(1) Cleo · Chat", "preview": "Cleo, come with us on Sunday"}


def test_a_phone_shows_one_thing_at_a_time(seen: Seen) -> None:
    assert seen["phone"] == {"list": False, "title": "Cleo · Chat"}


def test_who_leaves_is_gone_for_the_others(seen: Seen) -> None:
    assert seen["withoutBen"] == "2 here now"
    assert seen["alone"] == "1 here now"


def test_no_page_complained(seen: Seen) -> None:
    assert seen["complaints"] == []


def test_the_pictures_are_there_to_be_looked_at(seen: Seen) -> None:
    assert pictures("chat") >= {"choose", "ann", "ben", "two-windows", "phone-list", "phone"}
