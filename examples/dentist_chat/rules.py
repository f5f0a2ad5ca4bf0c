"""Who may listen where. Whoever may listen to a conversation may read it and write to it, and nobody else may."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from broadcastkit import ChannelRegistry, PresenceChannel, PresenceMember
from broadcastkit.channels import ConversationChannel, UserChannel
from examples.dentist_chat.models import MAX_ID, Consultation, User

__all__ = ["Listener", "OpenChannel", "channels", "own_consultation", "takes_part"]

channels = ChannelRegistry()


class OpenChannel(PresenceChannel, pattern="consultation.{consultation_id}.{user_id}"):
    """Whether one of the two, `user_id`, has the conversation open: he is subscribed while he has, the other always.

    Whoever subscribes to a presence channel is seen there. Were it one channel for both, nobody could see from the list
    who is in a conversation without seeming to be in it himself.
    """

    consultation_id: int
    user_id: int


@dataclass(frozen=True)
class Listener:
    """Who wants to listen, and where to look up what is his."""

    id: int
    user: User = field(repr=False)
    session: AsyncSession = field(repr=False)


@channels.authorize(UserChannel)
def own_channel(listener: Listener, channel: UserChannel) -> bool:
    return listener.id == channel.user_id


@channels.authorize(ConversationChannel)
async def own_conversation(listener: Listener, channel: ConversationChannel) -> bool:
    return await own_consultation(listener.session, listener.user, channel.conversation_id) is not None


@channels.authorize(OpenChannel)
async def one_of_the_two(listener: Listener, channel: OpenChannel) -> PresenceMember | None:
    consultation = await own_consultation(listener.session, listener.user, channel.consultation_id)
    if consultation is None or channel.user_id not in {consultation.patient_id, consultation.doctor_id}:
        return None
    return PresenceMember(listener.id, {"name": listener.user.name, "role": listener.user.role})


async def own_consultation(session: AsyncSession, user: User, consultation_id: object) -> Consultation | None:
    """Return a consultation if it is the user's. An administrator has none: what is said there is not his to read."""
    if not isinstance(consultation_id, int) or not 0 < consultation_id <= MAX_ID:
        return None
    return await session.scalar(
        select(Consultation).where(Consultation.id == consultation_id, takes_part(user.id)).limit(1)
    )


def takes_part(user_id: int) -> ColumnElement[bool]:
    return or_(Consultation.patient_id == user_id, Consultation.doctor_id == user_id)
