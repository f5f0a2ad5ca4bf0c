"""Messages through Django's test client: the guide's endpoint, history, unread counts, attachments."""

from __future__ import annotations

from typing import Any

import pytest
from dirty_equals import IsDatetime, IsPartialDict
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import override_settings

from broadcastkit.integrations.rate_limits import FixedWindow
from broadcastkit.testing import Broadcasts
from examples.artisan_jobs.events import MessageSent
from examples.artisan_jobs.models import Attachment, Message
from tests.examples.artisan_jobs.application import SOCKET, Someone, World
from tests.examples.pictures import plain

PNG = plain("PNG")


def test_send_as_the_guide_does(world: World, broadcasts: Broadcasts) -> None:
    body = {"recipient_id": 2, "content": "Hello, testing WebSocket!", "message_type": "text"}

    answer = world.amaka.post("/api/messages", body, **{"X-Socket-ID": SOCKET})

    expected = {
        "id": 1,
        "sender_id": 1,
        "recipient_id": 2,
        "content": "Hello, testing WebSocket!",
        "message_type": "text",
        "job_id": None,
        "attachments": [],
        "is_read": False,
        "created_at": IsDatetime(iso_string=True),
        "sender": {"id": 1, "name": "Amaka", "avatar": None},
    }
    assert (answer.status_code, answer.json()) == (201, expected)
    both = ["private-user.1", "private-user.2"]
    broadcasts.assert_broadcast(MessageSent, on=both, times=1, to_others=True, after_commit=True, payload=answer.json())


def test_a_message_may_be_about_a_job(world: World) -> None:
    answer = world.amaka.send(world.chidi, "When?", job_id=1)

    assert (answer.status_code, answer.json()["job_id"]) == (201, 1)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"recipient_id": 1}, "recipient_id"),
        ({"recipient_id": 99}, "recipient_id"),
        ({"recipient_id": 10**30}, "recipient_id"),
        ({"recipient_id": None}, "recipient_id"),
        ({"content": ""}, "content"),
        ({"content": " \n "}, "content"),
        ({"content": "a" * 4001}, "content"),
        ({"content": 7}, "content"),
        ({"content": "a\0b"}, "content"),
        ({"content": "\ud800"}, "content"),
        ({"message_type": "video"}, "message_type"),
        ({"message_type": "file"}, "message_type"),
        ({"job_id": 99}, "job_id"),
        ({"sender_id": 2}, "sender_id"),
        ({"is_read": True}, "is_read"),
        ({"created_at": "2020-01-01T00:00:00Z"}, "created_at"),
    ],
)
def test_what_is_no_message(world: World, broadcasts: Broadcasts, change: dict[str, Any], field: str) -> None:
    body = {"recipient_id": 3, "content": "Hello", "message_type": "text"} | change

    answer = world.amaka.post("/api/messages", body)

    assert answer.status_code == 422
    assert [*answer.json()["errors"]] == [field]
    assert not Message.objects.exists()
    assert not broadcasts.recorded


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"{", 400), (b"\xff", 400), (b"[" * 60_000, 400), (b"[]", 422), (b"null", 422), (b" " * 70_000, 413)],
    ids=["cut-off", "no-text", "deep", "list", "null", "long"],
)
def test_a_body_that_is_none(world: World, body: bytes, status: int) -> None:
    headers = {"Authorization": f"Bearer {world.amaka.token}"}

    answer = world.amaka.client.post("/api/messages", body, content_type="application/json", headers=headers)

    assert (answer.status_code, "message" in answer.json()) == (status, True)


@pytest.mark.parametrize("with_cookie", [False, True], ids=["token", "session"])
@pytest.mark.parametrize(
    ("fields", "status"),
    [({"content": "a" * 70_000}, 413), ({str(number): "" for number in range(1001)}, 413)],
    ids=["long", "many"],
)
def test_a_form_that_is_too_much(world: World, fields: dict[str, str], status: int, *, with_cookie: bool) -> None:
    client, headers = world.amaka.client, {"Authorization": f"Bearer {world.amaka.token}"}
    if with_cookie:
        client.force_login(world.amaka.user)
        headers = {}

    answer = client.post("/api/messages", {"recipient_id": 3} | fields, headers=headers)

    assert (answer.status_code, "message" in answer.json()) == (status, True)


