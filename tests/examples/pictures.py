"""Pictures as phones and programs make them, for the applications that take some: with notes, turned, and hostile."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO
from typing import Any

from PIL import ExifTags, Image, ImageCms, PngImagePlugin

__all__ = [
    "BROKEN",
    "HUGE",
    "NOTES",
    "corners",
    "moving",
    "noted_gif",
    "noted_png",
    "opened",
    "photo",
    "plain",
    "profile",
    "written",
]

NOTES = (b"Exif", b"eXIf", b"EXIF", b"ns.adobe.com", b"Photoshop", b"6000 m", b"Where the lake is", b"XMP")
"""What none of the bytes may have that are stored or served."""
_XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/" xmlns:exif="http://ns.adobe.com/exif/1.0/" exif:GPSLatitude="6000 m"/>'
_IPTC = b"Photoshop 3.0\0" + b"8BIM\x04\x04\0\0\0\0\0\x16" + b"\x1c\x02\x78\0\x11Where the lake is"
_COLORS = {"red": (254, 0, 0), "green": (0, 128, 0), "blue": (0, 0, 254), "white": (255, 255, 255)}


def written(image: Image.Image, kind: str, **options: Any) -> bytes:
    file = BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def plain(kind: str) -> bytes:
    """Return a picture without notes, which is written anew as it was."""
    options = {"quality": 90} if kind == "WEBP" else {}
    return written(Image.new("RGB", (8, 6), "#b4532a"), kind, **options)


def opened(content: bytes) -> Image.Image:
    """Return what is stored or served, which has none of the notes."""
    assert [note for note in NOTES if note in content] == []
    image = Image.open(BytesIO(content))
    assert dict(image.getexif()) == {}
    image.load()
    assert not set(image.info) & {"exif", "xmp", "XML:com.adobe.xmp", "comment", "photoshop", "Comment", "Location"}
    return image


def _scene() -> Image.Image:
    """Return 64 x 32 pixels: red, green; and below blue, white."""
    scene = Image.new("RGB", (64, 32))
    for number, color in enumerate(_COLORS.values()):
        x, y = number % 2 * 32, number // 2 * 16
        scene.paste(color, (x, y, x + 32, y + 16))
    return scene


def _exif(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    exif[ExifTags.Base.Make] = "Phone"
    exif[ExifTags.IFD.GPSInfo] = {1: "N", 2: (46.0, 57.0, 3.0), 3: "E", 4: (7.0, 26.0, 40.0)}
    return exif


def photo(kind: str = "JPEG", orientation: int = 1, **options: Any) -> bytes:
    """Return the scene as a camera has it that was held so, with notes of each sort."""
    notes = {"extra": b"\xff\xed" + struct.pack(">H", len(_IPTC) + 2) + _IPTC, "comment": b"Where the lake is"}
    options |= notes if kind in {"JPEG", "MPO"} else {}
    options |= {"quality": 95, "subsampling": 0} if kind == "JPEG" else {}
    return written(_scene(), kind, exif=_exif(orientation), xmp=_XMP, **options)


def noted_png(image: Image.Image | None = None, orientation: int = 1, **options: Any) -> bytes:
    notes = PngImagePlugin.PngInfo()
    notes.add_text("Comment", "Where the lake is")
    notes.add_text("Location", "6000 m", zip=True)
    notes.add_itxt("XML:com.adobe.xmp", _XMP.decode())
    return written(image or _scene(), "PNG", pnginfo=notes, exif=_exif(orientation), **options)


def moving(kind: str, **options: Any) -> bytes:
    """Return a picture of three frames, each shown for another time."""
    frames = [_scene().transpose(turn) for turn in (Image.Transpose.ROTATE_180, Image.Transpose.FLIP_LEFT_RIGHT)]
    return written(_scene(), kind, save_all=True, append_images=frames, duration=[40, 80, 120], loop=3, **options)


def noted_gif() -> tuple[bytes, bytes]:
    """Return a GIF that moves, with a comment and XMP, and the same without them."""
    plain = moving("GIF")
    # as the specification of XMP has it: read as blocks, the end of it leads from any byte to the last one
    xmp = b"\x21\xff\x0bXMP DataXMP" + _XMP + b"\x01" + bytes(range(255, -1, -1)) + b"\0"
    comment = b"\x21\xfe\x11Where the lake is\0"
    colors = 13 + 3 * 2 ** ((plain[10] & 7) + 1)
    return plain[:colors] + comment + xmp + plain[colors:-1] + comment + b";", plain


def corners(image: Image.Image) -> list[str]:
    """Name the colors: at the top from left to right, and then below."""
    x, y = image.width, image.height
    seen = [image.convert("RGB").getpixel((x * i // 4, y * j // 4)) for j in (1, 3) for i in (1, 3)]
    return [min(_COLORS, key=lambda name: _distance(_COLORS[name], color)) for color in seen]


def _distance(one: Any, other: Any) -> int:
    return sum((a - b) ** 2 for a, b in zip(one, other, strict=True))


def profile() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


# -- hostile -----------------------------------------------------------------------------------------------------------


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _says(side: int) -> bytes:
    """Return a short PNG that says that it is so large."""
    header = _chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + _chunk(b"IDAT", zlib.compress(b"\0")) + _chunk(b"IEND", b"")


def _many_frames(count: int) -> bytes:
    plain = written(Image.new("L", (1, 1)), "PNG")
    return plain[:33] + _chunk(b"acTL", struct.pack(">II", count, 0)) + plain[33:]


def _webp_that_says(side: int) -> bytes:
    plain = written(Image.new("RGB", (8, 8)), "WEBP", lossless=True)
    return plain[:21] + struct.pack("<I", side - 1 | side - 1 << 14) + plain[25:]


def _many_scans() -> bytes:
    plain = photo(progressive=True)
    last = plain[plain.rindex(b"\xff\xda") : -2]
    return plain[:-2] + last * 200 + plain[-2:]


def _text_bomb() -> bytes:
    plain = written(_scene(), "PNG")
    return plain[:33] + _chunk(b"zTXt", b"a\0\0" + zlib.compress(b"x" * 2_000_000)) + plain[33:]


BROKEN = {
    "jpeg-only-begins": b"\xff\xd8\xff\xe0rest",
    "jpeg-cut-off": photo()[:-200],
    "png-only-begins": b"\x89PNG\r\n\x1a\n" + bytes(32),
    "png-cut-off": noted_png()[:-60],
    "png-wrong-sum": noted_png().replace(b"IDAT", b"IDAU"),
    "png-text-bomb": _text_bomb(),
    "webp-only-begins": b"RIFF\x10\0\0\0WEBPVP8 ",
    "webp-cut-off": photo("WEBP")[:60],
    "gif-only-begins": b"GIF89a" + bytes(4),
    "gif-cut-off": moving("GIF")[:-1],
    "gif-no-block": moving("GIF")[:-1] + b"\x55;",
}
HUGE = {
    "49-million-pixels": _says(7_000),
    "100-million-pixels": _says(10_000),
    "900-million-pixels": _says(30_000),
    "gif": b"GIF89a" + struct.pack("<HH", 60_000, 60_000) + moving("GIF")[10:],
    "webp-16-million-pixels": _webp_that_says(4_000),
    "webp-268-million-pixels": b"RIFF\x1e\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0" + b"\xfe\x3f\0\xfe\x3f\0" + bytes(8),
    "frames": _many_frames(5_000),
    "scans": _many_scans(),
}
