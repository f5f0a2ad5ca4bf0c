"""How an event wants to be sent, where it has wishes of its own: class options that travel with its messages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from broadcastkit.core.retry import Retry
from broadcastkit.errors import ConfigurationError

__all__ = ["EventOptions", "check_queue", "check_tries"]


@dataclass(frozen=True, slots=True)
class EventOptions:
    """Each is None where the driver's, or the delivery's, own setting holds.

    `retry` is what a driver does about failures while it sends. The others are for task queues: the queue's name, how
    often its workers try at most, and the seconds before the second try.
    """

    retry: Retry | None = None
    queue: str | None = None
    tries: int | None = None
    backoff: float | None = None

    def __post_init__(self) -> None:
        retry: object = self.retry
        if retry is not None and not isinstance(retry, Retry):
            raise ConfigurationError(f"must be a Retry, not {retry!r}", setting="retry")
        if self.queue is not None:
            check_queue(self.queue)
        check_tries(1 if self.tries is None else self.tries, 0 if self.backoff is None else self.backoff)

    def as_dict(self) -> dict[str, Any]:
        """Return what is set, ready for JSON."""
        return {name: value for name, value in asdict(self).items() if value is not None}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> EventOptions:
        """Read what `as_dict` returned; what a later release may have added is left out.

        Raises:
            ConfigurationError, TypeError: it is something else.
        """
        known = {name: value for name, value in values.items() if name in cls.__slots__}
        if "retry" in known:
            known["retry"] = Retry(**known["retry"])
        return cls(**known)


def check_queue(queue: object) -> str:
    """Return the name of a queue.

    Raises:
        ConfigurationError: it is none.
    """
    if not isinstance(queue, str) or not queue:
        raise ConfigurationError(f"must be the name of a queue, not {queue!r}", setting="queue")
    return queue


def check_tries(tries: object, backoff: object) -> None:
    """Raise ConfigurationError for what is no number of tries, or no number of seconds."""
    if type(tries) is not int or tries < 1:
        raise ConfigurationError(f"must be a number from 1, not {tries!r}", setting="tries")
    if isinstance(backoff, bool) or not isinstance(backoff, (int, float)) or not 0 <= backoff < float("inf"):
        raise ConfigurationError(f"must be a number of seconds from 0, not {backoff!r}", setting="backoff")
