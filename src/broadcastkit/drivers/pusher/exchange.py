"""Sending messages: what is asked of the service, in which order, how often, and what came of each message.

Generators of effects: no I/O, no clock, no randomness. Both shells run the same ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from broadcastkit.core.encryption import NONCE_BYTES, MasterKey
from broadcastkit.core.message import Message
from broadcastkit.core.names import ChannelKind, is_socket_id
from broadcastkit.core.payload import check_size
from broadcastkit.core.retry import Retry, is_outage
from broadcastkit.drivers.base import Outcome, Sent
from broadcastkit.drivers.policies import by_policy, policy_of
from broadcastkit.drivers.pusher import replies
from broadcastkit.drivers.pusher.endpoint import Endpoint
from broadcastkit.drivers.pusher.profiles import Feature
from broadcastkit.drivers.pusher.requests import Entry, RequestBuilder, batch_body, event_text, trigger_body
from broadcastkit.drivers.pusher.results import Results
from broadcastkit.drivers.pusher.wire import Exchange, HttpReply, Send, Sleep
from broadcastkit.errors import (
    BadRequestError,
    BroadcastError,
    ConfigurationError,
    DeliveryError,
    PayloadTooLargeError,
    TooLargeForServiceError,
    UnreachableError,
)

__all__ = ["Client", "Sources"]

_ENCRYPTED = ChannelKind.ENCRYPTED.value
# Bytes that request line, query and headers take beside path and body.
_HEADERS_SIZE = 512
_OK = 200
_SENT = Sent(1)
_tuple = tuple.__new__
_PLAIN_YES = frozenset({b"{}", b'{"ok":true}'})


class Sources(NamedTuple):
    """Time and randomness, as arguments."""

    now: Callable[[], float]
    monotonic: Callable[[], float]
    random: Callable[[], float]
    entropy: Callable[[int], bytes]


class Client:
    """Everything about one app at one service that needs no I/O."""

    def __init__(
        self,
        endpoint: Endpoint,
        builder: RequestBuilder,
        *,
        master_key: MasterKey | None,
        retry: Retry,
        sources: Sources,
    ) -> None:
        self._endpoint = endpoint
        self._profile = endpoint.profile
        # whether a plain message needs no look at its size as a request, nor at the kinds of its channels
        self._takes_all = self._profile.request_limit is None and self._profile.takes_every_kind
        self._builder = builder
        self._master_key = master_key
        self._retry = retry
        self._sources = sources

    # -- messages ------------------------------------------------------------------------------------------------

    def send(self, messages: Sequence[Message]) -> Exchange[list[Outcome]]:
        """Send messages in order; returns one outcome each.

        What the service would refuse is refused here, before anything is sent, and touches no other message. After
        what concerns everyone (unreachable, wrong secret) the rest is not tried and has the same outcome, but for
        events with another policy about that. Any other answer fails the events of its request, and what follows on
        their channels if they may be sent again: nothing overtakes them.
        """
        if len(messages) == 1 and self._plain(messages[0]):
            return self._send_plain(messages[0])
        return by_policy(messages, self._retry, self._send_any)

    def _send_any(self, messages: Sequence[Message], retry: Retry) -> Exchange[list[Outcome]]:
        results = Results(messages)
        entries: list[Entry] = []
        for index, message in enumerate(messages):
            try:
                entries += self._entries(index, message)
            except BroadcastError as error:
                results.refused(index, error)
        fatal: DeliveryError | None = None
        for group in self._requests(entries):
            fatal = yield from self._send_group(group, results, retry)
            if fatal is not None:
                break
        return results.outcomes(fatal)

    def _plain(self, message: Message) -> bool:
        """Whether a message is one request as it stands, which nearly every one is."""
        channels = message.channels
        return (
            self._takes_all
            and not message.info
            and len(channels) <= self._profile.channels_limit
            and _ENCRYPTED not in "".join(channels)
        )

    def _send_plain(self, message: Message) -> Exchange[list[Outcome]]:
        """Do for one plain message what _send_any does for all: the shortest way to the wire."""
        event, channels, data, exclude, info, _ = message
        if exclude is not None and not is_socket_id(exclude):
            exclude = None
        try:
            check_size(event, data, self._profile.data_limit)
            body = event_text(event, channels, data, exclude, info).encode()
            reply = yield from self._ask("POST", "/events", body, event, policy_of(message, self._retry))
        except BroadcastError as error:
            return [error]
        return [Sent(1, replies.channel_infos(reply)) if reply else _SENT]

    def _entries(self, index: int, message: Message) -> list[Entry]:
        """Cut one message into what single requests may carry, and check each part's size."""
        event, channels, data, exclude, info, _ = message
        if exclude is None and self._plain(message):
            check_size(event, data, self._profile.data_limit)
            # a NamedTuple's own constructor takes twice as long
            return [_tuple(Entry, (index, event, channels, data, None, ()))]
        if exclude is not None and not is_socket_id(exclude):
            exclude = None  # another protocol's socket id: nobody here has it
        profile = self._profile
        profile.check(channels)
        if Feature.INFO in profile.unsupported:
            info = ()
        entries: list[Entry] = []
        plain = channels
        if _ENCRYPTED in "".join(channels):
            plain = tuple(name for name in channels if not name.startswith(_ENCRYPTED))
            for name in (name for name in channels if name.startswith(_ENCRYPTED)):
                sealed = self._encrypt(name, data)
                check_size(event, sealed, profile.data_limit, plain=data)
                entries.append(Entry(index, event, (name,), sealed, exclude, info))
        if plain:
            check_size(event, data, profile.data_limit)
            step = profile.channels_limit
            parts = [plain] if len(plain) <= step else [plain[at : at + step] for at in range(0, len(plain), step)]
            entries += [Entry(index, event, part, data, exclude, info) for part in parts]
        if profile.request_limit is not None:
            for entry in entries:
                self._check_request_size(entry, profile.request_limit)
        return entries

    def _encrypt(self, channel_name: str, data: str) -> str:
        if self._master_key is None:
            raise ConfigurationError(
                f"{channel_name!r} is an encrypted channel: the driver needs encryption_master_key (base64 of 32 bytes)"
            )
        return self._master_key.encrypt(channel_name, data, nonce=self._sources.entropy(NONCE_BYTES))

    def _check_request_size(self, entry: Entry, limit: int) -> None:
        size = _HEADERS_SIZE + len(self._endpoint.path) + len(trigger_body(entry))
        if size > limit:
            raise PayloadTooLargeError(
                f"event {entry.event!r}: the request would have about {size} bytes, {self._profile.name} takes {limit}",
                event=entry.event,
                size=size,
                limit=limit,
            )

    def _requests(self, entries: list[Entry]) -> list[list[Entry]]:
        """Group entries into requests: single events, or batches where those are fewer."""
        if len(entries) <= 1:
            return [entries]
        singles = entries
        if any(len(entry.channels) > 1 for entry in entries):
            singles = [one for entry in entries for one in _per_channel(entry)]
        batches = list(self._batches(singles))
        return batches if len(batches) < len(entries) else [[entry] for entry in entries]

    def _batches(self, singles: list[Entry]) -> Iterator[list[Entry]]:
        limit = self._profile.request_limit
        if limit is None:
            most = self._profile.batch_limit
            yield from (singles[at : at + most] for at in range(0, len(singles), most))
            return
        batch: list[Entry] = []
        size = _HEADERS_SIZE
        for single in singles:
            length = len(trigger_body(single)) + 1
            if batch and (len(batch) == self._profile.batch_limit or size + length > limit):
                yield batch
                batch, size = [], _HEADERS_SIZE
            batch.append(single)
            size += length
        if batch:
            yield batch

    def _send_group(self, group: list[Entry], results: Results, retry: Retry) -> Exchange[DeliveryError | None]:
        """Make one request; returns an error that makes trying the others useless, or None."""
        group = results.open(group)
        if not group:
            return None
        try:
            if len(group) == 1:
                reply = yield from self._ask("POST", "/events", trigger_body(group[0]), group[0].event, retry)
            else:
                about = f"{len(group)} events"
                reply = yield from self._ask("POST", "/batch_events", batch_body(group), about, retry)
        except DeliveryError as error:
            if is_outage(error):
                return error
            if len(group) == 1 or not isinstance(error, BadRequestError | TooLargeForServiceError):
                results.failed(group, error)
                return None
            # one entry spoilt the batch, and none of it was sent: ask about each for itself
            for entry in group:
                fatal = yield from self._send_group([entry], results, retry)
                if fatal is not None:
                    return fatal
            return None
        results.served(group, reply)
        return None

    # -- requests ------------------------------------------------------------------------------------------------

    def query(self, method: str, suffix: str, params: dict[str, str], body: bytes = b"") -> Exchange[dict[str, Any]]:
        """Make any other signed request of the app, and return its JSON object."""
        return self._ask(method, suffix, body, params, self._retry)

    def _ask(
        self, method: str, suffix: str, body: bytes, about: str | dict[str, str], retry: Retry
    ) -> Exchange[dict[str, Any]]:
        """Make a request, trying again as the policy says; signed anew each time, since a signature grows old.

        `about` is the event's name (or what a batch holds), or the query parameters of anything else.
        """
        sources = self._sources
        started = sources.monotonic()
        attempt = 0
        while True:
            attempt += 1
            timestamp = int(sources.now())
            if isinstance(about, str):
                request = self._builder.post_events(suffix, body, timestamp=timestamp)
            else:
                request = self._builder.request(method, suffix, about, body, timestamp=timestamp)
            reply = yield Send(request)
            try:
                return self._read(reply, method, suffix, about, body)
            except DeliveryError as error:
                elapsed = sources.monotonic() - started
                wait = retry.wait(error, attempt=attempt, elapsed=elapsed, jitter=sources.random())
                if wait is None:
                    raise
            yield Sleep(wait)

    def _read(
        self,
        reply: HttpReply | UnreachableError | None,
        method: str,
        suffix: str,
        about: str | dict[str, str],
        body: bytes,
    ) -> dict[str, Any]:
        if isinstance(reply, HttpReply) and reply.status == _OK and reply.body in _PLAIN_YES:
            return {}
        what = f"event {about!r}" if suffix == "/events" else f"{method} {suffix}"
        if isinstance(reply, HttpReply):
            what = f"{what} was refused by {self._endpoint.origin}"
            return replies.read(reply, what, sent=body, now=self._sources.now())
        if reply is None:
            raise TypeError("a Send is answered with a reply")
        raise type(reply)(f"{what} did not reach {self._endpoint.origin}: {reply}") from reply


def _per_channel(entry: Entry) -> list[Entry]:
    if len(entry.channels) == 1:
        return [entry]
    of, event, channels, data, exclude, info = entry
    return [_tuple(Entry, (of, event, (name,), data, exclude, info)) for name in channels]
