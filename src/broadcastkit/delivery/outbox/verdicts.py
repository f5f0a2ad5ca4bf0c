"""What a failed attempt means for its event: never again, or when, and whether it speaks against the event itself.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

from dataclasses import dataclass

from broadcastkit.core.options import EventOptions, check_tries
from broadcastkit.core.retry import OUTAGE
from broadcastkit.delivery.envelope import Envelope
from broadcastkit.delivery.outbox.base import Failed
from broadcastkit.errors import (
    BadRequestError,
    BroadcastError,
    DeliveryError,
    DeviceGoneError,
    FallbackError,
    InvalidInputError,
    RefusedError,
    TooLargeForServiceError,
)

__all__ = ["CAP", "Tries"]

CAP = 60.0
"""Seconds that nothing is put off beyond, whatever the service asks for, unless an event's own `backoff` is longer."""

_HOPELESS = (InvalidInputError, BadRequestError, DeviceGoneError, TooLargeForServiceError)


@dataclass(frozen=True, slots=True)
class Tries:
    """How often an event is tried that the service keeps refusing, and the seconds before the second try.

    An event that can never be sent (too large, malformed) is dead at once. What the service fails at (500, a reply
    that is none) counts, up to `tries`. What is not about the event never counts: no connection, no answer, 401, 403,
    404, 429, 502-504, an open circuit, a connection that is not configured.
    """

    tries: int = 10
    backoff: float = 1.0

    def __post_init__(self) -> None:
        check_tries(self.tries, self.backoff)

    def wait(self, failures: int, error: Exception, jitter: float, *, base: float | None = None) -> float:
        """Return the seconds to wait after so many failures; shortened by up to half, as `jitter` (0 to 1) says.

        What the service asks for is kept to, for a minute: it may ask for years, or for what is no time at all.
        """
        base = self.backoff if base is None else base
        wait = min(max(base, CAP), base * 2.0 ** min(failures - 1, 62)) * (1 + jitter) / 2
        asked = error.retry_after if isinstance(error, DeliveryError) else None
        # in this order, since what is not a number is neither more nor less than another
        return max(wait, min(asked, CAP)) if isinstance(asked, (int, float)) else wait

    def verdict(
        self, id_: int, envelope: Envelope | None, error: Exception, *, attempts: int, refusals: int, jitter: float
    ) -> Failed:
        """Return what becomes of a row. `attempts` and `refusals` count what was before."""
        name = type(error).__name__
        if isinstance(error, _HOPELESS):
            return Failed(id_, name, None, refused=True)
        options = (envelope.message.options if envelope else None) or EventOptions()
        refused = _is_refusal(error)
        if refused and refusals + 1 >= (options.tries or self.tries):
            return Failed(id_, name, None, refused=True)
        delay = self.wait(attempts + 1, error, jitter, base=options.backoff)
        return Failed(id_, name, delay, refused, None if envelope is None else _rest(envelope, error))


def _is_refusal(error: Exception) -> bool:
    if isinstance(error, RefusedError):
        return error.status not in OUTAGE
    # of a function of the application's, and what no driver may raise: it may be the event that makes it
    return isinstance(error, FallbackError) or not isinstance(error, BroadcastError)


def _rest(envelope: Envelope, error: Exception) -> Envelope | None:
    """Return the envelope without the channels that were served."""
    served = error.delivered if isinstance(error, DeliveryError) else ()
    message = envelope.message
    left = tuple(name for name in message.channels if name not in served)
    if not left or len(left) == len(message.channels):
        return None
    return envelope._replace(message=message._replace(channels=left))
