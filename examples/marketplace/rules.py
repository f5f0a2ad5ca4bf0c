"""Who may listen where. The users here are those of API tokens: see tokens.py."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from broadcastkit import ChannelRegistry, PresenceChannel, PresenceMember, PrivateChannel
from broadcastkit.channels import UserChannel
from examples.marketplace.models import Conversation, User

__all__ = ["ConversationChannel", "OnlineChannel", "channels_for", "find_conversation"]

# what a column holds: a larger number is nobody's id, and no database is asked for it
LARGEST_ID = 2**31 - 1


class ConversationChannel(PrivateChannel, pattern="conversation.{conversation_id}"):
    """What is said between a buyer and a seller."""

    conversation_id: int


class OnlineChannel(PresenceChannel, pattern="online.{conversation_id}"):
    """Which of the two have a page open."""

    conversation_id: int


async def find_conversation(db: AsyncSession, conversation_id: int, user: User) -> Conversation | None:
    """Return a conversation of the user's: somebody else's is as if it were not there."""
    if not 0 < conversation_id <= LARGEST_ID:
        return None
    conversation = await db.get(Conversation, conversation_id)
    return conversation if conversation is not None and conversation.has(user) else None


def channels_for(sessions: async_sessionmaker[AsyncSession]) -> ChannelRegistry:
    channels = ChannelRegistry()

    @channels.authorize(ConversationChannel)
    async def buyer_or_seller(user: User, channel: ConversationChannel) -> bool:
        async with sessions() as db:
            return await find_conversation(db, channel.conversation_id, user) is not None

    @channels.authorize(OnlineChannel)
    async def seen_by_the_other(user: User, channel: OnlineChannel) -> PresenceMember | None:
        async with sessions() as db:
            conversation = await find_conversation(db, channel.conversation_id, user)
        return PresenceMember(user.id, {"id": user.id, "name": user.name}) if conversation else None

    @channels.authorize(UserChannel)
    def own_channel(user: User, channel: UserChannel) -> bool:
        return user.id == channel.user_id

    return channels
