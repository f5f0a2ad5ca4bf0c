"""Whether a driver, which may be anybody's, has said of each message what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from broadcastkit.core.message import Message
from broadcastkit.drivers.base import Outcome, Sent

__all__ = ["WrongOutcomesError", "counted", "one_each"]


class WrongOutcomesError(TypeError):
    """A driver did not return one outcome for each message. The text shows the driver, and nothing that it returned."""


def one_each(driver: object, messages: Sequence[Message], outcomes: object) -> Sequence[Outcome | Exception]:
    """Return what a driver has returned, if that is one outcome for each message; what is none becomes an error.

    Raises:
        WrongOutcomesError: it is no list, or has fewer or more, which would be given to the wrong messages.
    """
    return [
        one if isinstance(one, (Sent, Exception)) else _no_outcome(driver, one)
        for one in counted(driver, len(messages), outcomes)
    ]


def counted(driver: object, asked: int, outcomes: object) -> Sequence[Any]:
    """Return what a driver has returned, if that is as many as were asked for; the quick half of one_each.

    Raises:
        WrongOutcomesError: it is not.
    """
    if type(outcomes) is not list and not isinstance(outcomes, Sequence):
        raise WrongOutcomesError(f"{driver!r} returned a {type(outcomes).__name__}, not a list of outcomes")
    if len(outcomes) != asked:
        raise WrongOutcomesError(f"{driver!r} returned {len(outcomes)} outcomes for {asked} messages")
    return outcomes


def _no_outcome(driver: object, one: object) -> WrongOutcomesError:
    return WrongOutcomesError(f"{driver!r} returned a {type(one).__name__} for a message, which is no outcome")
