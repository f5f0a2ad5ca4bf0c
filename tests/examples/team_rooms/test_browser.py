"""Real windows of Chromium: story.mjs walks through the story once, and each test is about one part of it."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path

import pytest

from tests.examples.team_rooms.browsers import Caller, served
from tests.interop.stories import Seen, pictures, tell

pytestmark = [pytest.mark.browser, pytest.mark.timeout(150)]

HOSTILE = """<img src="x" onerror="document.title = 'stolen'"> & <b>so on</b>"""


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Seen:
    with served(tmp_path_factory.mktemp("team_rooms"), {}) as address:
        ben = Caller.signed_in(address, "Ben")
        with contextlib.closing(ben.http):
            for number in range(1, 41):
                ben.post("/api/rooms/2/messages", {"message": f"Number {number}"})
        return tell(Path(__file__).parent / "story.mjs", "team_rooms", address)


def test_one_sees_who_is_there_and_with_which_role(seen: Seen) -> None:
    assert seen["before"] == {"here": "1 of 4 here", "ben": "not here yet", "role": "moderator"}
    assert seen["came"] == {"status": "online", "here": "2 of 4 here"}


def test_several_tabs_are_one_person(seen: Seen) -> None:
    assert seen["twoTabs"] == seen["oneTabLess"] == "2 of 4 here"


def test_both_tabs_and_windows_read_the_same(seen: Seen) -> None:
    assert seen["read"] == [["Hello Ben, is the ramp steep?", "Six per cent", HOSTILE]] * 3


def test_a_page_has_one_connection_for_all_its_rooms(seen: Seen) -> None:
    assert seen["connections"] == 1


def test_typing_shows_to_the_others_until_the_message_is_there(seen: Seen) -> None:
    assert (seen["typingForHimself"], seen["typingAfter"]) == (False, "")


def test_no_message_came_back_over_its_senders_websocket(seen: Seen) -> None:
    assert seen["onTheWire"] == {
        "ann": ["Six per cent", HOSTILE, "Ben uploaded quay.png", "quay.png", "Ben uploaded survey.txt"],
        "ben": ["Hello Ben, is the ramp steep?"],
    }


def test_another_tab_of_the_sender_hears_it_and_knows_it_as_its_own(seen: Seen) -> None:
    assert seen["otherTab"] == 1


def test_a_message_is_never_markup(seen: Seen) -> None:
    assert seen["elementsInTexts"] == 0


def test_a_reaction_is_counted_for_both(seen: Seen) -> None:
    assert seen["reaction"] == ["👍 2", "👍 2"]


def test_the_choice_of_reactions_can_be_reached(seen: Seen) -> None:
    assert seen["choice"] == {"inSight": True, "focused": True}


def test_a_picture_is_previewed_and_told_by_a_system_message(seen: Seen) -> None:
    assert seen["picture"] == {"size": [480, 360], "system": 1}


def test_a_file_is_downloaded(seen: Seen) -> None:
    assert seen["download"] == {"name": "survey.txt", "text": "All is well."}


def test_what_is_not_allowed_is_said_to_whom_it_concerns(seen: Seen) -> None:
    assert seen["refused"] == "PNG, JPEG, GIF, WebP, PDF and plain text can be shared"


def test_the_feed_tells_what_happens(seen: Seen) -> None:
    assert seen["activities"] == [
        "Ben uploaded survey.txt",
        "Ben uploaded quay.png",
        "Ben wrote a message",
        "Ben wrote a message",
        "Ann wrote a message",
    ]
    assert seen["joined"] == "Cleo joined the room"


def test_the_messages_are_searched(seen: Seen) -> None:
    assert seen["found"] == ["Hello Ben, is the ramp steep?"]


def test_the_history_is_loaded_as_one_scrolls_up(seen: Seen) -> None:
    assert seen["history"] == {"at_first": 30, "all": 42}


def test_what_is_unread_is_known_when_one_comes_and_what_is_read_in_one_tab_is_in_the_other(seen: Seen) -> None:
    # from the harbor and from lunch, none of which was heard in this window
    assert seen["atFirst"]["title"] == "(2) Team rooms"
    assert seen["elsewhere"] == "1"


def test_the_writer_sees_who_has_read_it(seen: Seen) -> None:
    # the story waits for each receipt; here, that there was none before somebody had read
    assert (seen["atFirst"]["receipts"], seen["receiptsTooEarly"]) == (0, 0)


def test_who_reads_hears_no_echo(seen: Seen) -> None:
    anns, bens = seen["reads"]
    assert anns == ["Ben", "Cleo", "Dan"]
    # he may have heard of himself: his other tab reads, too
    assert {*bens} - {"Ben"} == {"Ann", "Cleo", "Dan"}


def test_nothing_is_read_in_a_window_that_is_put_away(seen: Seen) -> None:
    assert seen["hidden"] == "(1) Harbor project · Team rooms"


def test_what_is_written_elsewhere_is_counted(seen: Seen) -> None:
    assert seen["unread"] == "(1) Lunch · Team rooms"


def test_a_phone_shows_one_thing_at_a_time_and_all_of_it(seen: Seen) -> None:
    assert seen["phone"] is seen["phonePeople"] is True


def test_a_lost_connection_is_said_on_both_sides(seen: Seen) -> None:
    assert seen["lost"]["page"] == "Connecting…"
    assert re.fullmatch(r"last seen \d\d:\d\d.*", seen["lost"]["ann"])
    assert seen["offline"].startswith("You are offline.")


def test_who_tries_again_catches_up_and_nothing_comes_twice(seen: Seen) -> None:
    assert seen["back"] == {"lost": 0, "status": "online"}
    assert seen["once"] == 1


def test_the_browser_notifies_who_does_not_look(seen: Seen) -> None:
    assert seen["notified"] == ["Ann in Harbor project", "Welcome back"]


def test_a_guest_reads_along(seen: Seen) -> None:
    assert seen["guest"] == {"composer": 0, "says": "As a guest you read along."}


def test_a_room_by_invitation_is_heard_on_its_private_channel(seen: Seen) -> None:
    assert re.fullmatch(r"private-room-\d+", seen["privately"])


def test_who_is_invited_sees_the_room_at_once(seen: Seen) -> None:
    assert seen["invited"] == "Ann made you a member of Surprise."


def test_an_invitation_leaves_the_presence_in_other_rooms_alone(seen: Seen) -> None:
    assert seen["otherRooms"] == 0


def test_a_page_follows_when_a_role_changes_and_when_one_is_sent_away(seen: Seen) -> None:
    assert seen["promoted"] == "Ann made you a member of Harbor project."
    assert seen["sentAway"] == {"news": "Ann removed you from Harbor project.", "rooms": ["Lunch"]}


def test_who_signs_out_is_gone_for_the_others(seen: Seen) -> None:
    assert re.fullmatch(r"last seen \d\d:\d\d.*", seen["gone"])


def test_no_page_complained(seen: Seen) -> None:
    # but for the file that was not allowed, and for the room from which Dan was sent away while he looked at it
    said = {
        one.partition(": Failed to load resource: the server responded with a status of ")[::2]
        for one in seen["complaints"]
    }
    assert ("Ben", "415 (Unsupported Media Type)") in said
    assert said <= {("Ben", "415 (Unsupported Media Type)"), ("Dan", "404 (Not Found)")}


def test_the_pictures_are_there_to_be_looked_at(seen: Seen) -> None:
    windows = {"sign-in", "rooms", "unread", "ann", "ben", "two-windows", "search", "seen"}
    phones = {"phone", "phone-list", "phone-people", "phone-seen"}
    assert pictures("team_rooms") >= windows | phones
