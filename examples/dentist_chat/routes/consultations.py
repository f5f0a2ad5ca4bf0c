"""The API's lists of consultations: a doctor's, a patient's."""

from __future__ import annotations

from fastapi import APIRouter, HTTPException
from sqlalchemy import ColumnElement, func, select, true
from sqlalchemy.ext.asyncio import AsyncSession

from examples.dentist_chat.database import DatabaseSession
from examples.dentist_chat.events import MessageSent
from examples.dentist_chat.identity import CurrentUser
from examples.dentist_chat.limits import limited
from examples.dentist_chat.models import MAX_ID, Consultation, Message, Role, User
from examples.dentist_chat.rules import takes_part
from examples.dentist_chat.schemas import ConsultationView

__all__ = ["listed", "router", "seen_by"]

router = APIRouter(prefix="/api/v2/consultations", tags=["api"], dependencies=[limited("read")])


@router.get("/{doctor_id}")
async def of_doctor(doctor_id: int, user: CurrentUser, session: DatabaseSession) -> list[ConsultationView]:
    check_own(user, Role.DOCTOR, doctor_id)
    return await listed(session, user, Consultation.doctor_id == doctor_id)


@router.get("/patient/{patient_id}")
async def of_patient(patient_id: int, user: CurrentUser, session: DatabaseSession) -> list[ConsultationView]:
    check_own(user, Role.PATIENT, patient_id)
    return await listed(session, user, Consultation.patient_id == patient_id)


def check_own(user: User, role: Role, user_id: int) -> None:
    """Let a patient and a doctor see their own consultations, and an administrator everybody's; 404 for others."""
    own = user.role == role and user.id == user_id
    if not 0 < user_id <= MAX_ID or not (own or user.role == Role.ADMIN):
        raise HTTPException(404, "you have no such consultations")


def seen_by(user: User) -> ColumnElement[bool]:
    return true() if user.role == Role.ADMIN else takes_part(user.id)


async def listed(session: AsyncSession, user: User, which: ColumnElement[bool]) -> list[ConsultationView]:
    """Return consultations, the one with the newest message first, as the user may see them.

    An administrator sees who talks with whom about what, and not what is said.
    """
    newest = select(func.max(Message.id)).where(Message.consultation_id == Consultation.id).scalar_subquery()
    ordered = select(Consultation).where(which, seen_by(user)).order_by(newest.desc().nulls_last(), Consultation.id)
    consultations = (await session.scalars(ordered)).all()
    if user.role == Role.ADMIN:
        return [ConsultationView.of(one) for one in consultations]
    ids = [one.id for one in consultations]
    last, unread = await last_messages(session, ids), await unread_counts(session, user, ids)
    return [
        ConsultationView.of(one, unread_count=unread.get(one.id, 0), last_message=last.get(one.id))
        for one in consultations
    ]


async def last_messages(session: AsyncSession, consultations: list[int]) -> dict[int, MessageSent]:
    newest = select(func.max(Message.id)).where(Message.consultation_id.in_(consultations))
    rows = await session.scalars(select(Message).where(Message.id.in_(newest.group_by(Message.consultation_id))))
    return {row.consultation_id: MessageSent(row) for row in rows}


async def unread_counts(session: AsyncSession, user: User, consultations: list[int]) -> dict[int, int]:
    counted = (
        select(Message.consultation_id, func.count().label("unread"))
        .where(Message.consultation_id.in_(consultations), Message.recipient_id == user.id, Message.read_at.is_(None))
        .group_by(Message.consultation_id)
    )
    return {row.consultation_id: row.unread for row in await session.execute(counted)}
