"""What became of each message, over the requests that its parts went in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from broadcastkit.core.message import Message
from broadcastkit.drivers.base import ChannelInfo, Outcome, Sent
from broadcastkit.drivers.pusher import replies
from broadcastkit.drivers.pusher.requests import Entry
from broadcastkit.errors import BroadcastError, DeliveryError

__all__ = ["Results"]

_SENT = Sent(1)


class Results:
    """What became of some messages so far, and so which of their parts are still to be sent."""

    __slots__ = ("_any_failed", "_held", "_messages", "_results")

    def __init__(self, messages: Sequence[Message]) -> None:
        self._messages = messages
        self._results = [_Result() for _ in messages]
        self._any_failed = False
        # channels of what may be sent again by somebody, which nothing overtakes
        self._held: dict[str, DeliveryError] = {}

    def refused(self, index: int, error: BroadcastError) -> None:
        """Note that a message was refused before anything was sent."""
        self._results[index].error = error

    def open(self, group: list[Entry]) -> list[Entry]:
        """Return what is still to be sent of a group."""
        return [entry for entry in group if self._is_open(entry.of)] if self._any_failed else group

    def _is_open(self, index: int) -> bool:
        if self._results[index].error is None:
            channels = self._messages[index].channels
            held = next((self._held[name] for name in channels if name in self._held), None)
            if held is not None:
                self._fail(index, held)
        return self._results[index].error is None

    def failed(self, group: list[Entry], error: DeliveryError) -> None:
        """Note what came of the request that carried a group, and was about these entries at most."""
        self._any_failed = True
        for entry in group:
            self._fail(entry.of, error)

    def _fail(self, index: int, error: DeliveryError) -> None:
        self._results[index].error = error
        if error.retryable:
            self._held.update(dict.fromkeys(self._messages[index].channels, error))

    def served(self, group: list[Entry], body: dict[str, Any]) -> None:
        """Note for each message which of its channels were served, and what the service said of them."""
        answers = body.get("batch")
        infos = replies.channel_infos(body) if len(group) == 1 else {}
        for position, entry in enumerate(group):
            raw = answers[position] if isinstance(answers, list) and position < len(answers) else None
            said = {entry.channels[0]: replies.channel_info(raw)} if raw and len(group) > 1 else infos
            self._results[entry.of].add(entry, group, said)

    def outcomes(self, fatal: DeliveryError | None) -> list[Outcome]:
        """Return one outcome for each message; `fatal` ended the sending, and is that of what is not complete."""
        return [result.outcome(message, fatal) for result, message in zip(self._results, self._messages, strict=True)]


class _Result:
    """What became of one message so far."""

    __slots__ = ("channels", "delivered", "error", "last", "requests")

    def __init__(self) -> None:
        self.error: BroadcastError | None = None
        self.requests = 0
        self.last: list[Entry] | None = None
        self.delivered: tuple[str, ...] = ()
        self.channels: dict[str, ChannelInfo] | None = None

    def add(self, entry: Entry, group: list[Entry], channels: Mapping[str, ChannelInfo]) -> None:
        """Note that an entry was served, by the request that carried its group."""
        self.delivered += entry.channels
        if self.last is not group:
            self.last = group
            self.requests += 1
        if channels:
            self.channels = {**(self.channels or {}), **channels}

    def outcome(self, message: Message, fatal: DeliveryError | None) -> Outcome:
        """Return what the caller gets: `fatal` ended the sending, and concerns the messages that are not complete."""
        error = self.error
        if error is None and len(self.delivered) < len(message.channels):
            error = fatal
        if error is None:
            if self.channels is None:
                return _SENT if self.requests == 1 else Sent(self.requests)
            return Sent(self.requests, self.channels)
        if self.delivered and isinstance(error, DeliveryError):
            error = error.twin()
            error.delivered = self.delivered
        return error
