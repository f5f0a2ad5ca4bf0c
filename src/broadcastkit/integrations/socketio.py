"""python-socketio: clients enter rooms where the rules of the application let them.

A channel is the room of its full name, as the drivers of `broadcastkit.drivers.socketio` send to it. The server is
known by its methods: this module imports nothing of python-socketio.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterable
from inspect import isawaitable, iscoroutinefunction
from typing import Any, NamedTuple, TypeAlias

from broadcastkit.authorization import ChannelRegistry, SubscriptionAuth
from broadcastkit.broadcaster import AsyncBroadcaster, Broadcaster
from broadcastkit.channels import Channel
from broadcastkit.core.names import ChannelKind, check_channel_name, parse_channel_name
from broadcastkit.core.patterns import Pattern, compile_pattern
from broadcastkit.drivers.base import NO_SOCKET_ID
from broadcastkit.drivers.null import AsyncNullDriver, NullDriver
from broadcastkit.errors import ConfigurationError, DeniedError, InvalidChannelError
from broadcastkit.integrations.answers import REFUSED, refuse
from broadcastkit.integrations.broadcasters import require_sync
from broadcastkit.integrations.endpoints import signed_in

__all__ = ["AsyncChannelRooms", "ChannelRooms", "Joined"]

UserOf: TypeAlias = Callable[[str], object]
"""Returns the user of a client by its sid, or None; for an AsyncServer it may be async."""


class Joined(NamedTuple):
    """A client that is in a channel's room; `member` is the presence member, for a presence channel."""

    channel_name: str
    member: dict[str, Any] | None = None

    def __repr__(self) -> str:
        """Leave the member out: it is about a person."""
        return f"Joined({self.channel_name!r})"


class _Rooms:
    """What has no colour: the rules, and which names are channels at all."""

    _asynchronous: bool

    def __init__(
        self,
        server: Any,
        channels: ChannelRegistry | Broadcaster | AsyncBroadcaster,
        *,
        namespace: str = "/",
        public: Iterable[str | type[Channel]] = (),
    ) -> None:
        enter = getattr(server, "enter_room", None)
        if not callable(enter) or iscoroutinefunction(enter) != self._asynchronous:
            raise ConfigurationError(
                f"{type(self).__name__} takes a socketio.{'AsyncServer' if self._asynchronous else 'Server'}, "
                f"not {type(server).__name__}"
            )
        self._server = server
        self._registry = channels if isinstance(channels, ChannelRegistry) else channels.channels
        self._namespace = namespace
        if isinstance(public, str):
            raise ConfigurationError(f"must be a list of patterns, such as [{public!r}]", setting="public")
        self._public = [_public_pattern(where) for where in public]

    def _is_open(self, channel_name: object) -> bool:
        """Whether anybody may enter; that a name is well-formed is checked here for all.

        A public name that nobody listed is denied: the application has rooms of its own, and each client has one of
        the name of its sid.
        """
        name = check_channel_name(channel_name)
        kind = parse_channel_name(name).kind
        if kind.guarded:
            return False
        if any(pattern.match(name) is not None for pattern in self._public):
            return True
        raise DeniedError("no public channel of this name was listed, so it may be a room of another use")


def _public_pattern(where: str | type[Channel]) -> Pattern:
    if isinstance(where, str):
        kind, cache, bare = parse_channel_name(where)
        pattern = compile_pattern(kind, bare, {}, "public", cache=cache)
    elif where.pattern is None:
        raise ConfigurationError(f"{where.__name__} has no pattern; give a typed channel class or a str")
    else:
        pattern = where.pattern
    if pattern.kind is not ChannelKind.PUBLIC:
        raise ConfigurationError(f"holds {pattern.text!r}, which is guarded: register a rule for it", setting="public")
    if not isinstance(pattern.tokens[0], str):
        # python-socketio itself keeps clients out of each other's only since 5.17, and only within one process
        raise ConfigurationError(
            f"holds {pattern.text!r}, which begins with a placeholder: it would fit rooms of another use, such as "
            "the one that each client has",
            setting="public",
        )
    return pattern


def _name_of(channel: Channel | str) -> str:
    return channel.name if isinstance(channel, Channel) else channel


def _joined(channel_name: str, auth: SubscriptionAuth) -> Joined:
    return Joined(channel_name, None if auth.channel_data is None else json.loads(auth.channel_data))


def _asked(arguments: tuple[Any, ...]) -> str:
    """Read what a client sent: a channel's name, or an object with it, as Laravel Echo sends."""
    asked = arguments[0] if arguments else None
    name = asked.get("channel") if isinstance(asked, dict) else asked
    if not isinstance(name, str):
        raise InvalidChannelError("a channel name is one string")
    return name


def _told(joined: Joined) -> dict[str, Any]:
    member = {} if joined.member is None else {"member": joined.member}
    return {"ok": True, "channel": joined.channel_name, **member}


def _refused(error: Any) -> dict[str, Any]:
    answer = refuse(error)
    return {"ok": False, "status": answer.status, **json.loads(answer.body)}


def _gone() -> DeniedError:
    return DeniedError("the client is not connected to the namespace")


