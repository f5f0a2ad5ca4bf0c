"""Who is connected: a user with several tabs is there once. In memory, or in the Redis that processes share."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable
from typing import Any, Protocol

__all__ = ["LEASE", "MemoryOnline", "Online", "RedisOnline"]

LEASE = 60.0
"""Seconds for which a connection counts without being renewed: how long a killed process is believed."""


class Online(Protocol):
    async def came(self, user_id: str, sid: str, token_id: str) -> bool:
        """Note a connection; return whether it is the user's first."""
        ...

    async def went(self, user_id: str, sid: str, token_id: str) -> bool:
        """Forget a connection; return whether it was the user's last."""
        ...

    async def among(self, user_ids: Iterable[str]) -> set[str]:
        """Return who of these is connected."""
        ...

    async def sids(self, user_id: str, token_id: str) -> list[str]:
        """Return the connections that a user has by one token."""
        ...

    async def renew(self, connections: Iterable[tuple[str, str, str]]) -> list[str]:
        """Say that these are still there (user, sid, token); return users whose process died and let them go."""
        ...

    async def aclose(self) -> None: ...


class MemoryOnline:
    """For one process."""

    def __init__(self) -> None:
        self._connections: defaultdict[str, dict[str, str]] = defaultdict(dict)

    async def came(self, user_id: str, sid: str, token_id: str) -> bool:
        self._connections[user_id][sid] = token_id
        return len(self._connections[user_id]) == 1

    async def went(self, user_id: str, sid: str, token_id: str) -> bool:
        known = self._connections[user_id].pop(sid, None) == token_id
        last = not self._connections[user_id]
        if last:
            del self._connections[user_id]
        return known and last

    async def among(self, user_ids: Iterable[str]) -> set[str]:
        return {one for one in user_ids if one in self._connections}

    async def sids(self, user_id: str, token_id: str) -> list[str]:
        return [sid for sid, token in self._connections.get(user_id, {}).items() if token == token_id]

    async def renew(self, connections: Iterable[tuple[str, str, str]]) -> list[str]:
        del connections
        return []

    async def aclose(self) -> None: ...


class RedisOnline:
    """For several: a sorted set for each user, of connections by when their lease ends, and one of all users."""

    def __init__(self, client: Any, *, prefix: str = "patient_chat:online", lease: float = LEASE) -> None:
        self._client = client
        self._lease = lease
        self._users = f"{prefix}:users"
        self._prefix = prefix

    async def came(self, user_id: str, sid: str, token_id: str) -> bool:
        key, moment = self._key(user_id), time.time()
        async with self._client.pipeline(transaction=True) as pipe:
            pipe.zremrangebyscore(key, "-inf", moment)
            pipe.zcard(key)
            self._hold(pipe, user_id, sid, token_id, moment + self._lease)
            _, before, *_ = await pipe.execute()
        return int(before) == 0

    async def went(self, user_id: str, sid: str, token_id: str) -> bool:
        key = self._key(user_id)
        async with self._client.pipeline(transaction=True) as pipe:
            pipe.zrem(key, f"{token_id}/{sid}")
            pipe.zremrangebyscore(key, "-inf", time.time())
            pipe.zcard(key)
            known, _, left = await pipe.execute()
        last = bool(known) and int(left) == 0
        if last:
            await self._client.zrem(self._users, user_id)
        return last

    async def among(self, user_ids: Iterable[str]) -> set[str]:
        asked, moment = list(user_ids), time.time()
        async with self._client.pipeline(transaction=False) as pipe:
            for one in asked:
                pipe.zcount(self._key(one), moment, "+inf")
            counts = await pipe.execute()
        return {one for one, count in zip(asked, counts, strict=True) if count}

    async def sids(self, user_id: str, token_id: str) -> list[str]:
        members = await self._client.zrangebyscore(self._key(user_id), time.time(), "+inf")
        return [sid for token, _, sid in (str(one).partition("/") for one in members) if token == token_id]

    async def renew(self, connections: Iterable[tuple[str, str, str]]) -> list[str]:
        moment = time.time()
        async with self._client.pipeline(transaction=False) as pipe:
            for user_id, sid, token_id in connections:
                self._hold(pipe, user_id, sid, token_id, moment + self._lease)
            await pipe.execute()
        overdue = await self._client.zrangebyscore(self._users, "-inf", moment)
        # each process sees them; the one that removes a user tells of it
        return [str(one) for one in overdue if await self._client.zrem(self._users, one)]

    async def aclose(self) -> None:
        await self._client.aclose()

    def _hold(self, pipe: Any, user_id: str, sid: str, token_id: str, until: float) -> None:
        key = self._key(user_id)
        pipe.zadd(key, {f"{token_id}/{sid}": until})
        pipe.expire(key, int(self._lease) + 1)
        pipe.zadd(self._users, {user_id: until})

    def _key(self, user_id: str) -> str:
        return f"{self._prefix}:user:{user_id}"