def test_a_form_that_is_none(world: World) -> None:
    headers = {"Authorization": f"Bearer {world.amaka.token}"}

    answer = world.amaka.client.post("/api/messages", b"x", content_type="multipart/form-data", headers=headers)

    assert (answer.status_code, "message" in answer.json()) == (400, True)


def test_history_comes_in_pages_oldest_first(world: World) -> None:
    for number in range(5):
        world.amaka.send(world.chidi, f"number {number}")
    world.amaka.send(world.ngozi, "to somebody else")

    last = world.chidi.get("/api/conversations/1/messages?limit=2").json()
    before = world.chidi.get("/api/conversations/1/messages?limit=3&before=4").json()

    def contents(page: Any) -> list[str]:
        return [message["content"] for message in page["data"]]

    assert (contents(last), last["has_more"]) == (["number 3", "number 4"], True)
    assert (contents(before), before["has_more"]) == (["number 0", "number 1", "number 2"], False)


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=-1", "limit=many", "before=x", "before=" + "9" * 30])
def test_what_is_no_page(world: World, query: str) -> None:
    assert world.amaka.get(f"/api/conversations/3/messages?{query}").status_code == 422


def test_search(world: World) -> None:
    world.amaka.send(world.chidi, "The sink leaks")
    world.amaka.send(world.chidi, "The tap drips")

    found = world.chidi.get("/api/conversations/1/messages?q=SINK").json()["data"]

    assert [message["content"] for message in found] == ["The sink leaks"]


def test_conversations_the_latest_first(world: World) -> None:
    world.chidi.send(world.amaka, "one")
    world.chidi.send(world.amaka, "two")
    world.amaka.send(world.john, "three")

    shown = world.amaka.get("/api/conversations").json()["data"]

    assert [(one["person"]["name"], one["last_message"]["content"], one["unread"]) for one in shown] == [
        ("John", "three", 0),
        ("Chidi", "two", 2),
    ]
    assert world.ngozi.get("/api/conversations").json() == {"data": []}


def test_reading(world: World, broadcasts: Broadcasts) -> None:
    world.chidi.send(world.amaka, "one")
    world.ngozi.send(world.amaka, "two")
    assert world.amaka.get("/api/messages/unread").json() == {"unread": 2}

    first = world.amaka.post("/api/conversations/3/read")
    again = world.amaka.post("/api/conversations/3/read")

    assert (first.json(), again.json()) == ({"message_ids": [1]}, {"message_ids": []})
    assert world.amaka.get("/api/messages/unread").json() == {"unread": 1}
    assert world.chidi.get("/api/conversations/1/messages").json()["data"][0]["is_read"] is True
    broadcasts.assert_broadcast("messages.read", times=1)


def test_people_to_write_to(world: World) -> None:
    everybody = world.amaka.get("/api/people").json()["data"]
    found = world.amaka.get("/api/people?q=chi").json()["data"]

    assert [person["name"] for person in everybody] == ["Chidi", "John", "Ngozi", "Tunde"]
    assert found == [{"id": 3, "name": "Chidi", "avatar": None, "role": "artisan", "verified": False}]


# -- attachments -------------------------------------------------------------------------------------------------------


def attach(someone: Someone, *files: SimpleUploadedFile, kind: str = "file", content: str = "") -> Any:
    headers = {"Authorization": f"Bearer {someone.token}"}
    fields = {"recipient_id": 3, "content": content, "message_type": kind, "attachments": files}
    return someone.client.post("/api/messages", fields, headers=headers)


def test_an_image_is_attached_and_shown(world: World, broadcasts: Broadcasts) -> None:
    answer = attach(world.amaka, SimpleUploadedFile("sink.png", PNG, "text/html"), kind="image")

    described = {"id": 1, "name": "sink.png", "type": "image/png", "size": len(PNG), "url": "/api/attachments/1"}
    assert (answer.status_code, answer.json()["attachments"]) == (201, [described])
    broadcasts.assert_broadcast(MessageSent, payload=IsPartialDict(message_type="image", attachments=[described]))
    shown = world.chidi.get("/api/attachments/1")
    assert shown.content == PNG
    assert shown["Content-Type"] == "image/png"
    assert shown["Content-Disposition"] == 'inline; filename="sink.png"'


