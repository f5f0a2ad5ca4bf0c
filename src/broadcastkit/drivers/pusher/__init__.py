"""Pusher's HTTP API: requests, replies and exchange are pure; driver has the two shells, transport the I/O."""

from __future__ import annotations

from broadcastkit.core.retry import Retry
from broadcastkit.drivers.pusher.driver import AsyncPusherDriver, PusherDriver
from broadcastkit.drivers.pusher.profiles import Profile

__all__ = ["AsyncPusherDriver", "Profile", "PusherDriver", "Retry"]
