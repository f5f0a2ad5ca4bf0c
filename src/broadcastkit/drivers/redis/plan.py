"""Sending messages: the commands, which of them to try again, and what came of each message.

A generator of effects: no I/O, no clock, no randomness. Both shells run the same one.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from typing import NamedTuple, TypeAlias, TypeVar

from broadcastkit.core.message import Message
from broadcastkit.core.retry import Retry
from broadcastkit.drivers.base import Outcome, Sent
from broadcastkit.drivers.exchange import Exchange, Run, Sleep, Sources
from broadcastkit.drivers.policies import by_policy
from broadcastkit.drivers.redis.payload import check_carried, message_text
from broadcastkit.drivers.redis_io.wire import Command, Reply
from broadcastkit.errors import BadRequestError, ConfigurationError, DeliveryError, ForbiddenError

__all__ = ["SCRIPT", "Publisher"]

# Laravel's, but that one channel which is refused does not keep the others from being served.
SCRIPT = (
    "local replies = {}\n"
    "for i = 2, #ARGV do\n  replies[i - 1] = redis.pcall('publish', ARGV[i], ARGV[1])\nend\n"
    "return replies"
)
T = TypeVar("T")
_SENT = Sent(1)
_tuple = tuple.__new__


class _Part(NamedTuple):
    """A command, the message that it is of, and the channels that it serves."""

    of: int
    channels: tuple[str, ...]
    command: Command


_Replied: TypeAlias = tuple[_Part, Reply]
_Exchange: TypeAlias = Exchange[Command, Reply, T]


class Publisher:
    """Everything about publishing that needs no I/O.

    A message to several channels is one script, which takes its text over the wire once. Where scripts are forbidden,
    it is published to each channel by itself; so it is on a cluster, as one command after the other.
    """

    def __init__(self, *, prefix: str, where: str, cluster: bool, retry: Retry, sources: Sources) -> None:
        self._prefix = prefix
        self._where = where
        self._cluster = cluster
        self._scripts = False if cluster else None  # None: not known yet
        self._retry = retry
        self._sources = sources

    def send(self, messages: Sequence[Message]) -> _Exchange[list[Outcome]]:
        """Publish messages in order; returns one outcome each.

        A message with a channel that cannot be carried is refused before anything is sent, and touches no other.
        """
        return by_policy(messages, self._retry, self._send)

    def _send(self, messages: Sequence[Message], retry: Retry) -> _Exchange[list[Outcome]]:
        refused: dict[int, ConfigurationError] = {}
        parts: list[_Part] = []
        for index, message in enumerate(messages):
            try:
                if len(message.channels) == 1:
                    parts.append(self._publish(index, message))
                else:
                    parts += self._parts(index, message)
            except ConfigurationError as error:
                refused[index] = error
        replied = yield from self._run(parts, retry)
        if not refused and len(replied) == len(messages) and {type(reply) for _, reply in replied} == {int}:
            return [_SENT] * len(messages)  # one command each, as nearly all are
        replies: list[list[_Replied]] = [[] for _ in messages]
        for pair in replied:
            replies[pair[0].of].append(pair)
        return [
            refused[index] if index in refused else self._outcome(message, replies[index])
            for index, message in enumerate(messages)
        ]

    def _publish(self, index: int, message: Message) -> _Part:
        (name,) = channels = message.channels
        check_carried(name)
        # a NamedTuple's own constructor takes twice as long
        return _tuple(_Part, (index, channels, ("PUBLISH", self._prefix + name, message_text(message))))

    def _parts(self, index: int, message: Message) -> list[_Part]:
        channels, prefix = message.channels, self._prefix
        for name in channels:
            check_carried(name)
        text = message_text(message)
        if self._scripts is False:
            return [_Part(index, (name,), ("PUBLISH", prefix + name, text)) for name in channels]
        names = [prefix + name for name in channels]
        return [_Part(index, channels, ("EVAL", SCRIPT, 0, text, *names))]

    def _run(self, parts: list[_Part], retry: Retry) -> _Exchange[list[_Replied]]:
        """Run the commands and return what came of each.

        The first script ever ends its round trip: if it is refused, what follows must not overtake it.
        """
        done: list[_Replied] = []
        first = next((index for index, part in enumerate(parts) if len(part.channels) > 1), None)
        if self._scripts is None and first is not None:
            done = yield from self._attempt(parts[: first + 1], retry)
            parts = parts[first + 1 :]
            script, reply = done[-1]
            if isinstance(reply, list):
                self._scripts = True
            elif isinstance(reply, ForbiddenError | BadRequestError):
                self._scripts = False
                done.pop()
                parts = [plain for part in (script, *parts) for plain in _plainly(part)]
        return done + (yield from self._attempt(parts, retry)) if parts else done

    def _attempt(self, parts: list[_Part], retry: Retry) -> _Exchange[list[_Replied]]:
        """Run the commands, and those again that failed, each as the policy says of its own reply."""
        sources = self._sources
        started = sources.monotonic()
        replied: list[_Replied] = []
        again: dict[int, float] = {}
        attempt = 0
        while True:
            attempt += 1
            replies = yield Run([parts[at].command for at in again] if again else [part.command for part in parts])
            if replies is None:
                raise TypeError("a Run is answered with replies")
            if again:
                for at, reply in zip(again, replies, strict=True):
                    replied[at] = parts[at], reply
            else:
                replied = list(zip(parts, replies, strict=True))
            errors = [(at, one) for at, (_, one) in enumerate(replied) if isinstance(one, DeliveryError)]
            if not errors:
                return replied
            elapsed, jitter = sources.monotonic() - started, sources.random()
            waits = {at: retry.wait(one, attempt=attempt, elapsed=elapsed, jitter=jitter) for at, one in errors}
            again = {at: wait for at, wait in waits.items() if wait is not None}
            if not again:
                return replied
            yield Sleep(max(again.values()))

    def _outcome(self, message: Message, replies: list[_Replied]) -> Outcome:
        """Return what the caller gets: the first error, which says which channels were served all the same."""
        error: DeliveryError | None = None
        delivered: list[str] = []
        for part, reply in replies:
            each = reply if isinstance(reply, list) else [reply] * len(part.channels)
            for name, one in zip(part.channels, each, strict=True):
                if isinstance(one, DeliveryError):
                    error = error or one
                else:
                    delivered.append(name)
        if error is None:
            return Sent(len(replies) if self._cluster else 1)
        return self._told(error, message, tuple(delivered))

    def _told(self, error: DeliveryError, message: Message, delivered: tuple[str, ...]) -> DeliveryError:
        told = copy(error)
        told.args = (f"event {message.event!r} was not published by {self._where}: {error}",)
        told.delivered = delivered
        told.__cause__ = error.__cause__
        return told


def _plainly(part: _Part) -> list[_Part]:
    if part.command[0] != "EVAL":
        return [part]
    text, names = part.command[3], part.command[4:]
    return [
        _Part(part.of, (channel,), ("PUBLISH", name, text)) for channel, name in zip(part.channels, names, strict=True)
    ]
