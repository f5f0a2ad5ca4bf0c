"""Accounts and conversations for an empty database, so that the page shows something at once."""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from examples.dentist_chat.accounts import Passwords
from examples.dentist_chat.database import Database
from examples.dentist_chat.models import Consultation, Message, Role, TreatmentPlan, User, now

__all__ = ["ACCOUNTS", "PASSWORD", "seed"]

PASSWORD = "open-wide"


class Account(NamedTuple):
    name: str
    email: str
    role: Role


ACCOUNTS = (
    Account("Maya Lindqvist", "maya@ask-dentist.example", Role.PATIENT),
    Account("Dr. Elena Ruiz", "ruiz@ask-dentist.example", Role.DOCTOR),
    Account("Tom Okafor", "tom@ask-dentist.example", Role.PATIENT),
    Account("Dr. Jonas Weber", "weber@ask-dentist.example", Role.DOCTOR),
    Account("Alex Admin", "admin@ask-dentist.example", Role.ADMIN),
)
# patient, doctor, what about
CONSULTATIONS = ((1, 2, "Wisdom tooth"), (3, 2, "Chipped front tooth"), (1, 4, "Whitening"))
# consultation, who writes, what, how many minutes ago
MESSAGES = (
    (3, 4, "Your shade guide has arrived. Shall we choose on Thursday?", 1_500),
    (1, 1, "Hello doctor, my lower left wisdom tooth has been sore since Monday.", 190),
    (1, 2, "Good morning Maya. Is it swollen, or does it hurt when you bite?", 172),
    (1, 1, "A little swollen, and it hurts when I chew on that side.", 165),
    (1, 2, "Thank you. Please rinse with salt water twice a day until we meet.", 160),
    (2, 3, "I chipped a front tooth on a bottle. It does not hurt.", 95),
)
PLAN = (3, "Whitening in two sessions of 45 minutes, with a night guard for two weeks.")


async def seed(database: Database, passwords: Passwords) -> None:
    """Fill a database in which there is nobody; leave any other alone."""
    async with database.session() as session:
        if await session.scalar(select(User.id).limit(1)) is not None:
            return
        await _add_people(session, passwords)
        for consultation_id, sender_id, content, minutes in MESSAGES:
            session.add(await _message(session, consultation_id, sender_id, content, minutes))
        consultation_id, summary = PLAN
        patient_id, doctor_id, _ = CONSULTATIONS[consultation_id - 1]
        session.add(
            TreatmentPlan(consultation_id=consultation_id, patient_id=patient_id, doctor_id=doctor_id, summary=summary)
        )
        await session.commit()


async def _add_people(session: AsyncSession, passwords: Passwords) -> None:
    for name, email, role in ACCOUNTS:
        session.add(User(name=name, email=email, role=role, password_hash=passwords.hash(PASSWORD)))
        await session.flush()  # one after the other, so that their ids are in this order
    for patient_id, doctor_id, subject in CONSULTATIONS:
        session.add(Consultation(patient_id=patient_id, doctor_id=doctor_id, subject=subject))
        await session.flush()


async def _message(session: AsyncSession, consultation_id: int, sender_id: int, content: str, minutes: int) -> Message:
    patient_id, doctor_id, _ = CONSULTATIONS[consultation_id - 1]
    written = now() - timedelta(minutes=minutes)
    # the conversation about the wisdom tooth was read, the others were not yet
    return Message(
        consultation_id=consultation_id,
        sender=await session.get_one(User, sender_id),
        recipient_id=doctor_id if sender_id == patient_id else patient_id,
        content=content,
        created_at=written,
        read_at=written + timedelta(minutes=2) if consultation_id == 1 else None,
    )
