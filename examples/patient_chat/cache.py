"""Pages of history that were read lately. A change in a conversation makes all of its pages be read anew."""

from __future__ import annotations

import json
from collections import OrderedDict
from typing import Any, Protocol

__all__ = ["MemoryPages", "Pages", "RedisPages"]

KEPT = 500
SECONDS = 300


class Pages(Protocol):
    async def version(self, conversation_id: str) -> int:
        """Return what a page is kept under: ask before reading from the database, so that no old one is kept as new."""
        ...

    async def get(self, conversation_id: str, version: int, page: str) -> Any | None: ...

    async def put(self, conversation_id: str, version: int, page: str, value: Any) -> None: ...

    async def changed(self, conversation_id: str) -> None:
        """Say, after the commit, that something in a conversation is other than before."""
        ...


class MemoryPages:
    """For one process."""

    def __init__(self) -> None:
        self._versions: dict[str, int] = {}
        self._pages: OrderedDict[tuple[str, int, str], Any] = OrderedDict()

    async def version(self, conversation_id: str) -> int:
        return self._versions.get(conversation_id, 0)

    async def get(self, conversation_id: str, version: int, page: str) -> Any | None:
        return self._pages.get((conversation_id, version, page))

    async def put(self, conversation_id: str, version: int, page: str, value: Any) -> None:
        self._pages[conversation_id, version, page] = value
        while len(self._pages) > KEPT:
            self._pages.popitem(last=False)

    async def changed(self, conversation_id: str) -> None:
        self._versions[conversation_id] = self._versions.get(conversation_id, 0) + 1


class RedisPages:
    """For several."""

    def __init__(self, client: Any, prefix: str = "patient_chat:pages") -> None:
        self._client = client
        self._prefix = prefix

    async def version(self, conversation_id: str) -> int:
        return int(await self._client.get(f"{self._prefix}:{conversation_id}") or 0)

    async def get(self, conversation_id: str, version: int, page: str) -> Any | None:
        found = await self._client.get(f"{self._prefix}:{conversation_id}:{version}:{page}")
        return None if found is None else json.loads(found)

    async def put(self, conversation_id: str, version: int, page: str, value: Any) -> None:
        await self._client.set(f"{self._prefix}:{conversation_id}:{version}:{page}", json.dumps(value), ex=SECONDS)

    async def changed(self, conversation_id: str) -> None:
        # it outlives every page that was kept under an earlier one
        key = f"{self._prefix}:{conversation_id}"
        async with self._client.pipeline(transaction=True) as pipe:
            pipe.incr(key)
            pipe.expire(key, 24 * 3600)
            await pipe.execute()
