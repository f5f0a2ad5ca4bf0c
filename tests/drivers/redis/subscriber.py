"""Listens to Redis as laravel-echo-server does: to everything below a prefix."""

from __future__ import annotations

import json
from itertools import count
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    import redis

__all__ = ["Heard", "Subscriber", "new_prefix"]

WAIT = 10.0
_prefixes = count()


def new_prefix() -> str:
    """Return a prefix that no other test has."""
    return f"test{next(_prefixes)}_"


class Heard(NamedTuple):
    """A message that arrived; `text` is what was published."""

    channel: str
    text: str

    @property
    def event(self) -> str:
        """The event's name."""
        name: str = json.loads(self.text)["event"]
        return name


class Subscriber:
    """What arrives below a prefix, in order."""

    def __init__(self, client: redis.Redis, prefix: str) -> None:
        self._client = client
        self._prefix = prefix
        self._pubsub: Any = client.pubsub()  # type: ignore[no-untyped-call]
        self._pubsub.psubscribe(f"{prefix}*")
        assert self._message()["type"] == "psubscribe"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pubsub.close()
        self._client.close()

    def next(self) -> Heard:
        """Return what arrived, waiting for it if need be."""
        message = self._message()
        return Heard(message["channel"].removeprefix(self._prefix), message["data"])

    def events_until(self, fence: str) -> list[tuple[str, str]]:
        """Return the events before the one named `fence`, with their channels."""
        found: list[tuple[str, str]] = []
        while (heard := self.next()).event != fence:
            found.append((heard.event, heard.channel))
        return found

    def _message(self) -> dict[str, Any]:
        message: dict[str, Any] | None = self._pubsub.get_message(timeout=WAIT)
        assert message is not None, f"nothing arrived within {WAIT} s"
        return message
