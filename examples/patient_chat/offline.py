"""Whoever is not connected hears of a message by email. What it says stays here."""

from __future__ import annotations

from sqlalchemy import select

from broadcastkit.offline import Fallbacks, Missed
from broadcastkit.offline.email import Mailer
from examples.patient_chat.database import Sessions
from examples.patient_chat.events import NewMessage
from examples.patient_chat.models import Message, User
from examples.patient_chat.online import Online
from examples.patient_chat.rules import UserChannel
from examples.patient_chat.settings import Settings

__all__ = ["make_fallbacks"]


def make_fallbacks(settings: Settings, sessions: Sessions, online: Online) -> Fallbacks:
    async def is_online(channel: UserChannel) -> bool:
        return bool(await online.among([channel.user_id]))

    # a server knows its own clients; those of the others, what the processes share
    fallbacks = Fallbacks(online=None if settings.redis_url is None else is_online)
    if settings.mail_url is None:
        return fallbacks
    mailer = Mailer.from_url(settings.mail_url, sender=settings.mail_from, sender_name="Patient chat")
    page = settings.frontend_url or "the chat"

    @fallbacks.when_offline(UserChannel, NewMessage)
    async def email_them(missed: Missed[UserChannel]) -> None:
        message, receiver_id = missed.payload["message"], missed.channel.user_id
        sender = message["sender"]
        async with sessions() as session:
            receiver = await session.get(User, receiver_id)
            waiting = select(Message.id).where(
                Message.sender_id == sender["_id"], Message.receiver_id == receiver_id, Message.is_read.is_(False)
            )
            oldest = await session.scalar(waiting.order_by(Message.created_at, Message.id).limit(1))
        # one mail for what waits, however many messages that become
        if receiver is None or oldest != message["_id"]:
            return
        text = f"Hello {receiver.fullname},\n\n{sender['fullname']} has written to you. Read and answer it on {page}.\n"
        subject = f"{sender['fullname']} has written to you"
        await mailer.asend(to=receiver.email, subject=subject, text=text, id=missed.id)

    return fallbacks
