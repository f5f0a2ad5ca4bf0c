"""Make an account, where there is no seed: `python -m examples.marketplace.account "Eve" eve@example.com seller`.

The password is asked for, or read from the standard input.
"""

from __future__ import annotations

import argparse
import asyncio
import getpass
import os
import sys

from sqlalchemy.exc import IntegrityError

from broadcastkit.errors import ConfigurationError
from examples.marketplace.database import connect, create_tables, sessions_of
from examples.marketplace.models import Role, User
from examples.marketplace.passwords import hash_password
from examples.marketplace.settings import Settings

__all__ = ["add", "main"]

SHORTEST = 12


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name")
    parser.add_argument("email")
    parser.add_argument("role", choices=list(Role), type=Role)
    asked = parser.parse_args()
    password = getpass.getpass() if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
    if len(password) < SHORTEST:
        return fail(f"A password has at least {SHORTEST} characters.")
    try:
        url = Settings.from_env(os.environ).database_url
        asyncio.run(add(url, asked.name, asked.email, asked.role, password))
    except ConfigurationError as error:
        return fail(str(error))
    except IntegrityError:
        return fail(f"There is an account for {asked.email}.")
    return 0


async def add(url: str, name: str, email: str, role: Role, password: str) -> None:
    engine = connect(url)
    try:
        await create_tables(engine)
        async with sessions_of(engine)() as db:
            db.add(User(name=name, email=email.strip().lower(), role=role, password_hash=hash_password(password)))
            await db.commit()
    finally:
        await engine.dispose()


def fail(message: str) -> int:
    print(message, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
