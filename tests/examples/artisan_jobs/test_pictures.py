"""Images are shown as they were, and tell nobody where they were taken."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from tests.examples.artisan_jobs.application import Someone, World

# isort: split
from examples.artisan_jobs import pictures
from examples.artisan_jobs.models import Attachment, Message
from examples.artisan_jobs.pictures import cleaned
from tests.examples.cleaning import Cleaning
from tests.examples.pictures import BROKEN, HUGE, corners, noted_png, opened, photo


class TestCleaned(Cleaning):
    cleaned = staticmethod(cleaned)


def attach(someone: Someone, content: bytes) -> Any:
    fields = {"recipient_id": 3, "message_type": "image", "attachments": SimpleUploadedFile("photo.jpg", content)}
    return someone.client.post("/api/messages", fields, headers={"Authorization": f"Bearer {someone.token}"})


def shared(world: World, content: bytes) -> bytes:
    """Send an image; return what the other gets, which is what is stored."""
    answer = attach(world.amaka, content)
    assert answer.status_code == 201
    [described] = answer.json()["attachments"]
    got = world.chidi.get(described["url"]).content
    with Attachment.objects.get().file.open("rb") as stored:
        assert (stored.read(), described["size"]) == (got, len(got))
    return bytes(got)


def test_nobody_learns_where_a_photo_was_taken(world: World) -> None:
    # the phone was held upright: its camera's first row is on the right
    image = opened(shared(world, photo(orientation=6)))
    assert (image.format, image.size) == ("JPEG", (32, 64))
    assert corners(image) == ["blue", "red", "white", "green"]


def test_a_png_loses_its_texts_and_no_pixel(world: World) -> None:
    before = Image.effect_noise((30, 20), 60).convert("RGB")
    before.putalpha(Image.linear_gradient("L").resize(before.size))
    image = opened(shared(world, noted_png(before)))
    assert (image.format, image.mode, image.tobytes()) == ("PNG", "RGBA", before.tobytes())


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN)
def test_a_broken_image_is_refused(world: World, content: bytes) -> None:
    answer = attach(world.amaka, content)
    wrong = {"message": "The given data was invalid.", "errors": {"attachments": ["An image is broken."]}}
    assert (answer.status_code, answer.json()) == (422, wrong)
    assert not Message.objects.exists()


@pytest.mark.parametrize("content", HUGE.values(), ids=HUGE)
def test_an_image_that_is_huge_once_it_is_read_is_refused(world: World, content: bytes) -> None:
    answer = attach(world.amaka, content)
    wrong = {"message": "An image may have 40 million pixels, a WebP 13 million, and 1,000 frames."}
    assert (answer.status_code, answer.json()) == (413, wrong)
    assert not Message.objects.exists()


def test_few_images_are_written_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    both, writing, most = threading.Barrier(2), 0, 0
    lock, written = threading.Lock(), pictures._written

    def watched(*args: Any) -> bytes:
        nonlocal writing, most
        with lock:
            writing += 1
            most = max(most, writing)
        both.wait(20)
        with lock:
            writing -= 1
        return written(*args)

    monkeypatch.setattr(pictures, "_written", watched)
    threads = [threading.Thread(target=cleaned, args=(photo(), "image/jpeg")) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert most == 2
