"""Ids as the guide's database has them: 24 hexadecimal digits, of which those made later are greater."""

from __future__ import annotations

import itertools
import re
import secrets
import time

__all__ = ["ID", "conversation_id", "new_id"]

ID = re.compile(r"[0-9a-f]{24}")
_PROCESS = secrets.token_hex(5)
_counter = itertools.count(secrets.randbelow(2**23))


def new_id() -> str:
    """Return the second, a random part of this process, and a counter."""
    return f"{int(time.time()):08x}{_PROCESS}{next(_counter) % 2**24:06x}"


def conversation_id(one: str, other: str) -> str:
    """Return `user1_user2`: the same for both."""
    return "_".join(sorted((one, other)))
