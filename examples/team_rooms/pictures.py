"""Pictures are stored anew: upright, and without what phones and programs note in them, such as where one was taken."""

from __future__ import annotations

import struct
import threading
import warnings
from io import BytesIO
from typing import Any

from PIL import ExifTags, Image, JpegImagePlugin
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge, UnsupportedMediaType

__all__ = ["cleaned", "decoding", "too_large"]

MOST_PIXELS = 40_000_000
# reading and writing it takes three times the memory
MOST_PIXELS_OF_WEBP = 13_000_000
MOST_FRAMES = 1_000
# usual are ten; one takes a few bytes, and a way through all pixels
MOST_SCANS = 100
# A picture takes up to 500 MB while it is written anew: not many at a time.
decoding = threading.BoundedSemaphore(2)

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

# A picture with so many pixels that Pillow finds it suspicious is an error.
warnings.simplefilter("error", Image.DecompressionBombWarning)


def cleaned(content: bytes, media_type: str) -> bytes:
    """Return the same picture without EXIF, XMP, IPTC, texts and comments; it takes up to seconds.

    The color profile stays: without it a phone's colors would fade.

    Raises:
        HTTPException: 413 for too many pixels, 415 for a picture that is broken.
    """
    try:
        with decoding, Image.open(BytesIO(content), formats=[_FORMATS[media_type]]) as picture:
            frames = _frames_of(picture)
            if _is_large(picture, frames, content):
                raise too_large()
            if picture.format != "GIF":
                return _written(picture, frames, content)
            picture.load()
            return _gif_without_notes(content)
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        raise too_large() from None
    except _BROKEN:
        raise UnsupportedMediaType("the picture is broken") from None


def too_large() -> HTTPException:
    return RequestEntityTooLarge("a picture has at most 40 million pixels, a WebP 13 million, and 1,000 frames")


def _is_large(picture: Image.Image, frames: range, content: bytes) -> bool:
    pixels = picture.width * picture.height
    if picture.format == "WEBP" and pixels > MOST_PIXELS_OF_WEBP:
        return True
    scans = content.count(b"\xff\xda") if isinstance(picture, JpegImagePlugin.JpegImageFile) else 0
    return pixels * len(frames) > MOST_PIXELS or len(frames) > MOST_FRAMES or scans > MOST_SCANS


def _frames_of(picture: Image.Image) -> range:
    """Return which frames are kept: of a PNG or WebP all, of a JPEG the first. Phones add others that nobody sees."""
    first = int("default_image" in picture.info)  # for who cannot show what moves
    return range(first, getattr(picture, "n_frames", 1)) if picture.format in {"PNG", "WEBP"} else range(1)


def _written(picture: Image.Image, frames: range, content: bytes) -> bytes:
    turn = _turn_of(picture)
    kept = [_frame(picture, number, turn) for number in frames]
    written = BytesIO()
    colors = picture.info.get("icc_profile")
    if isinstance(picture, JpegImagePlugin.JpegImageFile):
        # as fine as it was: what Pillow calls "keep", and does not do for what was turned
        fine = {"qtables": list(picture.quantization.values()), "subsampling": JpegImagePlugin.get_sampling(picture)}
        kept[0].save(written, "JPEG", icc_profile=colors, **fine)
    else:
        durations = [frame.info.get("duration", 0) for frame in kept]
        moving = {"append_images": kept[1:], "duration": durations, "loop": picture.info.get("loop", 0)}
        options = {"save_all": len(kept) > 1, **moving, **_webp_like(content)}
        kept[0].save(written, picture.format, icc_profile=colors, **options)
    return written.getvalue()


def _frame(picture: Image.Image, number: int, turn: Image.Transpose | None) -> Image.Image:
    picture.seek(number)
    frame = picture.copy() if turn is None else picture.transpose(turn)
    frame.info = {name: picture.info[name] for name in ("transparency", "duration") if name in picture.info}
    return frame


def _webp_like(content: bytes) -> dict[str, Any]:
    """Return how a WebP is written: with loss, or else without, where `quality` is how much work that may be."""
    return {"lossless": True, "quality": 20, "method": 1} if b"VP8L" in content else {"quality": 90}


def _turn_of(picture: Image.Image) -> Image.Transpose | None:
    try:
        return _TURNS.get(picture.getexif().get(ExifTags.Base.Orientation, 1))
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
