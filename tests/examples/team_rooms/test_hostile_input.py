"""What is sent to break something: pictures made for it, texts that cannot be seen, and errors that tell too much."""

from __future__ import annotations

import io
import struct
import threading
import zlib

import pytest
from flask import Flask
from PIL import Image

from examples.team_rooms import files
from tests.examples.team_rooms.conftest import HARBOR, Someone, picture


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_with(more: bytes) -> bytes:
    """Return a picture with more behind its header."""
    plain = picture()
    return plain[:33] + more + plain[33:]


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(png_with(chunk(b"zTXt", b"a\0\0" + zlib.compress(b"x" * 2_000_000))), id="text-bomb"),
        pytest.param(png_with(chunk(b"iTXt", b"a\0\1\0\0\0" + zlib.compress(b"x" * 2_000_000))), id="utf8-text-bomb"),
        pytest.param(png_with(chunk(b"iCCP", b"a\0\0" + zlib.compress(b"x" * 2_000_000))), id="color-bomb"),
        pytest.param(picture()[:8] + chunk(b"IHDR", b"\0\0\0\1"), id="short-header"),
    ],
)
def test_a_picture_made_to_break_the_reader_is_refused(cleo: Someone, data: bytes) -> None:
    assert cleo.upload(HARBOR, "bomb.png", data).status_code == 415


@pytest.mark.parametrize("side", [7_000, 10_000, 14_000])
def test_a_picture_that_says_it_is_huge_is_not_decoded(cleo: Someone, side: int) -> None:
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0))
    data = b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")
    answer = cleo.upload(HARBOR, "huge.png", data)
    complaint = "a picture has at most 40 million pixels, a WebP 13 million, and 1,000 frames"
    assert (answer.status_code, answer.json) == (413, {"error": complaint})


def test_what_phones_make_of_a_jpeg_is_one(cleo: Someone) -> None:
    written = io.BytesIO()
    one = Image.new("RGB", (40, 30), "#b4532a")
    one.save(written, "MPO", save_all=True, append_images=[one])
    _, message = cleo.upload(HARBOR, "portrait.jpg", written.getvalue()).json["messages"]
    assert (message["upload"]["content_type"], message["upload"]["width"]) == ("image/jpeg", 40)


def test_few_pictures_are_decoded_at_a_time(cleo: Someone, monkeypatch: pytest.MonkeyPatch) -> None:
    decoding, most = 0, 0
    smaller, lock = files._smaller, threading.Lock()

    def watched(one: Image.Image) -> tuple[tuple[int, int], bytes]:
        nonlocal decoding, most
        with lock:
            decoding += 1
            most = max(most, decoding)
        try:
            return smaller(one)
        finally:
            with lock:
                decoding -= 1

    monkeypatch.setattr(files, "_smaller", watched)
    data = picture((2_000, 2_000), "JPEG")
    threads = [threading.Thread(target=files._thumbnail, args=(data,)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert 1 <= most <= 2


@pytest.mark.parametrize("text", ["\u200b", "\u2060 \u00a0", "\u202e\u202c"], ids=ascii)
def test_what_cannot_be_seen_is_nothing(cleo: Someone, text: str) -> None:
    for answer in (cleo.write(HARBOR, text), cleo.post("/api/rooms", {"name": text})):
        assert answer.status_code == 422
        assert answer.json["wrong"][0]["problem"] == "there is nothing to be seen in it"


def test_faces_of_several_characters_can_be_seen(cleo: Someone) -> None:
    family = "👩\u200d👧"
    assert cleo.write(HARBOR, family).json["messages"][0]["message"] == family


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/rooms/0", 404),
        ("GET", "/api/nothing", 404),
        ("GET", "/nothing/<script>", 404),
        ("DELETE", "/api/rooms/1", 405),
        ("GET", "/api//rooms//", 404),
    ],
)
def test_every_error_is_json_and_quotes_nothing(ann: Someone, method: str, path: str, status: int) -> None:
    answer = ann.send(method, path)
    if answer.status_code == 308:  # of several slashes werkzeug makes one, and stays on this site
        assert answer.headers["Location"].startswith("/api/")
        return
    assert (answer.status_code, answer.mimetype, list(answer.json)) == (status, "application/json", ["error"])
    assert "script" not in answer.text


def test_an_error_of_the_application_tells_nothing(app: Flask, ann: Someone, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("the password of the database is hunter2")

    monkeypatch.setattr("examples.team_rooms.rooms.write", fail)
    answer = ann.write(HARBOR, "hello")
    assert (answer.status_code, answer.mimetype) == (500, "application/json")
    assert "hunter2" not in answer.text


@pytest.mark.parametrize(
    ("email", "name", "code"), [("Fay@example.org ", "Fay", 0), ("ann@example.org", "Annie", 1), ("a@b.c", "Ann", 1)]
)
def test_accounts_are_added_by_a_command(app: Flask, stranger: Someone, email: str, name: str, code: int) -> None:
    result = app.test_cli_runner().invoke(args=["add-user", email, name], input="rooms-demo\nrooms-demo\n")
    assert result.exit_code == code, result.output
    assert "rooms-demo" not in result.output
    if code == 0:
        assert stranger.sign_in("Fay").status_code == 201
    else:
        assert "there is an account with this email or name" in result.output


def test_a_short_password_is_not_taken(app: Flask, stranger: Someone) -> None:
    result = app.test_cli_runner().invoke(args=["add-user", "fay@example.org", "Fay"], input="1234567\n1234567\n")
    assert (result.exit_code, "at least 8 characters" in result.output) == (1, True)
    assert stranger.sign_in("Fay", "1234567").status_code == 401
