"""Conversations about listings: one begins one, sees one's own, and says that one has read."""

from __future__ import annotations

from litestar import Controller, Response, get, post
from litestar.di import NamedDependency
from litestar.exceptions import ClientException, NotFoundException
from litestar.params import FromPath, JSONBody
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from broadcastkit.aio import broadcast
from examples.marketplace.events import MessageSent, MessagesRead, UserTyping
from examples.marketplace.inbox import send_message, views_of
from examples.marketplace.limits import RateLimits, count
from examples.marketplace.models import Conversation, Listing, Message, User, now
from examples.marketplace.routes.listings import Before, PageSize
from examples.marketplace.rules import LARGEST_ID, find_conversation
from examples.marketplace.schemas import ConversationView, Draft, FirstWords, History
from examples.marketplace.tokens import OwnRequest, no_admins

__all__ = ["Conversations", "OneConversation", "conversation_about"]

READ_IN_ONE_EVENT = 500


async def own_conversation(request: OwnRequest, db: AsyncSession, conversation_id: int) -> Conversation:
    # no dependency: what one raises, Litestar does not tell the others, and the session would stay open
    conversation = await find_conversation(db, conversation_id, request.user)
    if conversation is None:
        # for other people's too: that they talk is nobody's business
        raise NotFoundException("You have no such conversation.")
    return conversation


class Conversations(Controller):
    path = "/api/conversations"

    @get("/")
    async def mine(
        self, request: OwnRequest, db: NamedDependency[AsyncSession], limit: PageSize = 50
    ) -> list[ConversationView]:
        return await views_of(db, request.user, limit=limit)

    @post("/", guards=[no_admins])
    async def begin(
        self,
        request: OwnRequest,
        data: JSONBody[FirstWords],
        db: NamedDependency[AsyncSession],
        limits: NamedDependency[RateLimits],
    ) -> Response[ConversationView]:
        await count(limits.writing, request.user.id)
        listing = await db.get(Listing, data.listing_id) if 0 < data.listing_id <= LARGEST_ID else None
        if listing is None:
            raise NotFoundException("There is no such listing.")
        if listing.seller_id == request.user.id:
            raise ClientException("This is your own listing.")
        conversation, new = await conversation_about(db, listing, request.user)
        await send_message(db, conversation, request.user, data.content)
        (view,) = await views_of(db, request.user, only=conversation)
        return Response(view, status_code=201 if new else 200)


class OneConversation(Controller):
    path = "/api/conversations/{conversation_id:int}"

    @get("/")
    async def show(
        self, request: OwnRequest, db: NamedDependency[AsyncSession], conversation_id: FromPath[int]
    ) -> ConversationView:
        conversation = await own_conversation(request, db, conversation_id)
        (view,) = await views_of(db, request.user, only=conversation)
        return view

    @get("/messages")
    async def history(
        self,
        request: OwnRequest,
        db: NamedDependency[AsyncSession],
        conversation_id: FromPath[int],
        before: Before = None,
        limit: PageSize = 30,
    ) -> History:
        conversation = await own_conversation(request, db, conversation_id)
        wanted = select(Message).where(Message.conversation_id == conversation.id)
        if before is not None:
            wanted = wanted.where(Message.id < before)
        found = [MessageSent(message) for message in await db.scalars(wanted.order_by(Message.id.desc()).limit(limit))]
        return History(data=found[::-1], next_before=found[-1].id if len(found) == limit else None)

    @post("/messages")
    async def send(
        self,
        request: OwnRequest,
        data: JSONBody[Draft],
        db: NamedDependency[AsyncSession],
        conversation_id: FromPath[int],
        limits: NamedDependency[RateLimits],
    ) -> MessageSent:
        conversation = await own_conversation(request, db, conversation_id)
        await count(limits.writing, request.user.id)
        return await send_message(db, conversation, request.user, data.content)

    @post("/typing", status_code=204)
    async def typing(
        self,
        request: OwnRequest,
        db: NamedDependency[AsyncSession],
        conversation_id: FromPath[int],
        limits: NamedDependency[RateLimits],
    ) -> None:
        conversation = await own_conversation(request, db, conversation_id)
        await count(limits.typing, request.user.id)
        user = request.user
        await broadcast(UserTyping(user_id=user.id, user_name=user.name, conversation_id=conversation.id)).to_others()

    @post("/read", status_code=204)
    async def read(
        self,
        request: OwnRequest,
        db: NamedDependency[AsyncSession],
        conversation_id: FromPath[int],
        limits: NamedDependency[RateLimits],
    ) -> None:
        conversation = await own_conversation(request, db, conversation_id)
        await count(limits.reading, request.user.id)
        user, read_at = request.user, now()
        theirs = (Message.conversation_id == conversation.id, Message.sender_id != user.id, Message.read_at.is_(None))
        changed = await db.scalars(update(Message).where(*theirs).values(read_at=read_at).returning(Message.id))
        ids = sorted(changed)
        await db.commit()
        # an event holds some 10,000 bytes: many ids are told in several
        for start in range(0, len(ids), READ_IN_ONE_EVENT):
            some = ids[start : start + READ_IN_ONE_EVENT]
            event = MessagesRead(reader_id=user.id, message_ids=some, read_at=read_at, conversation_id=conversation.id)
            await broadcast(event).to_others()


async def conversation_about(db: AsyncSession, listing: Listing, buyer: User) -> tuple[Conversation, bool]:
    """Return the buyer's conversation about a listing, and whether it is new."""
    wanted = select(Conversation).where(Conversation.listing_id == listing.id, Conversation.buyer_id == buyer.id)
    found = await db.scalar(wanted)
    if found is not None:
        return found, False
    conversation = Conversation(listing_id=listing.id, buyer_id=buyer.id, seller_id=listing.seller_id)
    db.add(conversation)
    try:
        await db.commit()
    except IntegrityError:  # another window of the same buyer was faster
        await db.rollback()
        return (await db.scalars(wanted)).one(), False
    return (await db.scalars(wanted.execution_options(populate_existing=True))).one(), True
