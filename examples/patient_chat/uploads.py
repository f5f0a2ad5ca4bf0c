"""Attachments: PDF documents and images, known by their content and not by their name."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from anyio import CapacityLimiter, to_thread
from anyio import Path as AsyncPath
from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from examples.patient_chat.database import Sessions
from examples.patient_chat.errors import Problem, not_found
from examples.patient_chat.ids import ID
from examples.patient_chat.models import Message, MessageType, Upload, User
from examples.patient_chat.pictures import cleaned

__all__ = ["LARGEST", "ROOM", "Uploads", "attached", "sniff"]

LARGEST = 5 * 1024 * 1024
ROOM = 200 * 1024 * 1024
"""What all files of one user may take: whoever registers may upload."""
PDF = "application/pdf"
_SUFFIXES = {PDF: ".pdf", "image/png": ".png", "image/jpeg": ".jpg", "image/gif": ".gif", "image/webp": ".webp"}


def sniff(content: bytes) -> str | None:
    """Return the media type of a PDF document or an image, or None for anything else."""
    if content.startswith(b"%PDF-"):
        return PDF
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if content.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if content.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    return None


def clean_name(name: str, media_type: str) -> str:
    """Return the last part of a name, without what a header or a file system would stumble over."""
    last = PurePosixPath(name.replace("\\", "/")).name
    readable = "".join(c for c in last if c.isprintable() and c not in '"<>:|?*/\\').strip(" .")
    stem = (readable.rpartition(".")[0] or readable or "attachment")[:100]
    return stem + _SUFFIXES[media_type]


class Uploads:
    def __init__(self, sessions: Sessions, folder: Path) -> None:
        self._sessions = sessions
        self._folder = folder
        # an image takes up to 500 MB while it is written anew: not many at a time
        self._cleaning = CapacityLimiter(2)

    async def keep(self, owner: User, name: str, content: bytes) -> Upload:
        media_type = sniff(content)
        if media_type is None:
            raise Problem(415, "Only PDF documents and images (PNG, JPEG, GIF, WebP) can be attached")
        if media_type != PDF:
            content = await to_thread.run_sync(cleaned, content, media_type, limiter=self._cleaning)
        upload = Upload(
            owner_id=owner.id, file_name=clean_name(name, media_type), media_type=media_type, size=len(content)
        )
        async with self._sessions() as session, session.begin():
            if await _room_of(session, owner) < upload.size:
                raise Problem(413, f"Your files take {ROOM // 1024 // 1024} MB already: there is no room for more")
            session.add(upload)
            await session.flush()
            path = AsyncPath(self._folder / upload.id)
            await path.parent.mkdir(parents=True, exist_ok=True)
            await path.write_bytes(content)
        return upload

    async def find(self, user: User, upload_id: str) -> tuple[Upload, Path]:
        """Return an attachment for its owner, or for somebody in a message with it; for others it is not there."""
        async with self._sessions() as session:
            upload = await _by_id(session, upload_id)
            if upload is None or not (upload.owner_id == user.id or await _sent_to(session, upload, user)):
                raise not_found("File")
        return upload, self._folder / upload.id


async def _by_id(session: AsyncSession, upload_id: str) -> Upload | None:
    return await session.get(Upload, upload_id) if ID.fullmatch(upload_id) else None


async def _room_of(session: AsyncSession, owner: User) -> int:
    taken = await session.scalar(select(func.sum(Upload.size)).where(Upload.owner_id == owner.id))
    return ROOM - (taken or 0)


async def _sent_to(session: AsyncSession, upload: Upload, user: User) -> bool:
    concerned = or_(Message.receiver_id == user.id, Message.sender_id == user.id)
    query = select(Message.id).where(Message.file_url == upload.url, concerned).limit(1)
    return await session.scalar(query) is not None


async def attached(session: AsyncSession, sender: User, kind: MessageType, file_url: str) -> Upload:
    """Return the sender's own upload that a message's fileUrl names; no other address is taken."""
    upload = await _by_id(session, file_url.removeprefix("/chat/files/"))
    if upload is None or upload.url != file_url or upload.owner_id != sender.id:
        raise Problem(400, "fileUrl must be the address that your own upload was answered with")
    if kind is MessageType.IMAGE and upload.media_type == PDF:
        raise Problem(400, "messageType 'image' needs an image, and this is a PDF document")
    return upload
