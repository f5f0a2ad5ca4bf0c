"""The Pusher protocol, version 7, as a server speaks it on one connection: frames in, effects out.

No I/O, no clock, no randomness: the shell reads frames, tells the time and performs the effect before it hands
in the next frame. Nothing that a client sends raises, and no channel is joined without a signature that fits.
Sources: Pusher Channels, "Pusher Channels Protocol"; soketi 1.6.1 and pusher-js 8.6.0 where that leaves a
choice.
"""

from __future__ import annotations

from typing import cast

from broadcastkit.core.names import ChannelKind, parse_channel_name
from broadcastkit.core.payload import byte_length
from broadcastkit.server import frames
from broadcastkit.server.connection import Connection
from broadcastkit.server.effects import ClientEvent, Close, Effect, Reply, SignIn, Subscribe, Unsubscribe
from broadcastkit.server.frames import Incoming
from broadcastkit.server.rate import RateLimit
from broadcastkit.server.settings import App, Limits
from broadcastkit.server.subscription import UNAUTHORIZED, sign_in, subscribe

__all__ = ["PusherProtocol"]

_CLIENT_EVENT = "client-"
_CLIENT_EVENT_KINDS = frozenset({ChannelKind.PRIVATE, ChannelKind.PRESENCE})
_REJECTED = 4301


class PusherProtocol:
    """The state machine of one connection.

    `receive()` and `timeout()` return at most one effect; the shell performs it, then reads `deadline`: the time
    at which it must call `timeout()`. `connection` is what the hub knows of this client; it is only read here.

    Examples:
        >>> app, connection = App("1", "key", "secret"), Connection("1.2")
        >>> protocol = PusherProtocol(app, Limits(), connection, now=0.0)
        >>> protocol.receive('{"event":"pusher:subscribe","data":{"channel":"news"}}', now=1.0)
        Subscribe(channel='news', member=None)
    """

    def __init__(self, app: App, limits: Limits, connection: Connection, *, now: float) -> None:
        self._app = app
        self._limits = limits
        self._connection = connection
        self._heard = now
        self._pinged: float | None = None
        wait = limits.authorization_timeout
        self._authorize_by = None if wait is None else now + wait
        # a client that comes back subscribes to everything at once
        burst = 2 * limits.frames_per_second + limits.channels_per_connection
        self._frames = RateLimit(limits.frames_per_second, burst, now)
        self._events = RateLimit(limits.client_events_per_second, limits.client_events_per_second, now)

    def greet(self) -> str:
        """Return the first frame that a client gets."""
        return frames.connection_established(self._connection.socket_id, self._limits.activity_timeout)

    def receive(self, text: str, now: float) -> Effect | None:
        """Take a frame from the client and return what is to be done."""
        self._heard, self._pinged = now, None
        if not self._frames.allows(now):
            return Close(4100, "Too many messages")
        # "replace": no server hands on lone surrogates, and a client can send anything
        raw = text.encode("utf-8", "replace")
        if len(raw) > self._limits.frame_size:
            return Close(1009, f"A message has at most {self._limits.frame_size} bytes")
        frame = frames.read_frame(raw)
        if frame is None:
            return Reply(frames.error("A message is a JSON object with an event"))
        if frame.event.startswith(_CLIENT_EVENT):
            return self._client_event(frame, now)
        return self._protocol_event(frame)

    def _protocol_event(self, frame: Incoming) -> Effect | None:
        match frame.event:
            case "pusher:ping":
                return Reply(frames.PONG)
            case "pusher:pong":
                return None
            case "pusher:subscribe":
                return self._subscribe(frame)
            case "pusher:unsubscribe":
                return _unsubscribe(frame)
            case "pusher:signin":
                return self._sign_in(frame)
            case _:
                return Reply(frames.error("Unknown event; the name of a client event starts with client-"))

    def _subscribe(self, frame: Incoming) -> Subscribe | Reply:
        effect = subscribe(self._app, self._limits, self._connection, _object(frame.data))
        if isinstance(effect, Subscribe) and parse_channel_name(effect.channel).kind.guarded:
            self._authorize_by = None
        return effect

    def _sign_in(self, frame: Incoming) -> SignIn | Close:
        effect = sign_in(self._app, self._limits, self._connection, _object(frame.data))
        if isinstance(effect, SignIn):
            self._authorize_by = None
        return effect

    # -- time ------------------------------------------------------------------------------------------------

    @property
    def deadline(self) -> float:
        """When `timeout()` must be called, unless a frame comes first and moves it."""
        if self._pinged is None:
            silent = self._heard + self._limits.activity_timeout
        else:
            silent = self._pinged + self._limits.pong_timeout
        return silent if self._authorize_by is None else min(silent, self._authorize_by)

    def timeout(self, now: float) -> Reply | Close | None:
        """Return what is to be done about a client that was silent, or has not shown who it is."""
        if now < self.deadline:
            return None
        if self._authorize_by is not None and now >= self._authorize_by:
            return Close(UNAUTHORIZED, "Connection not authorized within timeout")
        if self._pinged is not None:
            return Close(4201, "Pong reply not received in time")
        self._pinged = now
        return Reply(frames.PING)

    # -- client events ---------------------------------------------------------------------------------------

    def _client_event(self, frame: Incoming, now: float) -> ClientEvent | Reply:
        refusal = self._refused(frame, now)
        if refusal is not None:
            return Reply(frames.error(f"Client event rejected: {refusal}", _REJECTED))
        channel = cast("str", frame.channel)
        data = _text(frame)
        if data is not None and byte_length(data) > self._limits.event_data_size:
            most = self._limits.event_data_size
            return Reply(frames.error(f"Client event rejected: its data has at most {most} bytes", _REJECTED))
        member = self._connection.channels[channel]
        user_id = None if member is None else member.user_id
        return ClientEvent(channel, frames.channel_frame(frame.event, channel, data, user_id))

    def _refused(self, frame: Incoming, now: float) -> str | None:
        if not self._events.allows(now):
            return "too many of them"
        if self._app.client_events == "none":
            return "the app does not take any"
        if len(frame.event) > self._limits.event_name_length or not frame.event.isprintable():
            return f"its name has at most {self._limits.event_name_length} characters, which can be printed"
        if not isinstance(frame.channel, str) or frame.channel not in self._connection.channels:
            return "it is for subscribers of the channel only"
        if parse_channel_name(frame.channel).kind not in _CLIENT_EVENT_KINDS:
            return "it is for private and presence channels only, and not for encrypted ones"
        return None


def _unsubscribe(frame: Incoming) -> Unsubscribe | Reply:
    channel = _object(frame.data).get("channel")
    if isinstance(channel, str):
        return Unsubscribe(channel)
    return Reply(frames.error("pusher:unsubscribe needs a channel"))


def _text(frame: Incoming) -> str | None:
    # as what comes over the HTTP API: clients of other makers expect a string
    if isinstance(frame.data, str):
        return frame.data
    return frames.json_text(frame.data) if frame.has_data else None


def _object(data: object) -> dict[str, object]:
    """Return the data of a protocol event: an object or, as some clients send it, its JSON text."""
    if isinstance(data, str):
        data = frames.read_object(data)
    return cast("dict[str, object]", data) if isinstance(data, dict) else {}
