"""What differs between services that speak Pusher's HTTP API."""

from __future__ import annotations

from dataclasses import dataclass

from broadcastkit.errors import ConfigurationError

__all__ = ["PROFILES", "Profile", "profile_named"]


@dataclass(frozen=True, slots=True)
class Profile:
    """One service's limits, in bytes unless said otherwise, and its reading of a path prefix."""

    name: str
    data_limit: int
    """Bytes of one event's `data`, after encryption."""
    request_limit: int | None = None
    """Bytes of a whole HTTP request, headers included; None where only the data is limited."""
    channels_limit: int = 100
    """Channels in one event."""
    batch_limit: int = 10
    """Events in one batch."""
    member_limit: int = 1024
    """Bytes of a presence member's `channel_data`."""
    signs_path_prefix: bool = False
    """Whether a path prefix is part of what is signed."""


PROFILES = {
    profile.name: profile
    for profile in (
        Profile("pusher", data_limit=10_240),
        Profile("reverb", data_limit=10_000, request_limit=10_000, member_limit=10_000),
        Profile("soketi", data_limit=100 * 1024, member_limit=2048, signs_path_prefix=True),
    )
}


def profile_named(name: str | Profile) -> Profile:
    """Return a profile by name; a Profile of one's own (a dedicated cluster) is taken as it is."""
    if isinstance(name, Profile):
        return name
    try:
        return PROFILES[name]
    except KeyError:
        raise ConfigurationError(
            f"{name!r} is not known; there are: {', '.join(PROFILES)}", setting="profile"
        ) from None