def test_anything_else_is_a_download_that_runs_nowhere(world: World) -> None:
    attach(world.amaka, SimpleUploadedFile("bill.pdf", b"%PDF-1.7 and so on"))

    shown = world.amaka.get("/api/attachments/1")

    assert shown["Content-Disposition"] == 'attachment; filename="bill.pdf"'
    assert shown["X-Content-Type-Options"] == "nosniff"
    assert shown["Content-Security-Policy"] == "default-src 'none'; sandbox"


def test_a_page_is_a_text_and_not_a_page(world: World) -> None:
    attach(world.amaka, SimpleUploadedFile("x.html", b"<script>alert(1)</script>", "text/html"))

    shown = world.chidi.get("/api/attachments/1")

    assert shown["Content-Type"] == "text/plain"
    assert shown["Content-Disposition"].startswith("attachment")


@pytest.mark.parametrize(
    "text",
    ["Two\u00a0meters", "\ufeffFrom Notepad\r\n", "\N{WOMAN}\u200d\N{WRENCH} \N{NAIRA SIGN}5"],
    ids=["space", "mark", "emoji"],
)
def test_a_text_is_whatever_people_write(world: World, text: str) -> None:
    answer = attach(world.amaka, SimpleUploadedFile("list.txt", text.encode()))

    assert (answer.status_code, answer.json()["attachments"][0]["type"]) == (201, "text/plain")
    assert world.chidi.get("/api/attachments/1").content == text.encode()


@pytest.mark.parametrize("name", ["john", "ngozi", "tunde", "stranger"])
def test_nobody_else_gets_it(world: World, name: str) -> None:
    attach(world.amaka, SimpleUploadedFile("sink.png", PNG), kind="image")

    assert world.everybody()[name].get("/api/attachments/1").status_code == (401 if name == "stranger" else 404)


def test_on_the_disk_nobody_chooses_a_name(world: World) -> None:
    attach(world.amaka, SimpleUploadedFile("../../../manage.py\x00", b"print()"))

    kept = Attachment.objects.get()
    assert kept.name == "manage.py"
    assert kept.file.name.endswith(".txt")
    assert "manage" not in kept.file.name


@pytest.mark.parametrize(
    ("files", "kind", "status"),
    [
        ([("x.png", b"MZ\x90\x00" + bytes(90))], "file", 422),
        ([("x.svg", b"\x00<svg onload=alert(1)>")], "file", 422),
        ([("empty.txt", b"")], "file", 422),
        ([("bill.pdf", b"%PDF-1.7")], "image", 422),
        ([("bill.pdf", b"%PDF-1.7")], "text", 422),
        ([(f"{number}.txt", b"text") for number in range(6)], "file", 422),
        ([("big.txt", b"a" * (5 * 1024 * 1024 + 1))], "file", 413),
        ([(f"{number}.txt", b"a" * 3_000_000) for number in range(2)], "file", 413),
    ],
    ids=["program", "svg", "empty", "no-image", "no-text", "too-many", "too-long", "too-long-together"],
)
def test_what_may_not_be_attached(world: World, files: list[tuple[str, bytes]], kind: str, status: int) -> None:
    answer = attach(world.amaka, *(SimpleUploadedFile(*file) for file in files), kind=kind)

    assert answer.status_code == status
    assert not Message.objects.exists()
    assert not Attachment.objects.exists()


def test_so_many_messages_in_a_minute(world: World) -> None:
    with override_settings(MESSAGE_LIMIT=FixedWindow("2/minute")):
        statuses = [world.amaka.send(world.chidi, "Hello").status_code for _ in range(3)]
        other = world.john.send(world.chidi, "Hello").status_code

    assert (statuses, other) == ([201, 201, 429], 201)
