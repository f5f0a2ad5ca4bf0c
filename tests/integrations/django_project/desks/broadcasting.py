"""The rules of another app."""

from __future__ import annotations

from typing import Any

from broadcastkit.integrations.django import channels


@channels.authorize("private-desk.{number}", guest=True)
def open_desk(user: Any | None, number: int) -> bool:
    return number < 10
