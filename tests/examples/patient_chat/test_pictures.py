"""Images are shown as they were, and tell nobody where they were taken."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from PIL import Image

from examples.patient_chat import uploads
from examples.patient_chat.pictures import cleaned
from tests.examples.cleaning import Cleaning
from tests.examples.patient_chat.conftest import PDF, Someone
from tests.examples.pictures import BROKEN, HUGE, corners, noted_png, opened, photo


class TestCleaned(Cleaning):
    cleaned = staticmethod(cleaned)


def stored(someone: Someone) -> set[Path]:
    return set((someone.stage.folder / "uploads").glob("*"))


def shared(ana: Someone, doe: Someone, content: bytes) -> bytes:
    """Send an image; return what the doctor gets, which is what is stored."""
    uploaded = ana.upload(content, "photo.jpg").json()["data"]
    url = uploaded["fileUrl"]
    assert ana.post("/users/send-message", {"doctorId": doe.id, "messageType": "image", "fileUrl": url}).is_success
    [kept] = [path for path in stored(ana) if path.name == url.removeprefix("/chat/files/")]
    got = doe.get(url).content
    assert (kept.read_bytes(), uploaded["size"]) == (got, len(got))
    return got


def test_nobody_learns_where_a_photo_was_taken(ana: Someone, doe: Someone) -> None:
    # the phone was held upright: its camera's first row is on the right
    image = opened(shared(ana, doe, photo(orientation=6)))
    assert (image.format, image.size) == ("JPEG", (32, 64))
    assert corners(image) == ["blue", "red", "white", "green"]


def test_a_png_loses_its_texts_and_no_pixel(ana: Someone, doe: Someone) -> None:
    before = Image.effect_noise((30, 20), 60).convert("RGB")
    before.putalpha(Image.linear_gradient("L").resize(before.size))
    image = opened(shared(ana, doe, noted_png(before)))
    assert (image.format, image.mode, image.tobytes()) == ("PNG", "RGBA", before.tobytes())


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN)
def test_a_broken_image_is_refused(ana: Someone, content: bytes) -> None:
    before = stored(ana)
    answer = ana.upload(content)
    assert (answer.status_code, answer.json()) == (415, {"success": False, "message": "This image is broken"})
    assert stored(ana) == before


@pytest.mark.parametrize("content", HUGE.values(), ids=HUGE)
def test_an_image_that_is_huge_once_it_is_read_is_refused(ana: Someone, content: bytes) -> None:
    before = stored(ana)
    answer = ana.upload(content)
    message = "An image has at most 40 million pixels, a WebP 13 million, and 1,000 frames"
    assert (answer.status_code, answer.json()) == (413, {"success": False, "message": message})
    assert stored(ana) == before


def test_nobody_waits_for_an_image_of_somebody_else(ana: Someone, monkeypatch: pytest.MonkeyPatch) -> None:
    written_in = []

    def watched(content: bytes, media_type: str) -> bytes:
        written_in.append(threading.current_thread().name)
        return cleaned(content, media_type)

    monkeypatch.setattr(uploads, "cleaned", watched)
    assert [ana.upload(content).status_code for content in (photo(), PDF)] == [201, 201]
    assert [name.startswith("AnyIO worker thread") for name in written_in] == [True]
