"""What patients and doctors do: write, read, look who is there. The API and the socket both come here."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from sqlalchemy import func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from broadcastkit import AsyncBroadcaster
from examples.patient_chat.cache import Pages
from examples.patient_chat.database import Sessions
from examples.patient_chat.events import (
    MessagesDelivered,
    MessageSent,
    MessagesRead,
    NewMessage,
    TypingStarted,
    TypingStopped,
    UserStatusChanged,
)
from examples.patient_chat.ids import conversation_id
from examples.patient_chat.metrics import Metrics
from examples.patient_chat.models import Availability, Message, User, now
from examples.patient_chat.online import Online
from examples.patient_chat.rules import correspondents, require_related, require_treated
from examples.patient_chat.schemas import (
    ConversationView,
    Draft,
    LastMessageView,
    MessageView,
    Paging,
    UserView,
    dump,
    iso,
)
from examples.patient_chat.uploads import attached

__all__ = ["Chat"]


class Chat:
    def __init__(
        self, sessions: Sessions, broadcaster: AsyncBroadcaster, online: Online, pages: Pages, metrics: Metrics
    ) -> None:
        self._sessions = sessions
        self._broadcast = broadcaster.broadcast
        self.online = online
        self._pages = pages
        self._metrics = metrics

    # -- messages ------------------------------------------------------------------------------------------------------

    async def send(self, sender_id: str, receiver_id: str, draft: Draft, what: str = "User") -> dict[str, Any]:
        """Store a message, tell both of it when that is committed, and return it as they hear it."""
        async with self._sessions() as session, session.begin():
            sender = await session.get_one(User, sender_id)
            receiver = await require_treated(session, sender, receiver_id, what)
            message = Message(sender=sender, receiver=receiver, content=draft.content, message_type=draft.message_type)
            if draft.file_url is not None:
                upload = await attached(session, sender, draft.message_type, draft.file_url)
                message.file_url, message.file_name = upload.url, draft.file_name or upload.file_name
            session.add(message)
            await session.flush()
            view = MessageView.model_validate(message)
            await self._broadcast(NewMessage(message=view)).after_commit(session).to_others()
            # not to the window that posted over HTTP, which has it as the answer: it says so in X-Socket-ID
            await self._broadcast(MessageSent(message=view)).after_commit(session).to_others()
        await self._pages.changed(message.conversation_id)
        self._metrics.messages.labels(draft.message_type.value).inc()
        if await self.online.among([receiver.id]):
            await self.deliver_waiting(receiver.id)
        return dump(view)

    async def mark_read(self, reader: User, sender_id: str, sid: str | None = None, what: str = "User") -> int:
        """Note that everything of a sender's has been read; return how many messages that were."""
        async with self._sessions() as session, session.begin():
            await require_related(session, reader, sender_id, what)
            moment = now()
            unread = (
                update(Message)
                .where(Message.sender_id == sender_id, Message.receiver_id == reader.id, Message.is_read.is_(False))
                .values(is_read=True, read_at=moment, delivered_at=func.coalesce(Message.delivered_at, moment))
                .returning(Message.id)
            )
            count = len((await session.scalars(unread)).all())
            if count:
                told = MessagesRead(user_id=reader.id, sender_id=sender_id)
                await self._broadcast(told).after_commit(session).to_others(sid)
        if count:
            await self._pages.changed(conversation_id(reader.id, sender_id))
            self._metrics.read.inc(count)
        return count

    async def deliver_waiting(self, receiver_id: str) -> None:
        """Note that what waited for a user who is connected has arrived, and tell those who wrote."""
        async with self._sessions() as session, session.begin():
            waiting = (
                update(Message)
                .where(Message.receiver_id == receiver_id, Message.delivered_at.is_(None))
                .values(delivered_at=now())
                .returning(Message.id, Message.sender_id)
            )
            by_sender = defaultdict[str, list[str]](list)
            for message_id, sender_id in (await session.execute(waiting)).all():
                by_sender[sender_id].append(message_id)
            for sender_id, message_ids in by_sender.items():
                told = MessagesDelivered(user_id=receiver_id, message_ids=sorted(message_ids), sender_id=sender_id)
                await self._broadcast(told).after_commit(session).to_everyone()
        for sender_id in by_sender:
            await self._pages.changed(conversation_id(receiver_id, sender_id))

    # -- history -------------------------------------------------------------------------------------------------------

    async def history(self, user: User, other_id: str, paging: Paging, what: str = "User") -> dict[str, Any]:
        """Return the last messages of a conversation, but for the `skip` newest; the oldest of them first."""
        async with self._sessions() as session:
            await require_related(session, user, other_id, what)
            conversation, page = conversation_id(user.id, other_id), f"{paging.limit}:{paging.skip}"
            version = await self._pages.version(conversation)
            found: dict[str, Any] | None = await self._pages.get(conversation, version, page)
            if found is None:
                found = await self._read_page(session, conversation, paging)
                await self._pages.put(conversation, version, page, found)
        return found

    async def _read_page(self, session: AsyncSession, conversation: str, paging: Paging) -> dict[str, Any]:
        here = Message.conversation_id == conversation
        newest = select(Message).where(here).order_by(Message.created_at.desc(), Message.id.desc())
        rows = list(await session.scalars(newest.limit(paging.limit).offset(paging.skip)))[::-1]
        total = await session.scalar(select(func.count()).select_from(Message).where(here))
        return {
            "data": [dump(MessageView.model_validate(row)) for row in rows],
            # beside the guide's own: how far it goes on, and how far each message has come
            "meta": {
                "total": total,
                "limit": paging.limit,
                "skip": paging.skip,
                "status": {row.id: {"status": row.status, "readAt": iso(row.read_at)} for row in rows},
            },
        }

    async def conversations(self, user: User, query: str = "") -> list[dict[str, Any]]:
        """Return a user's conversations, the last one first; those that fit a text in a name, address or message."""
        mine = or_(Message.sender_id == user.id, Message.receiver_id == user.id)
        newest = func.row_number().over(
            partition_by=Message.conversation_id, order_by=(Message.created_at.desc(), Message.id.desc())
        )
        ranked = select(Message.id, newest.label("place")).where(mine).subquery()
        last = select(Message).join(ranked, ranked.c.id == Message.id).where(ranked.c.place == 1)
        async with self._sessions() as session:
            rows = list(await session.scalars(last.order_by(Message.created_at.desc(), Message.id.desc())))
            if query:
                said = select(Message.conversation_id).where(mine, Message.content.icontains(query, autoescape=True))
                fitting = set(await session.scalars(said.distinct()))
                rows = [row for row in rows if row.conversation_id in fitting or _fits(_other(row, user), query)]
            unread = await self._unread(session, user)
        return [_conversation(row, _other(row, user), unread) for row in rows]

    async def unread_count(self, user: User) -> int:
        async with self._sessions() as session:
            return sum((await self._unread(session, user)).values())

    async def _unread(self, session: AsyncSession, user: User) -> dict[str, int]:
        query = select(Message.sender_id, func.count()).where(
            Message.receiver_id == user.id, Message.is_read.is_(False)
        )
        rows = await session.execute(query.group_by(Message.sender_id))
        return {row[0]: row[1] for row in rows}

    # -- who is there --------------------------------------------------------------------------------------------------

    async def contacts(self, user: User) -> list[dict[str, Any]]:
        """Return whom a user may write to, with what each says of being there."""
        async with self._sessions() as session:
            others = await correspondents(session, user)
        here = await self.online.among(one.id for one in others)
        return [
            {"_id": one.id, "fullname": one.fullname, "email": one.email, "role": one.role, "status": one.status}
            | {"isOnline": one.id in here}
            for one in others
        ]

    async def online_status(self, user: User, user_ids: Iterable[str]) -> list[dict[str, Any]]:
        """Return who is connected, of those whom the user may write to; of others it is not told."""
        asked = list(dict.fromkeys(user_ids))
        async with self._sessions() as session:
            known = {user.id, *(one.id for one in await correspondents(session, user))}
        here = await self.online.among(one for one in asked if one in known)
        return [{"userId": one, "isOnline": one in here} for one in asked]

    async def set_status(self, user_id: str, status: Availability) -> None:
        async with self._sessions() as session, session.begin():
            user = await session.get_one(User, user_id)
            user.status = status
        await self.announce(user_id)

    async def announce(self, user_id: str) -> None:
        """Tell those who may write to a user whether he is connected, and what he says of it."""
        async with self._sessions() as session:
            user = await session.get(User, user_id)
            if user is None:
                return
            hearers = [one.id for one in await correspondents(session, user)]
        here = bool(await self.online.among([user_id]))
        await self._broadcast(
            UserStatusChanged(user_id=user_id, is_online=here, status=user.status, hearers=hearers)
        ).to_everyone()

    async def typing(self, user: User, receiver_id: str, sid: str, *, started: bool) -> None:
        async with self._sessions() as session:
            await require_treated(session, user, receiver_id)
        kind = TypingStarted if started else TypingStopped
        await self._broadcast(kind(user_id=user.id, receiver_id=receiver_id)).to_others(sid)


def _other(message: Message, user: User) -> User:
    return message.receiver if message.sender_id == user.id else message.sender


def _fits(other: User, query: str) -> bool:
    return any(query.casefold() in text.casefold() for text in (other.fullname, other.email, other.role))


def _conversation(last: Message, other: User, unread: dict[str, int]) -> dict[str, Any]:
    return dump(
        ConversationView(
            conversation_id=last.conversation_id,
            other_user=UserView.model_validate(other),
            last_message=LastMessageView(
                content=last.content,
                message_type=last.message_type,
                created_at=last.created_at,
                sender=last.sender_id,
            ),
            unread_count=unread.get(other.id, 0),
        )
    )
