"""Passwords: argon2, off the event loop, and as slow for people who do not exist."""

from __future__ import annotations

import secrets
from functools import cache

from anyio import to_thread
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

__all__ = ["fits", "hash_password"]

_hasher = PasswordHasher()


def hash_password(password: str, hasher: PasswordHasher = _hasher) -> str:
    return hasher.hash(password)


@cache
def _nobodys() -> str:
    return _hasher.hash(secrets.token_hex())


async def fits(password: str, password_hash: str | None) -> bool:
    """Whether a password is the one; without a hash, after as long a time, it is not."""
    return await to_thread.run_sync(_fits, password, password_hash)


def _fits(password: str, password_hash: str | None) -> bool:
    try:
        _hasher.verify(password_hash or _nobodys(), password)
    except (VerificationError, InvalidHashError):
        return False
    return password_hash is not None
