"""Messages whose end somebody wants to know of: when they no longer wait anywhere."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import Any, Self

from broadcastkit.core.message import Message, TracedMessage
from broadcastkit.core.repeats import Claim

__all__ = ["Watched", "settle"]

_log = logging.getLogger("broadcastkit.delivery")


class Watched(TracedMessage):
    """A message that tells when a delivery is done with it: sent, given up or dropped, once for each connection."""

    on_settled: Callable[[], None] | None = None
    claim: Claim | None = None
    """What whoever sends it at last is to free, in whichever process; see `Delivery.carries`."""

    @classmethod
    def of(cls, message: Message, on_settled: Callable[[], None]) -> Self:
        """Return the message as one that is watched."""
        watched = cls._make(message)
        watched.on_settled = on_settled
        if isinstance(message, TracedMessage):
            watched.trace, watched.id = message.trace, message.id
        return watched

    def _replace(self, **values: Any) -> Self:
        other = super()._replace(**values)
        other.on_settled, other.claim = self.on_settled, self.claim
        return other


def settle(messages: Iterable[Message]) -> None:
    """Tell of each message that is watched that this delivery is done with it. May wait: let go of locks before."""
    for message in messages:
        if isinstance(message, Watched) and message.on_settled is not None:
            try:
                message.on_settled()
            except Exception:  # noqa: BLE001 - it must not end the background
                _log.exception("on_settled failed", extra={"broadcast_event": message.event})
