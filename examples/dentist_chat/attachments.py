"""What is attached to messages: which files are taken, where they are kept, how they are handed out.

Where they are kept is this module's business alone: with cloud storage, `Attachments` puts and gets objects there.
"""

from __future__ import annotations

import re
import secrets
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from anyio import CapacityLimiter, to_thread
from anyio import Path as AsyncPath
from fastapi import HTTPException
from fastapi.responses import FileResponse
from starlette.datastructures import UploadFile

from examples.dentist_chat.models import Attachment
from examples.dentist_chat.pictures import cleaned

__all__ = ["Attachments", "Upload"]

_UNWANTED = re.compile(r"[\x00-\x1f\x7f]+")
_SEPARATOR = re.compile(r"[/\\]")
_LONGEST_STEM = 100


class Upload(NamedTuple):
    name: str
    content: bytes


class Kind(NamedTuple):
    media_type: str
    extension: str
    is_image: bool


_KINDS = (
    # what a file begins with, and what it has at the eighth byte
    (b"\x89PNG\r\n\x1a\n", b"", Kind("image/png", ".png", is_image=True)),
    (b"\xff\xd8\xff", b"", Kind("image/jpeg", ".jpg", is_image=True)),
    (b"GIF87a", b"", Kind("image/gif", ".gif", is_image=True)),
    (b"GIF89a", b"", Kind("image/gif", ".gif", is_image=True)),
    (b"RIFF", b"WEBP", Kind("image/webp", ".webp", is_image=True)),
    (b"%PDF-", b"", Kind("application/pdf", ".pdf", is_image=False)),
)


class Attachments:
    def __init__(self, folder: Path, limit: int) -> None:
        self._folder = folder
        self._limit = limit
        # an image takes up to 500 MB while it is written anew: not many at a time
        self._cleaning = CapacityLimiter(2)

    async def read(self, upload: UploadFile) -> Upload:
        """Read what was uploaded; 413 if it is too much."""
        content = await upload.read(self._limit + 1)
        if len(content) > self._limit:
            raise HTTPException(413, f"an attachment has at most {self._limit} bytes")
        return Upload(upload.filename or "", content)

    async def keep(self, upload: Upload) -> tuple[Attachment, bool]:
        """Keep a file under a name of our own; return its row, and if it is an image. 413 or 422 if it is not taken."""
        kind = kind_of(upload.content)
        if kind is None:
            raise HTTPException(422, "attach a PNG, JPEG, GIF or WebP image, or a PDF")
        content = upload.content
        if kind.is_image:
            content = await to_thread.run_sync(cleaned, content, kind.media_type, limiter=self._cleaning)
        stored_as = secrets.token_hex(16)
        await AsyncPath(self._folder).mkdir(parents=True, exist_ok=True)
        await AsyncPath(self._folder, stored_as).write_bytes(content)
        name = shown_name(upload.name, kind)
        row = Attachment(name=name, media_type=kind.media_type, size=len(content), stored_as=stored_as)
        return row, kind.is_image

    async def drop(self, attachment: Attachment) -> None:
        """Forget a file whose message is not stored."""
        await AsyncPath(self._folder, attachment.stored_as).unlink(missing_ok=True)

    def response(self, attachment: Attachment) -> FileResponse:
        """Hand a file out as what it was found to be: images may be shown, anything else is a download."""
        return FileResponse(
            self._folder / attachment.stored_as,
            media_type=attachment.media_type,
            filename=attachment.name,
            content_disposition_type="inline" if attachment.media_type.startswith("image/") else "attachment",
            headers={
                # for the person alone: who signs in on this browser next has another cookie
                "Cache-Control": "private, max-age=3600",
                "Vary": "Cookie, Authorization",
                # should a browser ever take it for a page, that page may do nothing
                "Content-Security-Policy": "default-src 'none'; sandbox",
                "X-Content-Type-Options": "nosniff",
            },
        )


def kind_of(content: bytes) -> Kind | None:
    """Return what a file is, by what is in it: its name and its declared type are what somebody says."""
    return next(
        (kind for start, at_8, kind in _KINDS if content.startswith(start) and content[8:].startswith(at_8)), None
    )


def shown_name(given: str, kind: Kind) -> str:
    """Return the name to show: without folders and control characters, and with the extension of what it is."""
    last = _SEPARATOR.split(given.encode(errors="replace").decode())[-1]
    stem = PurePosixPath(_UNWANTED.sub(" ", last).strip()).stem.strip(". ")[:_LONGEST_STEM]
    return f"{stem or 'attachment'}{kind.extension}"
