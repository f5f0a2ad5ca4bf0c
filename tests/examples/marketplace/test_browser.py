"""Real windows of Chromium: story.mjs walks through the marketplace once, and each test is about one part of it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from examples.marketplace.models import Message, now
from tests.examples.marketplace.conftest import filled, token_of
from tests.examples.marketplace.test_deployment import ROOT
from tests.interop.redis_servers import echo_server, redis_server
from tests.interop.servers import free_port, running
from tests.interop.stories import Seen, pictures, tell

pytestmark = [pytest.mark.browser, pytest.mark.timeout(150)]

HERE = Path(__file__).parent
HOSTILE = """<img src="x" onerror="document.title = 'stolen'"> & <b>so on</b>"""
BEFORE = ["Hello! Is the chair still there?", "It is. Would you like to see it?", "Gladly. Would Saturday suit you?"]
BEN_WROTE = ["Saturday at ten?", "I have one, do not worry.", HOSTILE]
ADA_WROTE = ["Ten is fine. Bring a van."]
CONVERSATION = [*BEFORE, BEN_WROTE[0], *ADA_WROTE, *BEN_WROTE[1:]]
# what Chromium itself writes where a password was wrong, or a token is no good any more
EXPECTED_COMPLAINTS = {
    f"{name}: Failed to load resource: the server responded with a status of 401 (Unauthorized)"
    for name in ("ada", "dev", "ben's copy")
}


@contextmanager
def marketplace(port: int, folder: Path, environ: dict[str, str]) -> Iterator[str]:
    command = [sys.executable, "-m", "examples.marketplace"]
    environ = {"PORT": str(port), "DATABASE_URL": filled(f"sqlite+aiosqlite:///{folder}/market.sqlite3"), **environ}
    environ["PYTHONPATH"] = str(ROOT)
    with running(command, port=port, log=folder / "log", ready="/api/start", env=environ):
        yield environ["DATABASE_URL"]


def talk_long(database_url: str) -> None:
    """Have Dev show Cleo more than one page of messages can hold."""
    engine = create_engine(database_url.replace("+aiosqlite", ""))
    with Session(engine) as db:
        for number in range(1, 41):
            content = f"Here is photograph {number}."
            db.add(Message(conversation_id=3, sender_id=4, content=content, read_at=now()))
            db.flush()
        db.commit()
    engine.dispose()


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Seen:
    port = free_port()
    with marketplace(port, tmp_path_factory.mktemp("marketplace"), {}) as database_url:
        expired = token_of(database_url, "dev", timedelta(seconds=-1))
        talk_long(database_url)
        return tell(HERE / "story.mjs", "marketplace", f"http://127.0.0.1:{port}", expired)


@pytest.fixture(scope="module")
def seen_over_redis(tmp_path_factory: pytest.TempPathFactory) -> Seen:
    port, folder, prefix = free_port(), tmp_path_factory.mktemp("marketplace-redis"), "marketplace_database_"
    url = f"http://127.0.0.1:{port}"
    with ExitStack() as stack:
        redis = stack.enter_context(redis_server(folder))
        echo = stack.enter_context(echo_server(folder, redis, auth_host=url, prefix=prefix))
        environ = {
            "BROADCAST_DRIVER": "redis",
            "REDIS_PORT": str(redis.port),
            "REDIS_PREFIX": prefix,
            "WEBSOCKET_URL": echo.url,
        }
        stack.enter_context(marketplace(port, folder, environ))
        return tell(HERE / "redis_story.mjs", "marketplace-redis", url)


def test_a_wrong_password_is_told(seen: Seen) -> None:
    assert seen["wrongPassword"] == "Email and password do not fit."


def test_each_sees_when_the_other_is_online(seen: Seen) -> None:
    assert (seen["online"], seen["benLeft"]) == ("online", "offline")


def test_who_has_nothing_open_is_told_of_a_message(seen: Seen) -> None:
    assert seen["unreadAtFirst"] == "2"
    assert seen["notified"] == {"title": "(3) Envisage", "preview": "Saturday at ten?", "header": "3"}
    assert seen["newConversation"] == "Does the lamp come with a bulb?"


def test_reading_is_told(seen: Seen) -> None:
    assert seen["receipts"] == ["Read"]


def test_both_read_the_same_and_each_message_once(seen: Seen) -> None:
    assert seen["written"] == {"ada": CONVERSATION, "ben": CONVERSATION}


def test_no_message_came_back_over_its_senders_websocket(seen: Seen) -> None:
    # the first of Ben's came before Ada had opened the conversation
    assert seen["onTheWire"] == {"ada": BEN_WROTE[1:], "ben": ADA_WROTE}


def test_a_message_is_never_markup(seen: Seen) -> None:
    assert HOSTILE in seen["written"]["ada"]
    assert seen["elementsInMessages"] == 0


def test_typing_is_told_seldom_and_shown(seen: Seen) -> None:
    typing = seen["typing"]
    # of 25 keys, in two and a half seconds or, on a busy machine, more
    assert 1 <= typing.pop("requests") <= 4
    heard = typing.pop("onTheWire")
    assert heard[0] == {"user_id": 2, "user_name": "Ben Okafor"}
    assert typing == {"below": "Ben Okafor is typing", "header": "typing…", "forHimself": 0}
    assert seen["typingAfterTheMessage"] == 0


def test_the_snippet_for_the_browsers_console(seen: Seen) -> None:
    assert seen["console"] == ["See you!"]


def test_another_window_of_the_sender_hears_the_message(seen: Seen) -> None:
    assert seen["secondWindow"] == "mine"
    assert seen["reloaded"] == len(CONVERSATION) + 2


def test_a_phone_shows_one_thing_at_a_time(seen: Seen) -> None:
    assert seen["phone"] == {"list": False, "overflow": 0}


def test_a_lost_connection_is_shown_and_caught_up_with(seen: Seen) -> None:
    assert seen["lost"] != seen["status"] == "Live"
    assert seen["caughtUp"] == ["Does the lamp come with a bulb?", "With two bulbs."]


def test_a_long_history_comes_in_pages(seen: Seen) -> None:
    # two of the seed, and forty
    assert seen["pages"] == [30, 42]
    assert seen["first"] == "Which lens does it come with?"


def test_one_connection_carries_all_channels(seen: Seen) -> None:
    assert seen["sockets"] == 1


def test_nobody_hears_of_others_conversations(seen: Seen) -> None:
    assert seen["benHearsOfCleo"] == 0


def test_the_dashboard_is_for_administrators(seen: Seen) -> None:
    dashboard = seen["dashboard"]
    # the own one may not be there yet
    assert dashboard["connections"] in {"3", "4"}
    assert {"private-conversation.1", "presence-online.1", "private-user.1"} <= set(dashboard["channels"])
    assert dashboard["events"] == ["conversation.updated", "message.sent", "messages.read", "user.typing"]
    assert seen["dashboardForBen"] == "Only administrators can see that."


def test_a_token_that_has_expired_leads_to_signing_in(seen: Seen) -> None:
    assert seen["expired"] == "Your session has ended: sign in again."
    assert seen["kept"] is seen["expiredKept"] is None


def test_who_signs_out_is_out_in_every_window_of_that_session(seen: Seen, seen_over_redis: Seen) -> None:
    ended = "Your session has ended: sign in again."
    assert seen["signedOut"] == {"ben": [], "tab": [], "copy": [ended]}
    assert seen_over_redis["signedOut"] == 0


def test_only_where_one_has_signed_in_by_itself_a_page_connects_again(seen: Seen) -> None:
    assert seen["connections"] == {"tab": 1, "copy": 1, "elsewhere": 2}


def test_no_page_complained(seen: Seen, seen_over_redis: Seen) -> None:
    assert set(seen["complaints"]) == EXPECTED_COMPLAINTS
    assert seen_over_redis["complaints"] == []


def test_the_same_over_redis_and_laravel_echo_server(seen_over_redis: Seen) -> None:
    assert seen_over_redis["broadcaster"] == "socket.io"
    assert seen_over_redis["online"] == "online"
    assert seen_over_redis["written"] == {"ada": ["Hi", "Hello Ben"], "ben": ["Hi", "Hello Ben"]}
    # each heard what the other wrote, and not his own
    assert seen_over_redis["onTheWire"] == {"ada": 1, "ben": 1}


def test_the_pictures_are_there_to_be_looked_at(seen: Seen) -> None:
    shown = {"sign-in", "browse", "ada", "ben", "two-windows", "phone", "phone-list", "dashboard"}
    assert pictures("marketplace") >= shown
