"""Doctors, patients and what they have written, so that the page shows something at once."""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple

from anyio import to_thread
from argon2 import PasswordHasher
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from examples.patient_chat.database import Database
from examples.patient_chat.models import Message, MessageType, Role, Treatment, User, now

__all__ = ["PASSWORD", "PEOPLE", "TREATMENTS", "seed", "seed_if_empty"]

PASSWORD = "patient-chat-demo"


class Person(NamedTuple):
    fullname: str
    email: str
    role: Role


ANA = Person("Ana Lima", "ana@example.com", Role.PATIENT)
BEN = Person("Ben Okoye", "ben@example.com", Role.PATIENT)
CHIARA = Person("Chiara Conti", "chiara@example.com", Role.PATIENT)
DOE = Person("Dr. John Doe", "doe@example.com", Role.DOCTOR)
SMITH = Person("Dr. Mary Smith", "smith@example.com", Role.DOCTOR)
PEOPLE = [ANA, BEN, CHIARA, DOE, SMITH]
TREATMENTS = [(DOE, ANA), (SMITH, ANA), (DOE, BEN), (SMITH, CHIARA)]

DAY = 24 * 60
SAID = [  # minutes ago, from, to, what
    (2 * DAY + 125, ANA, DOE, "Good morning, Dr. Doe. The cough is still there at night."),
    (2 * DAY + 110, DOE, ANA, "Thank you for telling me. Any fever, or trouble breathing?"),
    (2 * DAY + 104, ANA, DOE, "No fever. It is worse when I lie flat."),
    (2 * DAY + 90, DOE, ANA, "Then raise your head a little with a second pillow, and let us look at it on Thursday."),
    (DAY + 40, DOE, ANA, "Your blood test is back, and all values are fine."),
    (95, BEN, DOE, "Can I take the tablets with breakfast?"),
    (60, SMITH, ANA, "A reminder: your check-up is due this month. Shall I suggest a date?"),
]


async def seed_if_empty(url: str, hasher: PasswordHasher) -> bool:
    """Write the demo's people where there is nobody yet; return whether they are the ones who are there."""
    database = Database(url)
    try:
        await database.create_tables()
        async with database.sessions() as session, session.begin():
            if await session.scalar(select(func.count()).select_from(User)):
                return await session.scalar(select(User.id).where(User.email == DOE.email)) is not None
            await seed(session, hasher)
    finally:
        await database.aclose()
    return True


async def seed(session: AsyncSession, hasher: PasswordHasher) -> None:
    password = await to_thread.run_sync(hasher.hash, PASSWORD)
    users = {one: User(**one._asdict(), password=password) for one in PEOPLE}
    session.add_all(users.values())
    await session.flush()
    session.add_all(
        Treatment(doctor_id=users[doctor].id, patient_id=users[patient].id) for doctor, patient in TREATMENTS
    )
    for minutes, sender, receiver, content in SAID:
        session.add(message(users[sender], users[receiver], content, minutes))


def message(sender: User, receiver: User, content: str, minutes: int) -> Message:
    moment = now() - timedelta(minutes=minutes)
    read = minutes > DAY
    return Message(
        sender=sender,
        receiver=receiver,
        content=content,
        message_type=MessageType.TEXT,
        created_at=moment,
        is_read=read,
        read_at=moment + timedelta(minutes=3) if read else None,
        delivered_at=moment + timedelta(minutes=1) if read else None,
    )
