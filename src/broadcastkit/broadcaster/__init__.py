"""The objects behind the functions: named connections, rules, a delivery and an error policy.

Both colours render, read outcomes and decide about errors with the same functions; only sending differs.
"""

from __future__ import annotations

from broadcastkit.broadcaster.asynchronous import AsyncBroadcaster
from broadcastkit.broadcaster.base import ErrorPolicy, Observer
from broadcastkit.broadcaster.sync import Broadcaster

__all__ = ["AsyncBroadcaster", "Broadcaster", "ErrorPolicy", "Observer"]
