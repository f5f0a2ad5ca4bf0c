"""For the practice: who is a doctor, and who treats whom.

python -m examples.patient_chat.manage add-doctor "Dr. John Doe" doe@example.com     (asks for a password)
python -m examples.patient_chat.manage treat doe@example.com ana@example.com
python -m examples.patient_chat.manage end-treatment doe@example.com ana@example.com
"""

from __future__ import annotations

import argparse
import asyncio
import getpass
import os
import sys
from collections.abc import Sequence

from argon2 import PasswordHasher
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from examples.patient_chat.accounts import Accounts
from examples.patient_chat.database import Database
from examples.patient_chat.errors import Problem
from examples.patient_chat.models import Role, Treatment, User, now
from examples.patient_chat.schemas import Registration
from examples.patient_chat.settings import Settings

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None, *, hasher: PasswordHasher | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    add = commands.add_parser("add-doctor")
    add.add_argument("fullname")
    add.add_argument("email")
    for name in ("treat", "end-treatment"):
        command = commands.add_parser(name)
        command.add_argument("doctor")
        command.add_argument("patient")
    given = parser.parse_args(arguments)
    try:
        asyncio.run(run(given, Settings.from_env(os.environ, demo=True), hasher or PasswordHasher()))
    except (Problem, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


async def run(given: argparse.Namespace, settings: Settings, hasher: PasswordHasher) -> None:
    database = Database(settings.database_url)
    try:
        await database.create_tables()
        if given.command == "add-doctor":
            accounts = Accounts(database.sessions, settings.jwt_secret, settings.token_lifetime, hasher)
            form = Registration(fullname=given.fullname, email=given.email, password=getpass.getpass())
            await accounts.register(form, Role.DOCTOR)
        else:
            async with database.sessions() as session, session.begin():
                await treat(session, given.doctor, given.patient, ends=given.command == "end-treatment")
    finally:
        await database.aclose()


async def treat(session: AsyncSession, doctor: str, patient: str, *, ends: bool) -> None:
    ids = [await _id(session, doctor, Role.DOCTOR), await _id(session, patient, Role.PATIENT)]
    known = select(Treatment).where(Treatment.doctor_id == ids[0], Treatment.patient_id == ids[1])
    treatment = await session.scalar(known)
    if treatment is None:
        treatment = Treatment(doctor_id=ids[0], patient_id=ids[1])
        session.add(treatment)
    treatment.ended_at = now() if ends else None


async def _id(session: AsyncSession, email: str, role: Role) -> str:
    found = await session.scalar(select(User.id).where(User.email == email.lower(), User.role == role))
    if found is None:
        raise Problem(404, f"There is no {role} with the email address {email}")
    return found


if __name__ == "__main__":
    sys.exit(main())
