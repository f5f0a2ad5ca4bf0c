"""Images are shown as they were, and tell nobody where they were taken."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from PIL import Image

from examples.dentist_chat import attachments
from examples.dentist_chat.app import create_app
from examples.dentist_chat.pictures import cleaned
from tests.examples.cleaning import Cleaning
from tests.examples.dentist_chat.conftest import PDF, Someone, sign_in
from tests.examples.pictures import BROKEN, HUGE, corners, noted_png, opened, photo


def shared(maya: Someone, ruiz: Someone, content: bytes, tmp_path: Path) -> bytes:
    """Send an image; return what the other gets, which is what is stored."""
    answer = maya.attach(1, content, "photo.jpg", type="image")
    assert answer.status_code == 201
    [shown] = answer.json()["attachments"]
    [stored] = (tmp_path / "attachments").iterdir()
    got = ruiz.get(shown["url"]).content
    assert (stored.read_bytes(), shown["size"]) == (got, len(got))
    return got


def test_nobody_learns_where_a_photo_was_taken(maya: Someone, ruiz: Someone, tmp_path: Path) -> None:
    # the phone was held upright: its camera's first row is on the right
    image = opened(shared(maya, ruiz, photo(orientation=6), tmp_path))
    assert (image.format, image.size) == ("JPEG", (32, 64))
    assert corners(image) == ["blue", "red", "white", "green"]


def test_a_png_loses_its_texts_and_no_pixel(maya: Someone, ruiz: Someone, tmp_path: Path) -> None:
    before = Image.effect_noise((30, 20), 60).convert("RGB")
    before.putalpha(Image.linear_gradient("L").resize(before.size))
    image = opened(shared(maya, ruiz, noted_png(before), tmp_path))
    assert (image.format, image.mode, image.tobytes()) == ("PNG", "RGBA", before.tobytes())


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN)
def test_a_broken_image_is_refused(maya: Someone, tmp_path: Path, content: bytes) -> None:
    answer = maya.attach(1, content)
    assert (answer.status_code, answer.json()) == (422, {"detail": "this image is broken"})
    assert not list((tmp_path / "attachments").glob("*"))


@pytest.mark.parametrize("content", HUGE.values(), ids=HUGE)
def test_an_image_that_is_huge_once_it_is_read_is_refused(maya: Someone, tmp_path: Path, content: bytes) -> None:
    answer = maya.attach(1, content)
    complaint = "an image has at most 40 million pixels, a WebP 13 million, and 1,000 frames"
    assert (answer.status_code, answer.json()) == (413, {"detail": complaint})
    assert not list((tmp_path / "attachments").glob("*"))


def test_nobody_waits_for_an_image_of_somebody_else(environ: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    written_in = []

    def watched(content: bytes, media_type: str) -> bytes:
        written_in.append(threading.current_thread().name)
        return cleaned(content, media_type)

    monkeypatch.setattr(attachments, "cleaned", watched)
    with TestClient(create_app(environ)) as client:
        maya = sign_in(client, "maya")
        assert [maya.attach(1, content).status_code for content in (photo(), PDF)] == [201, 201]
    assert [name.startswith("AnyIO worker thread") for name in written_in] == [True]


class TestCleaned(Cleaning):
    cleaned = staticmethod(cleaned)
