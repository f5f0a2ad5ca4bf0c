"""What routes do with conversations, and a command line may do as well."""

from __future__ import annotations

from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from broadcastkit.aio import broadcast_many
from examples.marketplace.events import ConversationUpdated, MessageSent, Sender
from examples.marketplace.models import Conversation, Message, User
from examples.marketplace.schemas import ConversationView, ListingView

__all__ = ["send_message", "views_of"]


async def send_message(db: AsyncSession, conversation: Conversation, sender: User, content: str) -> MessageSent:
    """Store a message, and tell the others of it."""
    message = Message(conversation_id=conversation.id, sender_id=sender.id, content=content)
    db.add(message)
    conversation.updated_at = message.created_at
    await db.commit()
    person = Sender.model_validate(sender)
    event = MessageSent(message, sender=person)
    updated = ConversationUpdated(
        conversation_id=conversation.id,
        sender=person,
        buyer_id=conversation.buyer_id,
        seller_id=conversation.seller_id,
    )
    await broadcast_many([event, updated]).to_others()
    return event


async def views_of(
    db: AsyncSession, user: User, *, only: Conversation | None = None, limit: int = 1
) -> list[ConversationView]:
    """Return a user's conversations as he sees them, the one last written in first."""
    if only is None:
        own = or_(Conversation.buyer_id == user.id, Conversation.seller_id == user.id)
        newest = select(Conversation).where(own).order_by(Conversation.updated_at.desc(), Conversation.id.desc())
        conversations = list(await db.scalars(newest.limit(limit)))
    else:
        conversations = [only]
    ids = [conversation.id for conversation in conversations]
    unread, last = await _unread(db, user, ids), await _last_messages(db, ids)
    return [
        ConversationView(
            id=conversation.id,
            listing=ListingView.model_validate(conversation.listing),
            buyer=Sender.model_validate(conversation.buyer),
            seller=Sender.model_validate(conversation.seller),
            last_message=last.get(conversation.id),
            unread=unread.get(conversation.id, 0),
            updated_at=conversation.updated_at,
        )
        for conversation in conversations
    ]


async def _unread(db: AsyncSession, user: User, ids: list[int]) -> dict[int, int]:
    counted = (
        select(Message.conversation_id, func.count())
        .where(Message.conversation_id.in_(ids), Message.sender_id != user.id, Message.read_at.is_(None))
        .group_by(Message.conversation_id)
    )
    return dict((await db.execute(counted)).all())


async def _last_messages(db: AsyncSession, ids: list[int]) -> dict[int, MessageSent]:
    newest = select(func.max(Message.id)).where(Message.conversation_id.in_(ids)).group_by(Message.conversation_id)
    found = await db.scalars(select(Message).where(Message.id.in_(newest)))
    return {message.conversation_id: MessageSent(message) for message in found}
