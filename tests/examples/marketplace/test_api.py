"""What people can do over HTTP."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from broadcastkit.testing import Broadcasts
from examples.marketplace.database import connect, sessions_of
from examples.marketplace.events import ConversationUpdated, MessageSent, MessagesRead, UserTyping
from examples.marketplace.models import Listing, Message, User
from examples.marketplace.routes.conversations import conversation_about
from tests.examples.marketplace.conftest import Someone, sign_in

# -- signing in ------------------------------------------------------------------------------------------------------


def test_signing_in_gives_a_token_for_a_time(client: TestClient[Litestar]) -> None:
    answer = sign_in(client, "Ben@Envisage.test")
    assert answer.status_code == 201
    session = answer.json()
    assert session["user"] == {"id": 2, "name": "Ben Okafor", "email": "ben@envisage.test", "role": "buyer"}
    left = datetime.fromisoformat(session["expires_at"]) - datetime.now(UTC)
    assert timedelta(hours=7, minutes=59) < left <= timedelta(hours=8)
    ben = Someone(client, {"Authorization": f"Bearer {session['token']}"})
    assert ben.get("/api/user").json() == session["user"]


@pytest.mark.parametrize(("email", "password"), [("ben@envisage.test", "wrong"), ("nobody@envisage.test", "wrong")])
def test_who_does_not_exist_is_answered_as_who_forgot(client: TestClient[Litestar], email: str, password: str) -> None:
    answer = sign_in(client, email, password)
    assert (answer.status_code, answer.json()["detail"]) == (401, "Email and password do not fit.")


def test_signing_out_ends_the_token(client: TestClient[Litestar], ben: Someone) -> None:
    other = Someone(client, {"Authorization": f"Bearer {sign_in(client, 'ben@envisage.test').json()['token']}"})
    assert ben.post("/api/logout").status_code == 204
    assert [window.get("/api/user").status_code for window in (ben, other)] == [401, 200]


# -- listings --------------------------------------------------------------------------------------------------------


def test_listings_come_newest_first_and_in_pages(ben: Someone) -> None:
    first = ben.get("/api/listings", limit=4).json()
    assert [listing["id"] for listing in first["data"]] == [6, 5, 4, 3]
    assert first["data"][0]["seller"] == {"id": 4, "name": "Dev Patel"}
    second = ben.get("/api/listings", limit=4, before=first["next_before"]).json()
    assert ([listing["id"] for listing in second["data"]], second["next_before"]) == ([2, 1], None)


@pytest.mark.parametrize(("word", "found"), [("lamp", [3]), ("CHAIR", [1]), ("%", []), ("  ", [6, 5, 4, 3, 2, 1])])
def test_listings_are_searched_by_title(ben: Someone, word: str, found: list[int]) -> None:
    assert [listing["id"] for listing in ben.get("/api/listings", q=word).json()["data"]] == found


def test_a_seller_adds_a_listing_in_his_own_name(ada: Someone) -> None:
    draft = {"title": " Globe\n of  glass ", "category": "Lighting", "description": "Hangs.", "price_cents": 4_500}
    made = ada.post("/api/listings", draft)
    assert made.status_code == 201
    assert (made.json()["title"], made.json()["seller"]["id"]) == ("Globe of glass", 1)
    assert ada.get(f"/api/listings/{made.json()['id']}").json() == made.json()
    assert ada.get("/api/listings/999").status_code == ada.get(f"/api/listings/{10**20}").status_code == 404


# -- conversations ---------------------------------------------------------------------------------------------------


def test_people_see_their_own_conversations_the_last_first(cleo: Someone, ada: Someone) -> None:
    assert [one["id"] for one in cleo.get("/api/conversations").json()] == [3, 2]
    ada.write(2, "By post it would be 30 euros.")
    newest = cleo.get("/api/conversations").json()[0]
    assert (newest["id"], newest["unread"], newest["last_message"]["sender"]["name"]) == (2, 1, "Ada Lind")
    assert newest["listing"]["title"] == "Walnut reading chair"
    assert (newest["buyer"], newest["seller"]) == ({"id": 3, "name": "Cleo Marchetti"}, {"id": 1, "name": "Ada Lind"})
    assert cleo.get("/api/conversations/2").json() == newest


def test_a_buyer_begins_one_conversation_about_a_listing(ben: Someone, broadcasts: Broadcasts) -> None:
    first = ben.post("/api/conversations", {"listing_id": 3, "content": "Does it come with a bulb?"})
    second = ben.post("/api/conversations", {"listing_id": 3, "content": "Or without?"})
    assert (first.status_code, second.status_code) == (201, 200)
    number = first.json()["id"]
    assert second.json()["id"] == number
    assert ben.read(number) == ["Does it come with a bulb?", "Or without?"]
    broadcasts.assert_broadcast(MessageSent, on=f"private-conversation.{number}", times=2)
    broadcasts.assert_broadcast(ConversationUpdated, on=["private-user.2", "private-user.1"], times=2)


@pytest.mark.parametrize("listing", [1, 999, 10**30, -1])
def test_there_must_be_a_listing_of_somebody_elses(ada: Someone, broadcasts: Broadcasts, listing: int) -> None:
    answer = ada.post("/api/conversations", {"listing_id": listing, "content": "Hello me"})
    assert answer.status_code == (400 if listing == 1 else 404)
    broadcasts.assert_nothing_broadcast()


# -- messages --------------------------------------------------------------------------------------------------------


def test_a_message_is_answered_stored_and_broadcast_in_the_same_words(
    ada: Someone, ben: Someone, broadcasts: Broadcasts
) -> None:
    answer = ben.write(1, "Saturday at ten?", **{"X-Socket-ID": "12.34"})
    assert answer.status_code == 201
    broadcasts.assert_broadcast(MessageSent, on="private-conversation.1", times=1, to_others=True)
    sent = next(one for one in broadcasts.recorded if one.event_name == "message.sent")
    assert (sent.payload, sent.excluded_socket) == (answer.json(), "12.34")
    for person in (ada, ben):
        assert person.get("/api/conversations/1/messages").json()["data"][-1] == answer.json()


def test_the_history_comes_in_pages_from_the_end(ben: Someone) -> None:
    for number in range(5):
        ben.write(1, f"number {number}")
    last = ben.get("/api/conversations/1/messages", limit=3).json()
    assert [message["content"] for message in last["data"]] == ["number 2", "number 3", "number 4"]
    before = ben.get("/api/conversations/1/messages", limit=3, before=last["next_before"]).json()
    assert [message["content"] for message in before["data"]][1:] == ["number 0", "number 1"]
    first = ben.get("/api/conversations/1/messages", limit=3, before=before["next_before"]).json()
    assert (len(first["data"]), first["next_before"]) == (2, None)


def test_typing_is_told_in_the_name_of_who_types(ben: Someone, broadcasts: Broadcasts) -> None:
    answer = ben.post("/api/conversations/1/typing", {"user_id": 1, "user_name": "Ada"})
    assert answer.status_code == 204
    broadcasts.assert_broadcast(UserTyping, on="private-conversation.1", times=1, to_others=True)
    assert broadcasts.recorded[0].payload == {"user_id": 2, "user_name": "Ben Okafor"}


def test_two_windows_that_ask_at_once_begin_one_conversation(ben: Someone) -> None:
    def ask(content: str) -> Any:
        return ben.post("/api/conversations", {"listing_id": 3, "content": content})

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(ask, ["One", "Two"]))
    assert sorted(answer.status_code for answer in answers) == [200, 201]
    [number] = {answer.json()["id"] for answer in answers}
    assert sorted(ben.read(number)) == ["One", "Two"]


async def test_of_two_who_begin_at_once_one_finds_what_the_other_has_begun(database_url: str) -> None:
    engine = connect(database_url)
    async with sessions_of(engine)() as one, sessions_of(engine)() as other:
        asked = [(db, await db.get_one(Listing, 3), await db.get_one(User, 2)) for db in (one, other)]
        # both have looked for a conversation before either has made one
        begun = await asyncio.gather(*(conversation_about(*each) for each in asked))
    await engine.dispose()
    assert begun[0][0].id == begun[1][0].id
    assert {new for _, new in begun} == {True, False}


def test_many_messages_are_read_in_events_that_the_service_takes(
    broadcasts: Broadcasts, ada: Someone, database_url: str
) -> None:
    engine = create_engine(database_url.replace("+aiosqlite", ""))
    with Session(engine) as db:
        db.add_all(Message(conversation_id=1, sender_id=2, content="Hello") for _ in range(1_100))
        db.commit()
    engine.dispose()
    assert ada.post("/api/conversations/1/read").status_code == 204
    told = [record.payload["message_ids"] for record in broadcasts.recorded]
    assert [len(ids) for ids in told] == [500, 500, 101]


def test_reading_is_told_once_and_only_of_the_others_messages(
    ada: Someone, ben: Someone, broadcasts: Broadcasts
) -> None:
    ada.write(1, "Ten is fine.")
    assert ada.get("/api/conversations/1").json()["unread"] == 1
    for _ in range(2):
        assert ada.post("/api/conversations/1/read").status_code == 204
    assert ada.get("/api/conversations/1").json()["unread"] == 0
    assert ben.get("/api/conversations/1").json()["unread"] == 1
    broadcasts.assert_broadcast(MessagesRead, on="private-conversation.1", times=1, to_others=True)
    read = broadcasts.recorded[-1].payload
    assert (read["reader_id"], read["message_ids"]) == (1, [3])


# -- the page --------------------------------------------------------------------------------------------------------


def test_the_page_is_told_where_the_server_is(client: TestClient[Litestar]) -> None:
    start = client.get("/api/start").json()
    assert start["accounts"] == []
    assert start["live"] == {
        "broadcaster": "pusher",
        "key": "marketplace-key",
        "cluster": "",
        "wsHost": "testserver.local",
        "wsPort": 80,
        "wssPort": 80,
        "wsPath": "/ws",
        "forceTLS": False,
        "enabledTransports": ["ws", "wss"],
    }


def test_the_server_of_this_process_is_below_ws(client: TestClient[Litestar]) -> None:
    with client.websocket_connect("/ws/app/marketplace-key?protocol=7") as socket:
        assert socket.receive_json()["event"] == "pusher:connection_established"
