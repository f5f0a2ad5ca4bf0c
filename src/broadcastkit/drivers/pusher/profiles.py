"""What differs between services that speak Pusher's HTTP API: limits, and what each does not offer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from broadcastkit.core.names import ChannelKind, parse_channel_name
from broadcastkit.drivers.checks import instead_of
from broadcastkit.errors import ConfigurationError

__all__ = ["PROFILES", "Feature", "Profile", "profile_named"]


class Feature(StrEnum):
    """What a service may lack. A call that needs it is refused before any I/O, but for INFO, which is a wish."""

    CHANNELS_INFO = "channels_info()"
    CHANNEL_INFO = "channel_info()"
    USERS_INFO = "users_info()"
    TERMINATE = "terminate_user_connections()"
    INFO = "counts with a broadcast"
    SIGN_IN = "signing users in, which ServerToUser builds on"
    ENCRYPTED = "encrypted channels"
    CACHE = "cache channels"
    ENCRYPTED_CACHE = "encrypted cache channels"


@dataclass(frozen=True, slots=True)
class Profile:
    """One service: its limits, in bytes unless said otherwise, its reading of a path prefix, and what it lacks."""

    name: str
    data_limit: int
    """Bytes of one event's `data`, after encryption."""
    request_limit: int | None = None
    """Bytes of a whole HTTP request, headers included; None where only the data is limited."""
    channels_limit: int = 100
    """Channels in one event."""
    batch_limit: int = 10
    """Events in one batch; 1 for a service that takes none."""
    member_limit: int = 1024
    """Bytes of a presence member's `channel_data`."""
    signs_path_prefix: bool = False
    """Whether a path prefix is part of what is signed."""
    host: str | None = "api-{cluster}.pusher.com"
    """Where the service is unless `host` says; None for servers that one runs oneself."""
    unsupported: frozenset[Feature] = frozenset()
    """What the service does not offer."""

    def require(self, feature: Feature, what: str = "") -> None:
        """Raise ConfigurationError if the service lacks something; `what` is the name that needs it."""
        if feature in self.unsupported:
            needs = f": {what!r} needs that" if what else ""
            raise ConfigurationError(
                f"the service behind this connection ({self.name}) does not offer {feature.value}{needs}"
            )

    def check(self, channels: Sequence[str]) -> None:
        """Raise ConfigurationError if the service lacks the kind of one of a message's channels."""
        if not self.unsupported & _KINDS:
            return
        for name in channels:
            for feature in _needed(name):
                self.require(feature, name)

    @property
    def takes_every_kind(self) -> bool:
        """Whether plain channels of every kind may be sent to."""
        return not self.unsupported & _PLAIN_KINDS


_PLAIN_KINDS = frozenset({Feature.SIGN_IN, Feature.CACHE})
_KINDS = _PLAIN_KINDS | {Feature.ENCRYPTED, Feature.ENCRYPTED_CACHE}


def _needed(channel_name: str) -> Iterator[Feature]:
    kind, cache, _ = parse_channel_name(channel_name)
    if kind is ChannelKind.SERVER_TO_USER:
        yield Feature.SIGN_IN
    if kind is ChannelKind.ENCRYPTED:
        yield Feature.ENCRYPTED
    if cache:
        yield Feature.CACHE
        if kind is ChannelKind.ENCRYPTED:
            yield Feature.ENCRYPTED_CACHE


# Each says what the service's own documentation promises or, where that is silent, its source.
PROFILES = {
    profile.name: profile
    for profile in (
        # Pusher Channels, "HTTP API reference".
        Profile("pusher", data_limit=10_240),
        # laravel/reverb 1.x, config/reverb.php (`max_request_size`) and src/Protocols/Pusher: it has no
        # `pusher:signin`, and ChannelBroker makes no cache channel of a name that starts with `private-encrypted-`.
        Profile(
            "reverb",
            data_limit=10_000,
            request_limit=10_000,
            member_limit=10_000,
            host=None,
            unsupported=frozenset({Feature.SIGN_IN, Feature.ENCRYPTED_CACHE}),
        ),
        # soketi 1.6.1, src/options.ts and src/http-handler.ts: `info` beside an event is not read.
        Profile(
            "soketi",
            data_limit=100 * 1024,
            member_limit=2048,
            signs_path_prefix=True,
            host=None,
            unsupported=frozenset({Feature.INFO}),
        ),
        # AnyCable 1.6, docs/pusher.md: `POST /events` and `GET /channels/…/users` alone; encrypted channels and
        # sign-in have a question mark there, cache channels are not named. pusher/http.go takes every POST for an
        # event, answers a batch with 200, and sends none of it. pusher/config.go: bodies of 1 MB.
        Profile(
            "anycable",
            data_limit=1_048_576,
            request_limit=1_048_576,
            batch_limit=1,
            member_limit=1_048_576,
            host=None,
            unsupported=frozenset(Feature) - {Feature.USERS_INFO},
        ),
        # Ably, "Pusher Adapter": publish, occupied channels, presence set and user count, and nothing else of the
        # HTTP API. "Limits": 64 KiB a message on every package.
        Profile(
            "ably",
            data_limit=64 * 1024,
            batch_limit=1,
            host="rest-pusher.ably.io",
            unsupported=frozenset(Feature) - {Feature.CHANNELS_INFO, Feature.CHANNEL_INFO, Feature.USERS_INFO},
        ),
    )
}


def profile_named(name: str | Profile) -> Profile:
    """Return a profile by name; a Profile of one's own (a dedicated cluster) is taken as it is."""
    if isinstance(name, Profile):
        return name
    try:
        return PROFILES[name]
    except (KeyError, TypeError):  # the latter of a list
        raise ConfigurationError(f"must be one of {', '.join(PROFILES)}{instead_of(name)}", setting="profile") from None
