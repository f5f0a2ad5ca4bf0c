"""Files that people share: told by their bytes and not by their names, limited, and with a small copy of pictures."""

from __future__ import annotations

import io
import secrets
import unicodedata
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from PIL import Image, ImageOps
from werkzeug.exceptions import RequestEntityTooLarge, UnsupportedMediaType

from examples.team_rooms.pictures import cleaned, decoding, too_large

__all__ = ["LARGEST", "Kept", "clean_name", "keep", "kind_of"]

LARGEST = 5 * 1024 * 1024
THUMBNAIL = (480, 360)
LONGEST_NAME = 100
FORMATS = ("PNG", "JPEG", "GIF", "WEBP")
# MPO is what phones make of a JPEG when they add a second picture to it
PICTURES = {"PNG": "image/png", "JPEG": "image/jpeg", "MPO": "image/jpeg", "GIF": "image/gif", "WEBP": "image/webp"}


@dataclass(frozen=True)
class Kept:
    """What is known of a file once it is kept."""

    name: str
    content_type: str
    size: int
    stored_as: str
    width: int | None = None
    height: int | None = None


def keep(folder: Path, name: str, data: bytes) -> Kept:
    """Keep a file and, of a picture, a thumbnail beside it.

    Raises:
        UnsupportedMediaType: it is of no kind that is allowed.
        RequestEntityTooLarge: it has too many bytes or pixels.
    """
    if len(data) > LARGEST:
        raise RequestEntityTooLarge(f"a file has at most {LARGEST // 1024 // 1024} MB")
    content_type = kind_of(data)
    stored_as = secrets.token_hex(16)
    folder.mkdir(parents=True, exist_ok=True)
    size: tuple[int, int] | tuple[None, None] = None, None
    if content_type in PICTURES.values():
        data = cleaned(data, content_type)
        size, thumbnail = _thumbnail(data)
        (folder / f"{stored_as}.thumbnail").write_bytes(thumbnail)
    (folder / stored_as).write_bytes(data)
    return Kept(clean_name(name), content_type, len(data), stored_as, *size)


def kind_of(data: bytes) -> str:
    """Return the type that the bytes are of; 415 if it is none that is allowed."""
    if data.startswith(b"%PDF-"):
        return "application/pdf"
    picture = _picture(data)
    if picture is not None:
        return PICTURES[picture.format or ""]
    if data and _is_text(data):
        return "text/plain"
    raise UnsupportedMediaType("PNG, JPEG, GIF, WebP, PDF and plain text can be shared")


def _picture(data: bytes) -> Image.Image | None:
    try:
        return Image.open(io.BytesIO(data), formats=FORMATS)
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        raise too_large() from None
    except (OSError, ValueError):
        return None


def _thumbnail(data: bytes) -> tuple[tuple[int, int], bytes]:
    picture = _picture(data)
    assert picture is not None  # noqa: S101 - kind_of has opened it before
    try:
        with decoding:
            return _smaller(picture)
    except (OSError, SyntaxError, ValueError):
        raise UnsupportedMediaType("the picture is broken") from None


def _smaller(picture: Image.Image) -> tuple[tuple[int, int], bytes]:
    upright = ImageOps.exif_transpose(picture)
    size = upright.size
    upright.thumbnail(THUMBNAIL)
    has_alpha = "transparency" in upright.info or upright.mode in {"RGBA", "LA"}
    written = io.BytesIO()
    upright.convert("RGBA" if has_alpha else "RGB").save(written, "WEBP", quality=80)
    return size, written.getvalue()


def _is_text(data: bytes) -> bool:
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return False
    return not any(unicodedata.category(c) == "Cc" and c not in "\t\n\r\f" for c in text)


def clean_name(name: str) -> str:
    """Return the last part of a path, without what cannot be seen or could not be part of a name."""
    last = PurePosixPath(name.replace("\\", "/")).name
    seen = "".join(c for c in last if unicodedata.category(c)[0] != "C").strip(" .")
    stem, dot, ending = seen.rpartition(".")
    if len(seen) > LONGEST_NAME and dot and len(ending) < LONGEST_NAME // 2:
        return f"{stem[: LONGEST_NAME - len(ending) - 1]}.{ending}"
    return seen[:LONGEST_NAME] or "file"
