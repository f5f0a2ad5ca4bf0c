"""What the protocol asks of the shell and the hub: one of these for each frame, at most."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

from broadcastkit.server.connection import Member, User

__all__ = ["ClientEvent", "Close", "Effect", "Reply", "SignIn", "Subscribe", "Unsubscribe"]


class Reply(NamedTuple):
    """Send a frame to this client."""

    frame: str


class Subscribe(NamedTuple):
    """Add the connection to a channel: the name is valid, the signature fits."""

    channel: str
    member: Member | None


class Unsubscribe(NamedTuple):
    """Take the connection out of a channel, if it is in it."""

    channel: str


class ClientEvent(NamedTuple):
    """Send a frame to the other subscribers of a channel that this connection is in."""

    channel: str
    frame: str


class SignIn(NamedTuple):
    """Note who is behind the connection: the signature fits."""

    user: User
    user_data: str


class Close(NamedTuple):
    """End the connection. Codes up to 4099: do not come back; up to 4199: later; up to 4299: at once."""

    code: int
    reason: str


Effect: TypeAlias = "Reply | Subscribe | Unsubscribe | ClientEvent | SignIn | Close"
