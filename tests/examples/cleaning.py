"""What each application does to a picture before it keeps it: they have no code in common, and the same to do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from io import BytesIO

import pytest
from PIL import Image, ImageChops, ImageSequence, ImageStat
from PIL.JpegImagePlugin import JpegImageFile

from tests.examples.pictures import corners, moving, noted_gif, noted_png, opened, photo, profile, written

__all__ = ["Cleaning"]

UPRIGHT = ["red", "green", "blue", "white"]


class Cleaning(ABC):
    @staticmethod
    @abstractmethod
    def cleaned(content: bytes, media_type: str) -> bytes: ...

    @pytest.mark.parametrize("kind", ["JPEG", "WEBP", "PNG"])
    @pytest.mark.parametrize(
        ("orientation", "shown"),
        [
            # as EXIF has it: on which side the first row is, and on which the first column
            (1, ["red", "green", "blue", "white"]),
            (2, ["green", "red", "white", "blue"]),
            (3, ["white", "blue", "green", "red"]),
            (4, ["blue", "white", "red", "green"]),
            (5, ["red", "blue", "green", "white"]),
            (6, ["blue", "red", "white", "green"]),
            (7, ["white", "green", "blue", "red"]),
            (8, ["green", "white", "red", "blue"]),
            (9, ["red", "green", "blue", "white"]),
        ],
    )
    def test_an_image_stands_upright(self, kind: str, orientation: int, shown: list[str]) -> None:
        content = noted_png(orientation=orientation) if kind == "PNG" else photo(kind, orientation)
        image = opened(self.cleaned(content, f"image/{kind.lower()}"))
        assert (image.format, corners(image)) == (kind, shown)

    @pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
    def test_a_photo_is_as_fine_as_it_was(self, mode: str) -> None:
        grain = Image.effect_noise((64, 32), 40)
        content = written(Image.merge("RGB", (grain, *grain.convert("RGB").split()[1:])).convert(mode), "JPEG")
        before, after = Image.open(BytesIO(content)), opened(self.cleaned(content, "image/jpeg"))
        assert isinstance(before, JpegImageFile)
        assert isinstance(after, JpegImageFile)
        assert (after.mode, after.quantization) == (before.mode, before.quantization)
        assert max(ImageStat.Stat(ImageChops.difference(before, after)).mean) < 1

    @pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
    def test_colors_stay_what_they_mean(self, kind: str) -> None:
        content = photo(kind, icc_profile=profile()) if kind != "PNG" else noted_png(icc_profile=profile())
        assert opened(self.cleaned(content, f"image/{kind.lower()}")).info["icc_profile"] == profile()

    def test_what_phones_put_behind_a_photo_is_gone(self) -> None:
        behind = Image.new("RGB", (64, 32), "black")
        after = self.cleaned(photo("MPO", save_all=True, append_images=[behind]), "image/jpeg")
        assert (opened(after).format, corners(opened(after))) == ("JPEG", UPRIGHT)

    @pytest.mark.parametrize("kind", ["PNG", "WEBP"])
    def test_what_moves_goes_on_moving(self, kind: str) -> None:
        before = moving("PNG") if kind == "PNG" else moving("WEBP", lossless=True)
        image = opened(self.cleaned(before, f"image/{kind.lower()}"))
        frames = [(corners(frame), frame.info["duration"]) for frame in ImageSequence.Iterator(image)]
        assert frames == [(UPRIGHT, 40), (UPRIGHT[::-1], 80), (["green", "red", "white", "blue"], 120)]
        assert image.info["loop"] == 3

    def test_what_is_shown_where_nothing_moves_is_left_out(self) -> None:
        still = Image.open(BytesIO(moving("PNG", default_image=True)))
        assert (still.info["default_image"], getattr(still, "n_frames", 0)) == (True, 3)
        image = opened(self.cleaned(moving("PNG", default_image=True), "image/png"))
        frames = [corners(frame) for frame in ImageSequence.Iterator(image)]
        assert frames == [UPRIGHT[::-1], ["green", "red", "white", "blue"]]

    def test_a_gif_loses_its_notes_and_nothing_else(self) -> None:
        noted, plain = noted_gif()
        assert self.cleaned(noted, "image/gif") == plain
        assert self.cleaned(plain, "image/gif") == plain

    @pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "I;16"])
    def test_a_png_of_another_kind_stays_one(self, mode: str) -> None:
        before = Image.linear_gradient("L").resize((16, 8))
        before = before.quantize(4) if mode == "P" else before.convert(mode)
        content = noted_png(before, orientation=3, **({"transparency": 1} if mode == "P" else {}))
        image = opened(self.cleaned(content, "image/png"))
        assert image.mode == mode
        assert image.tobytes() == before.transpose(Image.Transpose.ROTATE_180).tobytes()
        assert image.info.get("transparency") == (1 if mode == "P" else None)

    def test_a_webp_without_loss_has_none(self) -> None:
        before = Image.effect_noise((40, 30), 60).convert("RGB")
        content = written(before, "WEBP", lossless=True)
        assert opened(self.cleaned(content, "image/webp")).tobytes() == before.tobytes()

    def test_notes_that_nobody_can_read_turn_nothing(self) -> None:
        content = written(Image.new("RGB", (8, 4)), "WEBP", exif=b"nothing of the kind")
        assert opened(self.cleaned(content, "image/webp")).size == (8, 4)
