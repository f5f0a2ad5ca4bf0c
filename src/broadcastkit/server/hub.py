"""Who hears what: the connections, channels, rosters and signed-in users of one app, in memory.

No I/O and no clock. Every change returns what is to be delivered, in order; the shell delivers it. Not
thread-safe: whoever uses it from several threads holds a lock around each call.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

from broadcastkit.core.message import Message
from broadcastkit.core.names import ChannelKind, parse_channel_name
from broadcastkit.server import frames
from broadcastkit.server.cache import Cached, EventCache
from broadcastkit.server.connection import Connection, Member, User
from broadcastkit.server.frames import quoted
from broadcastkit.server.settings import Limits
from broadcastkit.webhooks.events import AnyWebhookEvent, read_event

__all__ = ["Delivery", "Hub"]

C = TypeVar("C", bound=Connection)


class Delivery(NamedTuple, Generic[C]):
    """One frame, written once, for any number of connections."""

    frame: str
    to: Sequence[C]


class _Presence(NamedTuple):
    """A user in a presence channel: what the first connection told of them, and which ones they are on."""

    member: Member
    connections: set[Connection]


class Hub(Generic[C]):
    """The state of one app.

    A user who is in a presence channel on several connections is one member: announced with the first of them,
    gone with the last.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._connections: dict[str, C] = {}
        # dicts keep the order of arrival, which sets do not
        self._channels: dict[str, dict[C, None]] = {}
        self._rosters: dict[str, dict[str, _Presence]] = {}
        self._users: dict[str, dict[C, None]] = {}
        self._cache = EventCache(size=limits.cached_channels, ttl=limits.cache_ttl)
        self.notes: list[AnyWebhookEvent] | None = None
        """What webhooks would tell of, in order, until somebody takes it; None where nobody wants to know."""

    # -- connections -----------------------------------------------------------------------------------------

    @property
    def connection_count(self) -> int:
        """How many connections are open."""
        return len(self._connections)

    def connections(self) -> list[C]:
        """Return all connections."""
        return list(self._connections.values())

    def knows(self, socket_id: str) -> bool:
        """Whether a connection has this socket id."""
        return socket_id in self._connections

    def connect(self, connection: C) -> None:
        """Add a connection; its socket id must be new."""
        self._connections[connection.socket_id] = connection

    def disconnect(self, connection: C) -> list[Delivery[C]]:
        """Take a connection out of everything. Doing so twice is no harm."""
        if self._connections.get(connection.socket_id) is not connection:
            return []
        deliveries: list[Delivery[C]] = []
        for channel in list(connection.channels):
            deliveries += self.unsubscribe(connection, channel)
        if connection.user is not None:
            _discard(self._users, connection.user.id, connection)
            connection.user = None
        del self._connections[connection.socket_id]
        return deliveries

    def sign_in(self, connection: C, user: User, user_data: str) -> list[Delivery[C]]:
        """Note who is behind a connection, and tell it so."""
        connection.user = user
        self._users.setdefault(user.id, {})[connection] = None
        return [Delivery(frames.signin_success(user_data), [connection])]

    def connections_of(self, user_id: str) -> list[C]:
        """Return the connections on which a user has signed in."""
        return list(self._users.get(user_id, ()))

    # -- subscriptions ---------------------------------------------------------------------------------------

    def subscribe(self, connection: C, channel: str, member: Member | None, now: float) -> list[Delivery[C]]:
        """Add a connection to a channel and return what it and the others are told.

        A connection that is in the channel already is told so again, and stays who it is.
        """
        deliveries: list[Delivery[C]] = []
        if channel not in connection.channels:
            refusal = self._refusal(channel, member)
            if refusal is not None:
                return [Delivery(refusal, [connection])]
            deliveries = self._join(connection, channel, member)
        roster = None if member is None else {i: p.member.info for i, p in self._rosters[channel].items()}
        deliveries.append(Delivery(frames.subscription_succeeded(channel, roster), [connection]))
        if parse_channel_name(channel).cache:
            deliveries.append(Delivery(self._cached_frame(channel, now), [connection]))
        return deliveries

    def _refusal(self, channel: str, member: Member | None) -> str | None:
        limits = self._limits
        if channel not in self._channels and len(self._channels) >= limits.channels:
            message = f"The app has at most {limits.channels} channels"
            return frames.subscription_error(channel, "LimitReached", message, 4100)
        roster = self._rosters.get(channel, {})
        if member is not None and member.user_id not in roster and len(roster) >= limits.presence_members:
            message = f"A presence channel has at most {limits.presence_members} members"
            return frames.subscription_error(channel, "LimitReached", message, 4100)
        return None

    def _join(self, connection: C, channel: str, member: Member | None) -> list[Delivery[C]]:
        if channel not in self._channels:
            self._note("channel_occupied", channel)
        others = self._channels.setdefault(channel, {})
        deliveries: list[Delivery[C]] = []
        if member is not None:
            roster = self._rosters.setdefault(channel, {})
            if member.user_id not in roster:
                roster[member.user_id] = _Presence(member, set())
                deliveries = _to_all(frames.member_added(channel, member), others)
                self._note("member_added", channel, user_id=member.user_id)
            roster[member.user_id].connections.add(connection)
        others[connection] = None
        connection.channels[channel] = member
        return deliveries

    def unsubscribe(self, connection: C, channel: str) -> list[Delivery[C]]:
        """Take a connection out of a channel and return what the others are told."""
        if channel not in connection.channels:
            return []
        member = connection.channels.pop(channel)
        _discard(self._channels, channel, connection)
        deliveries = [] if member is None else self._take_out(connection, channel, member)
        if channel not in self._channels:
            self._note("channel_vacated", channel)
        return deliveries

    def _take_out(self, connection: C, channel: str, member: Member) -> list[Delivery[C]]:
        """Take a connection out of the roster, and its user if it was the last one."""
        roster = self._rosters[channel]
        there = roster[member.user_id].connections
        there.discard(connection)
        if there:
            return []
        del roster[member.user_id]
        if not roster:
            del self._rosters[channel]
        self._note("member_removed", channel, user_id=member.user_id)
        return _to_all(frames.member_removed(channel, member.user_id), self._channels.get(channel, {}))

    # -- messages --------------------------------------------------------------------------------------------

    def relay(self, sender: C, channel: str, frame: str) -> list[Delivery[C]]:
        """Pass a client event on to the other subscribers of a channel."""
        if self.notes is not None:
            self._note("client_event", **(frames.read_object(frame) or {}), socket_id=sender.socket_id)
        return _to_all(frame, self._channels.get(channel, {}), sender)

    def publish(self, message: Message, now: float) -> list[Delivery[C]]:
        """Return who hears a message, channel by channel; cache channels keep it, also if nobody listens."""
        head, tail = f'{{"event":{quoted(message.event)},"channel":', f',"data":{quoted(message.data)}}}'
        excluded = None if message.exclude is None else self._connections.get(message.exclude)
        deliveries: list[Delivery[C]] = []
        for channel in message.channels:
            name = parse_channel_name(channel)
            hearers = self._hearers(channel, name.kind, name.bare)
            if not hearers and not name.cache:
                continue
            frame = f"{head}{quoted(channel)}{tail}"
            if name.cache:
                self._cache.put(channel, frame, message.data, now)
            deliveries += _to_all(frame, hearers, excluded)
        return deliveries

    def _hearers(self, channel: str, kind: ChannelKind, bare: str) -> dict[C, None]:
        if kind is ChannelKind.SERVER_TO_USER:
            return self._users.get(bare, {})
        return self._channels.get(channel, {})

    def _cached_frame(self, channel: str, now: float) -> str:
        cached = self._cache.get(channel, now)
        if cached is None:
            self._note("cache_miss", channel)
            return frames.channel_frame(frames.CACHE_MISS, channel, "{}")
        return cached.frame

    def _note(self, name: str, channel: str, **fields: Any) -> None:
        event = None if self.notes is None else read_event({"name": name, "channel": channel, **fields})
        if self.notes is not None and event is not None:
            self.notes.append(event)

    # -- questions -------------------------------------------------------------------------------------------

    def channels(self, prefix: str = "") -> Iterator[str]:
        """Yield the names of occupied channels."""
        return (channel for channel in self._channels if channel.startswith(prefix))

    def subscription_count(self, channel: str) -> int:
        """Return how many connections hear a channel."""
        name = parse_channel_name(channel)
        return len(self._hearers(channel, name.kind, name.bare))

    def users(self, channel: str) -> list[str]:
        """Return the ids of the users in a presence channel, in order of arrival."""
        return list(self._rosters.get(channel, ()))

    def user_count(self, channel: str) -> int:
        """Return how many different users are in a presence channel."""
        return len(self._rosters.get(channel, ()))

    def cached(self, channel: str, now: float) -> Cached | None:
        """Return the last event of a cache channel."""
        return self._cache.get(channel, now)


def _to_all(frame: str, hearers: dict[C, None], but: C | None = None) -> list[Delivery[C]]:
    """Copy the recipients: the channel may change before they are served."""
    to = list(hearers) if but is None else [connection for connection in hearers if connection is not but]
    return [Delivery(frame, to)] if to else []


def _discard(index: dict[str, dict[C, None]], key: str, connection: C) -> None:
    """Take a connection out of an entry, and the entry out of the index when it was the last."""
    entry = index[key]
    entry.pop(connection, None)
    if not entry:
        del index[key]
