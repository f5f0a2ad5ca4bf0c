"""What a relay does with the events that it has claimed: reads them, sends them, and says what became of them."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import NamedTuple

from broadcastkit.delivery.envelope import Envelope
from broadcastkit.delivery.outbox.base import Claimed, Failed
from broadcastkit.delivery.outcomes import WrongOutcomesError, one_each
from broadcastkit.drivers.base import Driver, Outcome
from broadcastkit.errors import BroadcastError, ConfigurationError

__all__ = ["ClaimedEvent", "outcomes_of", "read", "report"]

_log = logging.getLogger("broadcastkit.relay")


class ClaimedEvent(NamedTuple):
    """A claimed row, read; `envelope` is None where it is none of ours."""

    claimed: Claimed
    envelope: Envelope | None
    error: BroadcastError | None = None

    @property
    def connection(self) -> str:
        """The name of its connection."""
        return "" if self.envelope is None else self.envelope.connection

    @property
    def weight(self) -> int:
        """The channels it takes in a request; one that failed before is sent alone, to spoil it for nobody."""
        return 0 if self.envelope is None or self.claimed.attempts else len(self.envelope.message.channels)


def read(claimed: Claimed) -> ClaimedEvent:
    """Read what a row holds."""
    try:
        return ClaimedEvent(claimed, Envelope.from_json(claimed.text))
    except BroadcastError as error:
        return ClaimedEvent(claimed, None, error)


def outcomes_of(driver: Driver | Exception, chunk: Sequence[ClaimedEvent]) -> Sequence[Outcome | Exception]:
    """Send events, and return what became of each; a driver that there is none of is an error."""
    messages = [row.envelope.message for row in chunk if row.envelope is not None]
    if len(messages) < len(chunk):
        return [row.error or ConfigurationError("not sent") for row in chunk]
    try:
        if isinstance(driver, Exception):
            raise driver  # noqa: TRY301 - every message's outcome
        return one_each(driver, messages, driver.send(messages))
    except Exception as error:  # noqa: BLE001 - a relay goes on, whatever a driver of somebody's raises
        return [error] * len(chunk)


def report(row: ClaimedEvent, error: Exception, verdict: Failed) -> None:
    """Log what became of an event, without its payload."""
    event = None if row.envelope is None else row.envelope.message.event
    extra = {
        "broadcast_outbox_id": row.claimed.id,
        "broadcast_id": None if row.envelope is None else row.envelope.id,
        "broadcast_event": event,
        "broadcast_connection": row.connection,
        "broadcast_attempt": row.claimed.attempts + 1,
        "broadcast_error": verdict.error,
    }
    # what is none of our errors may quote a payload
    text = str(error) if isinstance(error, (BroadcastError, WrongOutcomesError)) else verdict.error
    if verdict.delay is None:
        _log.error("event %d (%r) is dead: %s", row.claimed.id, event, text, extra=extra)
    else:
        words = "event %d (%r) failed at attempt %d; again in %.1f s: %s"
        _log.warning(words, row.claimed.id, event, row.claimed.attempts + 1, verdict.delay, text, extra=extra)
