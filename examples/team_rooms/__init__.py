"""Rooms for a team: messages, presence and an activity feed. README.md, beside this file, shows the way around."""

from __future__ import annotations

from examples.team_rooms.app import create_app

__all__ = ["create_app"]
