"""Connections of our own, for drivers of services that are spoken to over sockets: made in time, kept for later."""

from __future__ import annotations

__all__: list[str] = []