class ChannelRooms(_Rooms):
    """Lets clients of a `socketio.Server` into the rooms of channels, as the rules say.

        rooms = ChannelRooms(sio, channels, public=["room-{room_id}"])
        rooms.join(sid, "private-user.7", user)

    `channels` is a registry, or a broadcaster for its registry. Private and presence channels are entered by rule,
    public ones only if they fit one of the `public` patterns or typed channels.

    Raises:
        ConfigurationError: an AsyncServer, a rule that is `async` (now or later), or a guarded pattern in `public`.
    """

    _asynchronous = False

    def __init__(
        self,
        server: Any,
        channels: ChannelRegistry | Broadcaster | AsyncBroadcaster,
        *,
        namespace: str = "/",
        public: Iterable[str | type[Channel]] = (),
    ) -> None:
        super().__init__(server, channels, namespace=namespace, public=public)
        self._registry.require_sync("ChannelRooms")
        self._rules = Broadcaster(NullDriver(), channels=self._registry)

    def join(self, sid: str, channel_name: Channel | str, user: object | None) -> Joined:
        """Ask the channel's rule about the user, and put the client into the room.

        The channel is given as one, `UserChannel(user_id=7)`, or by its full name.

        Raises:
            InvalidChannelError: the name is malformed.
            DeniedError: no rule, no user, anything but a clear yes; or the client has gone.
        """
        name = _name_of(channel_name)
        joined = Joined(name)
        if not self._is_open(name):
            answer = self._rules.authorize_channel(socket_id=NO_SOCKET_ID, channel_name=name, user=signed_in(user))
            joined = _joined(name, answer)
        try:
            self._server.enter_room(sid, name, namespace=self._namespace)
        except (KeyError, ValueError):
            raise _gone() from None
        return joined

    def leave(self, sid: str, channel_name: Channel | str) -> None:
        """Take the client out of a channel's room; that it is not in it is no error.

        Raises:
            InvalidChannelError: the name is malformed.
            DeniedError: it is no channel, so it may be a room of another use.
        """
        name = _name_of(channel_name)
        self._is_open(name)
        self._server.leave_room(sid, name, namespace=self._namespace)

    def serve(self, user: UserOf, *, subscribe: str = "subscribe", unsubscribe: str = "unsubscribe") -> None:
        """Answer the events with which clients ask to come in and leave.

        A client sends a channel's name (or an object with it as `channel`), and is acknowledged `{ok: true, channel}`,
        with `member` for a presence channel, or `{ok: false, status, error}`: 400 for a malformed name, 403 for no.
        `user` returns the user of a sid, as the connect handler found it out, or None.
        """
        require_sync("ChannelRooms", None, user)

        def on_subscribe(sid: str, *asked: Any) -> dict[str, Any]:
            try:
                return _told(self.join(sid, _asked(asked), user(sid)))
            except REFUSED as error:
                return _refused(error)

        def on_unsubscribe(sid: str, *asked: Any) -> dict[str, Any]:
            try:
                self.leave(sid, name := _asked(asked))
            except REFUSED as error:
                return _refused(error)
            return {"ok": True, "channel": name}

        self._server.on(subscribe, on_subscribe, namespace=self._namespace)
        self._server.on(unsubscribe, on_unsubscribe, namespace=self._namespace)


class AsyncChannelRooms(_Rooms):
    """The awaited twin of ChannelRooms, for a `socketio.AsyncServer`.

    Rules may be `async`; others run in a worker thread, so that they may block.
    """

    _asynchronous = True

    def __init__(
        self,
        server: Any,
        channels: ChannelRegistry | Broadcaster | AsyncBroadcaster,
        *,
        namespace: str = "/",
        public: Iterable[str | type[Channel]] = (),
    ) -> None:
        super().__init__(server, channels, namespace=namespace, public=public)
        self._rules = AsyncBroadcaster(AsyncNullDriver(), channels=self._registry)

    async def join(self, sid: str, channel_name: Channel | str, user: object | None) -> Joined:
        """See ChannelRooms.join."""
        name = _name_of(channel_name)
        joined = Joined(name)
        if not self._is_open(name):
            answer = await self._rules.authorize_channel(
                socket_id=NO_SOCKET_ID, channel_name=name, user=signed_in(user)
            )
            joined = _joined(name, answer)
        try:
            await self._server.enter_room(sid, name, namespace=self._namespace)
        except (KeyError, ValueError):
            raise _gone() from None
        return joined

    async def leave(self, sid: str, channel_name: Channel | str) -> None:
        """See ChannelRooms.leave."""
        name = _name_of(channel_name)
        self._is_open(name)
        await self._server.leave_room(sid, name, namespace=self._namespace)

    def serve(
        self,
        user: Callable[[str], Awaitable[object] | object],
        *,
        subscribe: str = "subscribe",
        unsubscribe: str = "unsubscribe",
    ) -> None:
        """See ChannelRooms.serve; `user` may be async, as `AsyncServer.get_session` is."""

        async def on_subscribe(sid: str, *asked: Any) -> dict[str, Any]:
            try:
                name = _asked(asked)
                found = user(sid)
                return _told(await self.join(sid, name, await found if isawaitable(found) else found))
            except REFUSED as error:
                return _refused(error)

        async def on_unsubscribe(sid: str, *asked: Any) -> dict[str, Any]:
            try:
                await self.leave(sid, name := _asked(asked))
            except REFUSED as error:
                return _refused(error)
            return {"ok": True, "channel": name}

        self._server.on(subscribe, on_subscribe, namespace=self._namespace)
        self._server.on(unsubscribe, on_unsubscribe, namespace=self._namespace)
