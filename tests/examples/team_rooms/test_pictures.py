"""Pictures are shown as they were, and tell nobody where they were taken."""

from __future__ import annotations

import pytest
from PIL import Image

from examples.team_rooms.pictures import cleaned
from examples.team_rooms.settings import Settings
from tests.examples.cleaning import Cleaning
from tests.examples.pictures import BROKEN, HUGE, corners, noted_png, opened, photo
from tests.examples.team_rooms.conftest import HARBOR, Someone


class TestCleaned(Cleaning):
    cleaned = staticmethod(cleaned)


def shared(cleo: Someone, dan: Someone, content: bytes, settings: Settings) -> tuple[Image.Image, Image.Image]:
    """Share a picture; return what another member gets, and its thumbnail."""
    before = set(settings.uploads.iterdir())
    _, message = cleo.upload(HARBOR, "photo.jpg", content).json["messages"]
    shown = message["upload"]
    got, small = dan.get(shown["url"]).data, dan.get(shown["thumbnail_url"]).data
    assert {path.read_bytes() for path in set(settings.uploads.iterdir()) - before} == {got, small}
    picture = opened(got)
    assert (shown["size"], shown["width"], shown["height"]) == (len(got), picture.width, picture.height)
    return picture, opened(small)


def test_nobody_learns_where_a_photo_was_taken(cleo: Someone, dan: Someone, settings: Settings) -> None:
    # the phone was held upright: its camera's first row is on the right
    for picture in shared(cleo, dan, photo(orientation=6), settings):
        assert picture.size == (32, 64)
        assert corners(picture) == ["blue", "red", "white", "green"]


def test_a_png_loses_its_texts_and_no_pixel(cleo: Someone, dan: Someone, settings: Settings) -> None:
    before = Image.effect_noise((30, 20), 60).convert("RGB")
    before.putalpha(Image.linear_gradient("L").resize(before.size))
    picture, _ = shared(cleo, dan, noted_png(before), settings)
    assert (picture.format, picture.mode, picture.tobytes()) == ("PNG", "RGBA", before.tobytes())


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN)
def test_a_broken_picture_is_refused(cleo: Someone, settings: Settings, content: bytes) -> None:
    before = set(settings.uploads.iterdir())
    assert cleo.upload(HARBOR, "photo.jpg", content).status_code == 415
    assert set(settings.uploads.iterdir()) == before


@pytest.mark.parametrize("content", HUGE.values(), ids=HUGE)
def test_a_picture_that_is_huge_once_it_is_read_is_refused(cleo: Someone, settings: Settings, content: bytes) -> None:
    before = set(settings.uploads.iterdir())
    answer = cleo.upload(HARBOR, "photo.jpg", content)
    complaint = "a picture has at most 40 million pixels, a WebP 13 million, and 1,000 frames"
    assert (answer.status_code, answer.json) == (413, {"error": complaint})
    assert set(settings.uploads.iterdir()) == before
