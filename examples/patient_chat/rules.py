"""Who may listen where, and who may write to whom."""

from __future__ import annotations

from sqlalchemy import and_, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from broadcastkit import ChannelRegistry, PrivateChannel
from examples.patient_chat.errors import Problem, not_found
from examples.patient_chat.ids import ID
from examples.patient_chat.models import Role, Treatment, User

__all__ = ["UserChannel", "channels", "correspondents", "require_related", "require_treated"]

channels = ChannelRegistry()


class UserChannel(PrivateChannel, pattern="user.{user_id}"):
    """What one user hears, in each of his windows."""

    user_id: str


@channels.authorize(UserChannel)
def own_channel(user: User, channel: UserChannel) -> bool:
    return user.id == channel.user_id


async def correspondents(session: AsyncSession, user: User) -> list[User]:
    """Return whom a user may write to: a doctor's patients, a patient's doctors."""
    mine, theirs = _sides(user)
    query = select(User).join(Treatment, theirs == User.id).where(mine == user.id, Treatment.ended_at.is_(None))
    return list(await session.scalars(query.order_by(User.fullname, User.id)))


async def require_related(session: AsyncSession, user: User, other_id: str, what: str = "User") -> User:
    """Return the other of a conversation that the user may read: the treatment is, or was.

    Whom a user has nothing to do with might as well not be there.
    """
    found = await _treatment(session, user, other_id)
    if found is None:
        raise not_found(what)
    return found[0]


async def require_treated(session: AsyncSession, user: User, other_id: str, what: str = "User") -> User:
    """Return the other of a conversation that the user may write in: the treatment goes on."""
    found = await _treatment(session, user, other_id)
    if found is None:
        raise not_found(what)
    other, treatment = found
    if treatment.ended_at is not None:
        raise Problem(403, f"The treatment has ended: {other.fullname} can no longer be written to")
    return other


async def _treatment(session: AsyncSession, user: User, other_id: str) -> tuple[User, Treatment] | None:
    if not ID.fullmatch(other_id):  # which no database needs to be asked for, and PostgreSQL may not be
        return None
    query = (
        select(User, Treatment)
        .join(
            Treatment,
            or_(
                and_(Treatment.doctor_id == user.id, Treatment.patient_id == User.id),
                and_(Treatment.patient_id == user.id, Treatment.doctor_id == User.id),
            ),
        )
        .where(User.id == other_id)
    )
    row = (await session.execute(query)).first()
    return None if row is None else (row[0], row[1])


def _sides(user: User) -> tuple[InstrumentedAttribute[str], InstrumentedAttribute[str]]:
    if user.role is Role.DOCTOR:
        return Treatment.doctor_id, Treatment.patient_id
    return Treatment.patient_id, Treatment.doctor_id
