"""Images are stored anew: upright, and without what phones and programs note in them, such as where one was taken."""

from __future__ import annotations

import struct
import warnings
from io import BytesIO
from typing import Any

from PIL import ExifTags, Image, JpegImagePlugin

from examples.patient_chat.errors import Problem

__all__ = ["cleaned"]

MOST_PIXELS = 40_000_000
# reading and writing it takes three times the memory
MOST_PIXELS_OF_WEBP = 13_000_000
MOST_FRAMES = 1_000
# usual are ten; one takes a few bytes, and a way through all pixels
MOST_SCANS = 100

_FORMATS = {"image/png": "PNG", "image/jpeg": "JPEG", "image/gif": "GIF", "image/webp": "WEBP"}
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
# what Pillow raises at bytes that are damaged, or made up
_BROKEN = (
    OSError,
    EOFError,
    SyntaxError,
    ValueError,
    TypeError,
    LookupError,
    ArithmeticError,
    RuntimeError,
    struct.error,
)

# An image with so many pixels that Pillow finds it suspicious is an error.
warnings.simplefilter("error", Image.DecompressionBombWarning)


def cleaned(content: bytes, media_type: str) -> bytes:
    """Return the same image without EXIF, XMP, IPTC, texts and comments; it takes up to seconds.

    The color profile stays: without it a phone's colors would fade.

    Raises:
        Problem: 413 for too many pixels, 415 for an image that is broken.
    """
    try:
        with Image.open(BytesIO(content), formats=[_FORMATS[media_type]]) as image:
            frames = _frames_of(image)
            if _is_large(image, frames, content):
                raise _too_large()
            if image.format != "GIF":
                return _written(image, frames, content)
            image.load()
            return _gif_without_notes(content)
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        raise _too_large() from None
    except _BROKEN:
        raise Problem(415, "This image is broken") from None


def _too_large() -> Problem:
    return Problem(413, "An image has at most 40 million pixels, a WebP 13 million, and 1,000 frames")


def _is_large(image: Image.Image, frames: range, content: bytes) -> bool:
    pixels = image.width * image.height
    if image.format == "WEBP" and pixels > MOST_PIXELS_OF_WEBP:
        return True
    scans = content.count(b"\xff\xda") if isinstance(image, JpegImagePlugin.JpegImageFile) else 0
    return pixels * len(frames) > MOST_PIXELS or len(frames) > MOST_FRAMES or scans > MOST_SCANS


def _frames_of(image: Image.Image) -> range:
    """Return which frames are kept: of a PNG or WebP all, of a JPEG the first. Phones add others that nobody sees."""
    first = int("default_image" in image.info)  # for who cannot show what moves
    return range(first, getattr(image, "n_frames", 1)) if image.format in {"PNG", "WEBP"} else range(1)


def _written(image: Image.Image, frames: range, content: bytes) -> bytes:
    turn = _turn_of(image)
    kept = [_frame(image, number, turn) for number in frames]
    written = BytesIO()
    colors = image.info.get("icc_profile")
    if isinstance(image, JpegImagePlugin.JpegImageFile):
        # as fine as it was: what Pillow calls "keep", and does not do for what was turned
        fine = {"qtables": list(image.quantization.values()), "subsampling": JpegImagePlugin.get_sampling(image)}
        kept[0].save(written, "JPEG", icc_profile=colors, **fine)
    else:
        durations = [frame.info.get("duration", 0) for frame in kept]
        moving = {"append_images": kept[1:], "duration": durations, "loop": image.info.get("loop", 0)}
        options = {"save_all": len(kept) > 1, **moving, **_webp_like(content)}
        kept[0].save(written, image.format, icc_profile=colors, **options)
    return written.getvalue()


def _frame(image: Image.Image, number: int, turn: Image.Transpose | None) -> Image.Image:
    image.seek(number)
    frame = image.copy() if turn is None else image.transpose(turn)
    frame.info = {name: image.info[name] for name in ("transparency", "duration") if name in image.info}
    return frame


def _webp_like(content: bytes) -> dict[str, Any]:
    """Return how a WebP is written: with loss, or else without, where `quality` is how much work that may be."""
    return {"lossless": True, "quality": 20, "method": 1} if b"VP8L" in content else {"quality": 90}


def _turn_of(image: Image.Image) -> Image.Transpose | None:
    try:
        return _TURNS.get(image.getexif().get(ExifTags.Base.Orientation, 1))
    except _BROKEN:  # notes that nobody can read turn nothing
        return None


def _gif_without_notes(content: bytes) -> bytes:
    """Leave out all blocks but frames, how they are shown, and how often: what moves stays as it is, to the byte."""
    at = 13 + _colors_at(content[10])
    kept = [content[:at]]
    while content[at] != 0x3B:
        start = at
        if content[at] not in {0x21, 0x2C}:
            raise ValueError("this is no block of a GIF")
        is_frame = content[at] == 0x2C
        at += 11 + _colors_at(content[at + 9]) if is_frame else 2
        while content[at]:
            at += content[at] + 1
        at += 1
        if is_frame or content[start + 1] == 0xF9 or content[start + 3 : start + 14] == b"NETSCAPE2.0":
            kept.append(content[start:at])
    return b"".join(kept) + b";"


def _colors_at(flags: int) -> int:
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0
