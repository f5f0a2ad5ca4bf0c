"""Attachments: a few kinds of files, known by what is in them and not by their names."""

from __future__ import annotations

import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import UploadedFile

from examples.artisan_jobs.api import ApiError, invalid
from examples.artisan_jobs.pictures import cleaned

__all__ = ["Upload", "read_uploads"]

MOST = 5
LONGEST_NAME = 60
BEGINNINGS = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"%PDF-", "application/pdf"),
)
EXTENSIONS = {
    "image/png": "png",
    "image/jpeg": "jpg",
    "image/gif": "gif",
    "image/webp": "webp",
    "application/pdf": "pdf",
    "text/plain": "txt",
}
# what no text has in it, but for tabs and ends of lines
CONTROL = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


@dataclass(frozen=True)
class Upload:
    """A file that may be attached."""

    name: str
    content_type: str
    content: bytes

    @property
    def is_image(self) -> bool:
        return self.content_type.startswith("image/")

    def fields(self) -> dict[str, Any]:
        """Return what an Attachment is made of; on the disk no file has a name that somebody chose."""
        file = ContentFile(self.content, name=f"{uuid.uuid4().hex}.{EXTENSIONS[self.content_type]}")
        return {"file": file, "name": self.name, "content_type": self.content_type, "size": len(self.content)}


def read_uploads(files: Sequence[UploadedFile]) -> list[Upload]:
    if len(files) > MOST:
        raise invalid("attachments", f"at most {MOST} files")
    return [_read(file) for file in files]


def _read(file: Any) -> Upload:
    if file.size > settings.MAX_UPLOAD:
        raise ApiError(413, f"A file may have {settings.MAX_UPLOAD // 1024 // 1024} MiB.")
    content = file.read()
    content_type = _type_of(content)
    if content_type is None:
        raise invalid("attachments", "must be images (PNG, JPEG, GIF, WebP), PDFs or plain texts")
    if content_type.startswith("image/"):
        content = cleaned(content, content_type)
    name = "".join(sign for sign in file.name if sign.isprintable())[-LONGEST_NAME:]
    return Upload(name or "file", content_type, content)


def _type_of(content: bytes) -> str | None:
    for beginning, content_type in BEGINNINGS:
        if content.startswith(beginning):
            return content_type
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    return "text/plain" if _is_text(content) else None


def _is_text(content: bytes) -> bool:
    if not content or CONTROL.search(content):
        return False
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True
