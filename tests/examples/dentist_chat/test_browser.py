"""Real windows of Chromium: story.mjs walks through the story once, and each test is about one part of it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.examples.dentist_chat.conftest import VARIABLES
from tests.interop.redis_servers import RedisServer
from tests.interop.servers import free_port, running
from tests.interop.stories import Seen, pictures, tell

pytestmark = [pytest.mark.browser, pytest.mark.timeout(150)]

HOSTILE = """<img src="x" onerror="document.title = 'stolen'"> & <b>so on</b>"""
MAYA_WROTE = ["It is worse today. May I come by?", "This is where it hurts.", HOSTILE]
RUIZ_WROTE = ["Of course, at four. I have a plan for you.", "Thank you, see you at four."]
CONVERSATION = [MAYA_WROTE[0], RUIZ_WROTE[0], *MAYA_WROTE[1:], RUIZ_WROTE[1]]


STORY = Path(__file__).parent / "story.mjs"


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Seen:
    with demo(tmp_path_factory.mktemp("dentist_chat"), {}) as address:
        return tell(STORY, "dentist_chat", address)


@contextmanager
def demo(folder: Path, variables: dict[str, str]) -> Iterator[str]:
    port = free_port()
    env = {"PORT": str(port), "STORAGE_DIR": str(folder), **variables}
    command = [sys.executable, "-m", "examples.dentist_chat"]
    with running(command, port=port, log=folder / "log", ready="/up", env=env):
        yield f"http://127.0.0.1:{port}"


def test_over_soketi_with_a_queue_people_see_the_same(
    seen: Seen, own_soketi: dict[str, str], redis_shared: RedisServer, tmp_path: Path
) -> None:
    variables = VARIABLES | {
        "PUSHER_HOST": "127.0.0.1",
        "PUSHER_PORT": own_soketi["SOKETI_PORT"],
        "QUEUE_NAME": "dentist-chat-story",
        "REDIS_PORT": str(redis_shared.port),
        "STORAGE_DIR": str(tmp_path),
    }
    worker, log = [sys.executable, "-m", "examples.dentist_chat.worker"], tmp_path / "worker.log"
    with redis_shared.client() as redis, demo(tmp_path, variables) as address:
        ready = lambda: bool(redis.smembers("rq:workers:dentist-chat-story"))  # noqa: E731
        with running(worker, port=redis_shared.port, log=log, ready=ready, env=variables):
            over_soketi = tell(STORY, "dentist_chat_over_soketi", address)
    # how often a page asks before it leaves is chance
    complaints = set(over_soketi.pop("complaints"))
    assert complaints == set(seen["complaints"])
    assert over_soketi == {name: what for name, what in seen.items() if name != "complaints"}


def test_a_stranger_is_sent_to_sign_in(seen: Seen) -> None:
    assert seen["stranger"] == "/login"


def test_the_demo_shows_its_accounts(seen: Seen) -> None:
    assert seen["accounts"][:2] == ["Maya Lindqvist", "Dr. Elena Ruiz"]


def test_the_dashboard_shows_ones_own_consultations(seen: Seen) -> None:
    assert seen["lists"] == {
        "maya": ["Dr. Elena Ruiz", "Dr. Jonas Weber"],
        "ruiz": ["Tom Okafor", "Maya Lindqvist"],
    }
    assert seen["empty"] == "Choose a consultation."


def test_who_is_elsewhere_in_the_application_is_notified(seen: Seen) -> None:
    notified = seen["notified"]
    assert notified["notice"] == ["Maya Lindqvist", MAYA_WROTE[0]]
    assert notified["title"] == "(2) Dr. Elena Ruiz · AskDentist"
    assert notified["receipt"] == "✓ Sent"


def test_the_sender_sees_that_it_was_read(seen: Seen) -> None:
    assert seen["read"] == {"receipt": "✓✓ Read", "unread": "", "address": "/chat/conversation/1"}


def test_who_is_elsewhere_sees_in_the_list_who_has_a_conversation_open(seen: Seen) -> None:
    assert seen["alone"] == {"ruiz": 1, "maya": 0, "header": ""}


def test_each_sees_that_the_other_is_there(seen: Seen) -> None:
    # the rows of the lists, of which the first is the one on show
    assert seen["here"]["maya"] == ["here now", ""]
    assert seen["here"]["ruiz"] == ["here now", ""]


def test_who_comes_is_told_by_name_and_role(seen: Seen) -> None:
    ruiz = {"user_id": "2", "user_info": {"name": "Dr. Elena Ruiz", "role": "doctor"}}
    assert seen["here"]["told"] == ruiz


def test_a_second_tab_is_the_same_person(seen: Seen) -> None:
    # she came once, and has not gone
    assert seen["tabs"] == ["member_added"]


def test_typing_shows_to_the_other(seen: Seen) -> None:
    assert seen["typing"] == {"header": "typing…", "list": "typing…", "forHerself": False}


def test_both_read_the_same_and_each_message_once(seen: Seen) -> None:
    assert seen["written"]["maya"][-5:] == CONVERSATION
    assert seen["written"]["ruiz"][-5:] == CONVERSATION


def test_no_message_came_back_over_its_senders_websocket(seen: Seen) -> None:
    # in the conversation and on the recipient's own channel, and never to who wrote it
    assert sorted(seen["onTheWire"]["maya"]) == sorted(RUIZ_WROTE * 2)
    # at first she had no conversation open
    assert sorted(seen["onTheWire"]["ruiz"]) == sorted(MAYA_WROTE + MAYA_WROTE[1:])


def test_a_message_is_never_markup(seen: Seen) -> None:
    assert HOSTILE in seen["written"]["ruiz"]
    assert seen["elementsInMessages"] == 0


def test_an_image_is_shown(seen: Seen) -> None:
    assert seen["attachment"] == 320


def test_a_plan_is_submitted_and_accepted(seen: Seen) -> None:
    assert seen["plan"] == {"maya": "accepted", "ruiz": "accepted", "acceptable": 0}


def test_a_phone_shows_one_thing_at_a_time(seen: Seen) -> None:
    assert seen["phone"] == {
        "list": False,
        "wider": False,
        "back": True,
        "offline": True,
        # without a connection nobody is known to be there
        "dots": 0,
        "widerDoctor": False,
    }


def test_a_lost_connection_is_caught_up_with(seen: Seen) -> None:
    assert seen["caughtUp"] == {"title": "(1) Tom Okafor · AskDentist", "preview": "Tomorrow at nine, Tom."}


def test_who_signs_out_is_out(seen: Seen) -> None:
    assert seen["signedOut"] == "/login"
    # in another tab too, which has not tried to connect again
    assert seen["otherTab"] == {"address": "/login", "alerts": 0, "connections": 1}


def test_a_page_that_has_missed_the_end_of_its_session_comes_to_the_sign_in_page(seen: Seen) -> None:
    assert seen["ended"] == {"status": 204, "address": "/login"}


def test_where_one_has_signed_in_by_itself_one_stays(seen: Seen) -> None:
    # the connection was ended there, too, and another one was made
    assert seen["elsewhere"] == {"status": "Connected", "trouble": False, "connections": 1}


def test_an_administrator_sees_who_talks_with_whom_and_opens_nothing(seen: Seen) -> None:
    assert "Maya Lindqvist and Dr. Elena Ruiz" in seen["admin"]["list"]
    assert len(seen["admin"]["list"]) == 3
    assert seen["admin"]["links"] == 0
    assert seen["admin"]["text"].startswith("Administrators see who talks with whom")
    assert seen["admin"]["told"] == []


def test_no_page_complained(seen: Seen) -> None:
    # what Chromium itself writes where a page is told that its session has ended
    ended = "Failed to load resource: the server responded with a status of 401 (Unauthorized)"
    assert set(seen["complaints"]) == {f"maya's other tab: {ended}", f"tom: {ended}"}


def test_the_pictures_are_there_to_be_looked_at(seen: Seen) -> None:
    desktop = {"sign-in", "dashboard", "maya", "ruiz", "two-windows", "admin"}
    phone = {"phone-list", "phone", "phone-list-here", "phone-here", "phone-doctor"}
    assert pictures("dentist_chat") >= desktop | phone
