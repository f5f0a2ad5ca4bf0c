"""Pusher's HTTP API: requests, replies and exchange are pure; driver has the two shells, http the I/O."""

from __future__ import annotations

from broadcastkit.core.retry import Retry
from broadcastkit.drivers.pusher.driver import AsyncPusherDriver, PusherDriver
from broadcastkit.drivers.pusher.profiles import Feature, Profile

__all__ = ["AsyncPusherDriver", "Feature", "Profile", "PusherDriver", "Retry"]
