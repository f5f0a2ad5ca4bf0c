"""What a server serves and what it tolerates."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, fields
from typing import Literal, TypeAlias

from broadcastkit.core.names import CHANNEL_NAME_LIMIT, EVENT_NAME_LIMIT, USER_ID_LIMIT
from broadcastkit.errors import ConfigurationError
from broadcastkit.signing import KeyRing, Signer

__all__ = ["App", "ClientEvents", "Limits"]

ClientEvents: TypeAlias = Literal["members", "none"]
"""Who may send client events."""

_APP_ID = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True)
class App:
    """One application: who may publish to it, and whose signatures open its channels.

    `client_events` says who may send client events: `members` (who is subscribed to the channel) or `none`. An
    app that is not `enabled` refuses connections (4003) and requests (403).

    What `retired_secrets` have signed is still accepted, so that a secret can be changed in one place after another.

    Raises:
        ConfigurationError: an id, a key or a secret that cannot be one. The text never holds the secret.
    """

    id: str
    key: str
    secret: str = field(repr=False)
    client_events: ClientEvents = "members"
    enabled: bool = True
    retired_secrets: tuple[str, ...] = field(default=(), repr=False)
    signer: Signer = field(init=False, repr=False, compare=False)
    keys: Signer | KeyRing = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if _APP_ID.fullmatch(self.id) is None:
            raise ConfigurationError(f"an app id is ASCII letters, digits, - and _, not {self.id!r}")
        if self.client_events not in {"members", "none"}:
            raise ConfigurationError(f"client_events is 'members' or 'none', not {self.client_events!r}")
        retired: object = self.retired_secrets
        if isinstance(retired, str):
            raise ConfigurationError("is a tuple of secrets, not one str", setting="retired_secrets")
        object.__setattr__(self, "signer", Signer(self.key, self.secret))
        others = [Signer(self.key, secret) for secret in self.retired_secrets]
        object.__setattr__(self, "keys", KeyRing(self.signer, *others) if others else self.signer)


@dataclass(frozen=True, slots=True)
class Limits:
    """What strangers may take, for each app. Sizes are bytes of UTF-8, times are seconds.

    The defaults let through what Pusher's own limits allow. `None`, where a type has it, is no limit.

    Raises:
        ConfigurationError: a limit that is not positive, or above what the protocol itself allows.
    """

    connections: int = 10_000
    """Open at once; one more is closed with 4004."""
    frame_size: int = 32_768
    """One frame from a client; a longer one closes its connection (1009)."""
    frames_per_second: float = 100.0
    """Of any kind from one connection, as an average; beyond it the connection is closed (4100)."""
    send_queue: int = 1_000
    """Frames that wait for a client who reads too slowly; one more closes its connection (4100)."""
    send_queue_size: int = 4_194_304
    """The same in characters of all of them together: rosters are large, and each is written for one client."""
    channels: int = 100_000
    """Occupied at once."""
    channels_per_connection: int = 500
    channel_name_length: int = CHANNEL_NAME_LIMIT
    event_name_length: int = EVENT_NAME_LIMIT
    event_data_size: int = 10_240
    """The `data` of one event, from a client or over the HTTP API."""
    client_events_per_second: int = 10
    """From one connection; more are refused (4301)."""
    presence_members: int = 100
    """Different users in one presence channel."""
    presence_info_size: int = 2_048
    """The `user_info` of one of them, as JSON."""
    user_id_length: int = USER_ID_LIMIT
    channels_per_event: int = 100
    events_per_batch: int = 10
    request_size: int = 524_288
    """The body of one HTTP request."""
    request_headers: int = 64
    request_timeout: float = 10.0
    """Until the body of a request has arrived."""
    requests_per_second: float | None = None
    """Signed requests to one app; more are answered with 429."""
    activity_timeout: float = 120.0
    """Of silence, until the server sends `pusher:ping`."""
    pong_timeout: float = 30.0
    """For an answer to that; without one the connection is closed (4201)."""
    authorization_timeout: float | None = None
    """For a new connection to subscribe to a private or presence channel, or to sign in (else 4009)."""
    cached_channels: int = 5_000
    """Cache channels whose last event is kept; the one that waited longest makes room."""
    cache_ttl: float = 1_800.0
    allowed_origins: tuple[str, ...] | None = None
    """Which pages may connect: `https://example.org`, `example.org` or `*.example.org`. Browsers say where a
    page is from; a client that says nothing is no browser and is let in."""

    def __post_init__(self) -> None:
        for entry in fields(self):
            value = getattr(self, entry.name)
            if isinstance(value, (int, float)) and not value > 0:
                raise ConfigurationError(f"must be more than 0, not {value!r}", setting=entry.name)
        for name, most in _PROTOCOL_LIMITS.items():
            if getattr(self, name) > most:
                raise ConfigurationError(f"is at most {most}: no client sends more", setting=name)
        if isinstance(self.allowed_origins, str):
            raise ConfigurationError("is a tuple of origins, not one str", setting="allowed_origins")


_PROTOCOL_LIMITS = {
    "channel_name_length": CHANNEL_NAME_LIMIT,
    "event_name_length": EVENT_NAME_LIMIT,
    "user_id_length": USER_ID_LIMIT,
}
