"""What a server remembers of one client's connection."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["Connection", "Member", "User"]


class Member(NamedTuple):
    """Who a connection is on a presence channel; `info` is JSON text, or None if there is none."""

    user_id: str
    info: str | None


class User(NamedTuple):
    """Who signed in on a connection; `info` is JSON text, or None if there is none."""

    id: str
    info: str | None


class Connection:
    """One connection of one app. The hub alone writes to it; the protocol reads it. Compared by identity."""

    __slots__ = ("channels", "socket_id", "user")

    def __init__(self, socket_id: str) -> None:
        self.socket_id: str = socket_id
        self.channels: dict[str, Member | None] = {}
        """Its subscriptions, and who it is on the presence channels among them."""
        self.user: User | None = None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.socket_id}>"
