"""How a check speaks of a driver without doing I/O: the steps it yields, and how it judges what came of them.

`broadcastkit.testing.conformance` has the two shells that perform the steps.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Mapping, Sequence
from itertools import count
from typing import Any, NamedTuple, TypeAlias

from broadcastkit.core.message import Message
from broadcastkit.drivers.base import AsyncDriver, ChannelInfo, Driver, Sent

__all__ = [
    "CHECKED_CHANNELS",
    "Arrival",
    "AtOnce",
    "Close",
    "Do",
    "Received",
    "Step",
    "Steps",
    "Suite",
    "accepted",
    "expect",
    "expect_infos",
]

CHECKED_CHANNELS = ("conformance-a", "conformance-b")
"""The channels that `received` reports about: subscribe to them first."""


class Arrival(NamedTuple):
    """An event that arrived; `data` is the payload after `JSON.parse`."""

    event: str
    channel: str
    data: Any


class Do(NamedTuple):
    """Call a method of the driver; as with every step, a BroadcastError that it raises is the answer."""

    method: str
    args: tuple[Any, ...] = ()
    options: Mapping[str, Any] = {}


class Close(NamedTuple):
    """Close the driver, in its colour's word."""


class AtOnce(NamedTuple):
    """Send from several threads or tasks at once, each its messages one by one; answered with lists of outcomes."""

    workers: Sequence[Sequence[Message]]


class Received(NamedTuple):
    """Ask what has arrived; answered with a list of Arrival, `fence` being the last event sent on each channel."""

    fence: str


Step: TypeAlias = Do | Close | AtOnce | Received
Steps: TypeAlias = Generator[Step, Any, None]


class Suite:
    """The driver under test, what the caller said about it, and how to look at what arrived."""

    def __init__(self, *, listens: bool, socket_id: str | None, too_large: int | None, secrets: Sequence[str]) -> None:
        self.driver: Driver | AsyncDriver
        self.listens = listens
        self.socket_id = socket_id
        self.too_large = too_large
        self.secrets = secrets
        self._fences = count(1)

    def send(self, messages: Sequence[Message]) -> Generator[Do, Any, list[Sent]]:
        """Send messages that the service must accept, and return the outcomes."""
        outcomes = yield Do("send", (messages,))
        return accepted(outcomes, messages)

    def arrived(self, messages: Sequence[Message]) -> Steps:
        """Look whether just these messages arrived, on each channel in order, if the caller can tell."""
        if not self.listens:
            return
        fence = f"conformance.fence.{next(self._fences)}"
        yield from self.send([Message(fence, CHECKED_CHANNELS, "{}")])
        arrivals: Sequence[Arrival] = [Arrival(*arrival) for arrival in (yield Received(fence))]
        for channel in CHECKED_CHANNELS:
            expected = [(m.event, json.loads(m.data)) for m in messages if channel in m.channels]
            found = [(a.event, a.data) for a in arrivals if a.channel == channel and a.event != fence]
            expect(found == expected, f"on {channel!r} arrived\n  {found}\nand not\n  {expected}")


def accepted(outcomes: Any, messages: Sequence[Message]) -> list[Sent]:
    """Return the outcomes if there is one for each message, and each is good."""
    if isinstance(outcomes, BaseException):
        # for a driver's author: not the wrong type, but a service that is not there, or no driver yet
        raise AssertionError(f"send raised {outcomes!r}; is the service there?") from outcomes  # noqa: TRY004
    expect(
        isinstance(outcomes, Sequence) and len(outcomes) == len(messages),
        f"send returned {outcomes!r} for {len(messages)} messages",
    )
    for message, outcome in zip(messages, outcomes, strict=True):
        expect(isinstance(outcome, Sent), f"the outcome of {message!r} is {outcome!r}")
        expect(type(outcome.requests) is int and outcome.requests >= 0, f"a Sent has requests={outcome.requests!r}")
        expect_infos(outcome.channels, f"the outcome of {message!r}")
        expect(set(outcome.channels) <= set(message.channels), f"{outcome!r} has channels that {message!r} has not")
    return list(outcomes)


def expect_infos(infos: Any, what: str) -> None:
    """Fail unless this is a map of channels."""
    fits = isinstance(infos, Mapping) and all(isinstance(info, ChannelInfo) for info in infos.values())
    expect(fits, f"{what} must map channel names to ChannelInfo, not {infos!r}")


def expect(condition: bool, otherwise: str) -> None:  # noqa: FBT001 - reads like assert, which -O would drop
    """Fail unless the condition holds."""
    if not condition:
        raise AssertionError(otherwise)
