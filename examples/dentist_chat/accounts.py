"""Passwords, bearer tokens and sessions."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta
from typing import NamedTuple

from anyio import to_thread
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from examples.dentist_chat.models import SignIn, User, now

__all__ = ["Passwords", "Secret", "end_sign_in", "find_sign_in", "start_sign_in"]


class Passwords:
    """Hashes passwords with Argon2id, which takes its time: never on the event loop."""

    def __init__(self, memory: int) -> None:
        self._hasher = PasswordHasher(time_cost=2, memory_cost=memory, parallelism=1)
        # checked where there is no such account, so that both answers take as long
        self._nobodys = self._hasher.hash(secrets.token_hex())

    def hash(self, password: str) -> str:
        return self._hasher.hash(password)

    async def account(self, session: AsyncSession, email: str, password: str) -> User | None:
        """Return whose email address and password these are."""
        user = await session.scalar(select(User).where(User.email == email.lower()))
        right = await to_thread.run_sync(self._verify, self._nobodys if user is None else user.password_hash, password)
        return user if right else None

    def _verify(self, expected: str, password: str) -> bool:
        try:
            return self._hasher.verify(expected, password)
        except (VerificationError, InvalidHashError):
            return False


class Secret(NamedTuple):
    """What a client keeps: the database has a digest of it."""

    value: str
    sign_in: SignIn

    def __repr__(self) -> str:
        return "<Secret>"


async def start_sign_in(session: AsyncSession, user: User, lifetime: timedelta, *, browser: bool) -> Secret:
    """Make a token for an app or a session for a browser, and forget what has expired."""
    value = secrets.token_urlsafe(32)
    moment = now()
    await session.execute(delete(SignIn).where(SignIn.expires_at < moment))
    sign_in = SignIn(
        user=user,
        digest=_digest(value),
        csrf_token=secrets.token_urlsafe(32) if browser else None,
        expires_at=moment + lifetime,
    )
    session.add(sign_in)
    await session.commit()
    return Secret(value, sign_in)


async def find_sign_in(session: AsyncSession, value: str, *, browser: bool) -> SignIn | None:
    """Return the sign-in of a token or a session, if it is one of that kind and holds still."""
    found = await session.scalar(select(SignIn).where(SignIn.digest == _digest(value), SignIn.expires_at > now()))
    return found if found is not None and (found.csrf_token is not None) is browser else None


async def end_sign_in(session: AsyncSession, sign_in: SignIn) -> None:
    await session.delete(sign_in)
    await session.commit()


def _digest(value: str) -> str:
    # no salt and no slow hash: these are 256 random bits, which nobody guesses
    return hashlib.sha256(value.encode(errors="replace")).hexdigest()
