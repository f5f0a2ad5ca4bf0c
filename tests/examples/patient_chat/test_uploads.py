"""Attachments: PDF documents and images by their content, for those in the message only."""

from __future__ import annotations

import json
from typing import Any

import pytest
from dirty_equals import IsStr

from examples.patient_chat import uploads
from examples.patient_chat.uploads import LARGEST, clean_name, sniff
from tests.examples.patient_chat.conftest import PDF, PNG, Someone
from tests.examples.pictures import plain


def send(user: Someone, other: Someone, **fields: Any) -> Any:
    path = "/users/send-message"
    return user.post(path, {"doctorId": other.id, **fields})


@pytest.mark.parametrize(
    ("content", "name", "kept_as", "kind", "media_type", "shown"),
    [
        (PNG, "scan.png", "scan.png", "image", "image/png", "inline"),
        (plain("JPEG"), "photo.jpeg", "photo.jpg", "image", "image/jpeg", "inline"),
        (plain("GIF"), "moving.gif", "moving.gif", "image", "image/gif", "inline"),
        (plain("WEBP"), "small.webp", "small.webp", "image", "image/webp", "inline"),
        (PDF, "letter.pdf", "letter.pdf", "file", "application/pdf", "attachment"),
        (PNG, "pretends.pdf", "pretends.png", "image", "image/png", "inline"),
    ],
    ids=["png", "jpeg", "gif", "webp", "pdf", "another"],
)
def test_a_document_or_an_image_is_taken_sent_and_got(
    ana: Someone, doe: Someone, *, content: bytes, name: str, kept_as: str, kind: str, media_type: str, shown: str
) -> None:
    answer = ana.upload(content, name)
    assert answer.status_code == 201
    uploaded = answer.json()["data"]
    assert uploaded == {
        "fileUrl": IsStr(regex=r"/chat/files/[0-9a-f]{24}"),
        "fileName": kept_as,
        "messageType": kind,
        "size": len(content),
    }

    sent = send(ana, doe, messageType=kind, fileUrl=uploaded["fileUrl"], fileName=uploaded["fileName"])
    assert sent.status_code == 201
    message = doe.data(f"/chat/conversations/{ana.id}?limit=1")[0]
    assert {name: message[name] for name in ("content", "messageType", "fileUrl", "fileName")} == {
        "content": "",
        "messageType": kind,
        "fileUrl": uploaded["fileUrl"],
        "fileName": kept_as,
    }

    for reader in (ana, doe):
        got = reader.get(uploaded["fileUrl"])
        assert got.content == content
        assert got.headers["content-type"] == media_type
        assert got.headers["content-disposition"] == f'{shown}; filename="{kept_as}"'
        assert got.headers["x-content-type-options"] == "nosniff"
        assert got.headers["content-security-policy"] == "sandbox; default-src 'none'"


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"<html><script>alert(1)</script>", "page.pdf"),
        (b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>', "drawing.png"),
        (b"MZ\x90\x00", "tool.png"),
        (b"PK\x03\x04", "letter.docx"),
        (b"text", "scan.png"),
        (b"", "empty.png"),
    ],
    ids=["html", "svg", "exe", "zip", "text", "empty"],
)
def test_anything_else_is_refused_whatever_its_name(ana: Someone, content: bytes, name: str) -> None:
    answer = ana.upload(content, name)

    assert answer.status_code == 415
    assert answer.json() == {
        "success": False,
        "message": "Only PDF documents and images (PNG, JPEG, GIF, WebP) can be attached",
    }


def test_a_file_has_a_largest_size(ana: Someone) -> None:
    assert ana.upload(PNG + bytes(LARGEST - len(PNG))).status_code == 201

    answer = ana.upload(PNG + bytes(LARGEST - len(PNG) + 1))
    assert (answer.status_code, answer.json()["message"]) == (413, "The file is too large: at most 5 MB")


def test_nobody_fills_the_disk(ana: Someone, ben: Someone, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "ROOM", 2 * len(PNG))

    assert [ana.upload().status_code for _ in range(3)] == [201, 201, 413]
    assert ben.upload().status_code == 201


