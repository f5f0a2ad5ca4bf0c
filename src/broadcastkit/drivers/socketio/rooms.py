"""Who is in a room of a python-socketio server in this process."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from broadcastkit.drivers.base import ChannelInfo

__all__ = ["Rooms"]


class Rooms:
    """The rooms of one namespace; a room has the full name of its channel."""

    def __init__(self, manager: Any, namespace: str) -> None:
        self._manager = manager
        self._namespace = namespace

    def info(self, channel_name: str, info: Sequence[str]) -> ChannelInfo:
        """Return whether there are clients in a channel's room, and how many if that is asked for."""
        clients = sum(1 for _ in self._manager.get_participants(self._namespace, channel_name))
        return ChannelInfo(occupied=clients > 0, subscription_count=clients if "subscription_count" in info else None)
