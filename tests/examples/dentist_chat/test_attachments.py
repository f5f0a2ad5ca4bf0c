"""Which files are taken, what becomes of their names, and how they are handed out."""

from __future__ import annotations

from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlalchemy.ext.asyncio import AsyncSession

from examples.dentist_chat.app import create_app
from examples.dentist_chat.attachments import kind_of, shown_name
from tests.examples.dentist_chat.conftest import (
    PDF,
    PNG,
    Seeded,
    Someone,
    sign_in,
)


@pytest.mark.parametrize(
    "content",
    [
        b"<html><script>alert(1)</script>",
        b"<svg onload='alert(1)'/>",
        b"MZ\x90\x00",
        b"#!/bin/sh",
        b"RIFF1234AVI ",
        b"",
    ],
    ids=["html", "svg", "exe", "script", "avi", "empty"],
)
def test_what_is_no_image_and_no_pdf_is_not_taken(maya: Someone, tmp_path: Path, content: bytes) -> None:
    answer = maya.attach(1, content, "tooth.png", media_type="image/png", type="file")
    assert answer.status_code == 422
    assert not list((tmp_path / "attachments").glob("*"))


def test_a_pdf_is_no_image(maya: Someone, tmp_path: Path) -> None:
    assert maya.attach(1, PDF, "scan.pdf", media_type="image/png", type="image").status_code == 422
    assert not list((tmp_path / "attachments").glob("*"))


def test_attachments_are_handed_out_as_downloads_or_harmless_images(maya: Someone) -> None:
    html_in_png = PNG + b"<script>alert(1)</script>"
    image = maya.get(maya.attach(1, html_in_png, "x.html").json()["attachments"][0]["url"])
    file = maya.get(maya.attach(1, PDF, "x.html").json()["attachments"][0]["url"])
    assert image.headers["Content-Type"] == "image/png"
    assert image.headers["Content-Disposition"] == 'inline; filename="x.png"'
    assert b"script" not in image.content
    assert file.headers["Content-Disposition"] == 'attachment; filename="x.pdf"'
    for answer in (image, file):
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("../../etc/passwd", "passwd.png"),
        ("..\\..\\boot.ini", "boot.png"),
        ("a\r\nX-Evil: 1.png", "a X-Evil: 1.png"),
        ("x" * 300 + ".png", "x" * 100 + ".png"),
        (".png", "png.png"),
        ("Zahn größer.png", "Zahn größer.png"),
    ],
)
def test_the_name_of_an_attachment_is_only_a_name(given: str, shown: str) -> None:
    kind = kind_of(PNG)
    assert kind is not None
    assert shown_name(given, kind) == shown


def test_an_attachment_has_a_size(environ: dict[str, str]) -> None:
    with TestClient(create_app(environ | {"ATTACHMENT_LIMIT": "100"})) as client:
        maya = sign_in(client, "maya")
        assert maya.attach(1, PNG).status_code == 201
        assert maya.attach(1, PNG + bytes(100)).status_code == 413


def test_a_browser_keeps_an_attachment_for_one_person_only(maya: Someone) -> None:
    answer = maya.get(maya.attach(1, PNG).json()["attachments"][0]["url"])
    assert answer.headers["Cache-Control"].startswith("private")
    # who signs in next has another cookie, and is asked for it
    assert answer.headers["Vary"] == "Cookie, Authorization"


def test_nobody_fills_the_disk(environ: dict[str, str], tmp_path: Path) -> None:
    with TestClient(create_app(environ | {"RATE_UPLOAD": "2/hour"})) as client:
        maya = sign_in(client, "maya")
        assert [maya.attach(1, PNG).status_code for _ in range(3)] == [201, 201, 429]
        assert maya.write(1, "Hello").status_code == 201
        assert sign_in(client, "ruiz").attach(1, PNG).status_code == 201
    assert len(list((tmp_path / "attachments").iterdir())) == 3


def test_a_file_is_not_kept_without_its_message(
    environ: dict[str, str], seeded: Seeded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(_: AsyncSession) -> None:
        raise OSError("no space left")

    with TestClient(create_app(environ), raise_server_exceptions=False) as client:
        maya = Someone(client, {"Authorization": seeded.tokens["maya"]})
        monkeypatch.setattr(AsyncSession, "flush", full)
        assert maya.attach(1, PNG).status_code == 500
    assert not list((tmp_path / "attachments").iterdir())