def test_what_is_far_too_large_is_not_read_to_its_end(ana: Someone) -> None:
    read = 0

    def endless() -> Any:
        nonlocal read
        yield b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n'
        while read < 100 * LARGEST:
            read += 65536
            yield bytes(65536)

    answer = ana.ask(
        "POST", "/chat/uploads", content=endless(), headers={"Content-Type": "multipart/form-data; boundary=x"}
    )

    assert answer.status_code == 413
    assert read < 20 * LARGEST


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"files": {"other": ("a.png", PNG)}}, "The form must have one file, in the field 'file'"),
        ({"data": {"file": "text"}}, "The form must have one file, in the field 'file'"),
        ({"json": {"file": "text"}}, "The form must have one file, in the field 'file'"),
        (
            {"files": [("file", ("a.png", PNG)), ("file", ("b.png", PNG))]},
            "Too many files. Maximum number of files is 1.",
        ),
        (
            {"content": b"--x\r\nnonsense", "headers": {"Content-Type": "multipart/form-data"}},
            "Missing boundary in multipart.",
        ),
    ],
    ids=["another field", "a text", "json", "two", "nonsense"],
)
def test_a_form_without_one_file_is_refused(ana: Someone, options: dict[str, Any], message: str) -> None:
    answer = ana.ask("POST", "/chat/uploads", **options)

    assert (answer.status_code, answer.json()["message"]) == (400, message)


def test_an_attachment_is_for_its_owner_until_it_is_sent(ana: Someone, doe: Someone, smith: Someone) -> None:
    url = ana.upload().json()["data"]["fileUrl"]

    assert ana.get(url).status_code == 200
    assert doe.get(url).status_code == 404
    send(ana, doe, messageType="image", fileUrl=url)
    assert doe.get(url).status_code == 200
    answer = smith.get(url)
    assert (answer.status_code, answer.json()) == (404, {"success": False, "message": "File not found"})
    assert smith.get("/chat/files/" + "0" * 24).json() == answer.json()


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/scan.png",
        "javascript:alert(1)",
        "//example.com/chat/files/{id}",
        "/chat/files/../../etc/passwd",
        "/chat/files/000000000000000000000000",
        "/chat/files/{id}?x",
        "{id}",
        "",
    ],
)
def test_a_message_names_only_an_upload(ana: Someone, doe: Someone, url: str) -> None:
    own = ana.upload().json()["data"]["fileUrl"]

    answer = send(ana, doe, messageType="image", fileUrl=url.format(id=own.removeprefix("/chat/files/")))

    assert answer.status_code == 400
    assert answer.json()["message"] == "fileUrl must be the address that your own upload was answered with"


def test_a_message_names_only_an_upload_of_its_sender(ana: Someone, doe: Someone, ben: Someone) -> None:
    url = ana.upload().json()["data"]["fileUrl"]
    send(ana, doe, messageType="image", fileUrl=url)

    # not even of one that the sender may see
    for thief in (ben, doe):
        tab = thief.open()
        receiver = doe if thief is ben else ben
        told = tab.emit("send_message", {"receiverId": receiver.id, "messageType": "image", "fileUrl": url})
        assert told["message"] == "fileUrl must be the address that your own upload was answered with"
    assert ben.get(url).status_code == 404


def test_an_image_is_no_document(ana: Someone, doe: Someone) -> None:
    url = ana.upload(PDF, "letter.pdf").json()["data"]["fileUrl"]

    answer = send(ana, doe, messageType="image", fileUrl=url)

    assert answer.json()["message"] == "messageType 'image' needs an image, and this is a PDF document"


def test_a_text_has_no_file(ana: Someone, doe: Someone) -> None:
    url = ana.upload().json()["data"]["fileUrl"]

    assert send(ana, doe, content="x", fileUrl=url).status_code == 400
    assert send(ana, doe, content="x", fileName="a.png").status_code == 400


@pytest.mark.parametrize(
    ("name", "clean"),
    [
        ("../../etc/passwd", "passwd.png"),
        ("C:\\scans\\knee.png", "knee.png"),
        ('a"b\r\nX: y.png', "abX y.png"),
        ("", "attachment.png"),
        ("...", "attachment.png"),
        ("x" * 300 + ".png", "x" * 100 + ".png"),
        ("röntgen.png", "röntgen.png"),
        ("page.html", "page.png"),
    ],
)
def test_names_are_cleaned(name: str, clean: str) -> None:
    assert clean_name(name, "image/png") == clean


def test_a_name_beyond_ascii_comes_back(ana: Someone) -> None:
    url = ana.upload(PNG, "röntgen.png").json()["data"]["fileUrl"]

    assert "filename*=utf-8''r%C3%B6ntgen.png" in ana.get(url).headers["content-disposition"]


@pytest.mark.parametrize(
    "content", [b"", b"%PDF", b"\x89PNG", b"RIFF\x00\x00\x00\x00WAVE", b" %PDF-", b"<?xml"], ids=range(6)
)
def test_what_is_no_such_file_is_not_taken_for_one(content: bytes) -> None:
    assert sniff(content) is None


def test_files_are_kept_under_names_of_ours(ana: Someone) -> None:
    uploaded = ana.upload(PNG, "../../../escape.png").json()["data"]

    kept = ana.stage.folder / "uploads" / uploaded["fileUrl"].removeprefix("/chat/files/")
    assert kept.read_bytes() == PNG
    assert "escape" not in json.dumps([str(one) for one in kept.parent.iterdir()])
