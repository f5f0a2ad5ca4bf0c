"""The null driver: drops every message. Rules are still asked, and nothing is signed."""

from __future__ import annotations

from broadcastkit.drivers.serviceless import AsyncServiceless, Serviceless

__all__ = ["AsyncNullDriver", "NullDriver"]


class NullDriver(Serviceless):
    """Drops messages."""


class AsyncNullDriver(AsyncServiceless):
    """The awaited twin of NullDriver."""
