"""Which connections a relay leaves alone for a while, so that an outage touches few events."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass

from broadcastkit.delivery.outbox.verdicts import Tries

__all__ = ["Pauses"]


@dataclass(slots=True)
class _Pause:
    failures: int = 0
    until: float = 0.0


class Pauses:
    """How long each connection is left alone: longer with each failure, until it answers."""

    def __init__(self, policy: Tries) -> None:
        self._policy = policy
        self._pauses: dict[str, _Pause] = {}

    def at(self, now: float) -> list[str]:
        """Return the connections that are left alone at this moment."""
        return [name for name, pause in self._pauses.items() if pause.until > now]

    def note(self, connection: str, errors: Sequence[Exception], *, answered: bool) -> None:
        """Note what came of a request."""
        pause = self._pauses.setdefault(connection, _Pause())
        if answered:
            pause.failures = 0
        if errors:
            pause.failures += 1
            wait = self._policy.wait(pause.failures, errors[-1], random.random())  # noqa: S311
            pause.until = time.monotonic() + wait
