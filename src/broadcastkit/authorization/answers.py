"""What was granted, and what the client is told. Tuples: they are made for every subscription of every page."""

from __future__ import annotations

from json.encoder import encode_basestring
from typing import NamedTuple

__all__ = ["SubscriptionAuth", "SubscriptionGrant", "UserAuth", "UserGrant"]


class SubscriptionGrant(NamedTuple):
    """A yes to a subscription, for a driver to sign: its parts come checked from the registry.

    `member` is the JSON text of the presence member, and only there for a presence channel.
    """

    socket_id: str
    channel_name: str
    member: str | None = None

    def __repr__(self) -> str:
        """Leave the member out: it is about a person."""
        return f"SubscriptionGrant({self.socket_id!r}, {self.channel_name!r})"


class UserGrant(NamedTuple):
    """A yes to a sign-in, checked; `user_data` is JSON text."""

    socket_id: str
    user_data: str

    def __repr__(self) -> str:
        """Leave the user out."""
        return f"UserGrant({self.socket_id!r})"


class SubscriptionAuth(NamedTuple):
    """The answer to a client that may subscribe."""

    auth: str
    channel_data: str | None = None
    shared_secret: str | None = None

    def as_dict(self) -> dict[str, str]:
        """Return the JSON body as a dict; parts that do not apply are left out."""
        return {key: value for key, value in self._asdict().items() if value is not None}

    def to_json(self) -> bytes:
        """Return the JSON body, ready to send."""
        auth, channel_data, shared_secret = self
        if shared_secret is not None:
            return _json_object(self.as_dict())
        if channel_data is None:
            return b'{"auth":"%b"}' % auth.encode()
        return f'{{"auth":"{auth}","channel_data":{encode_basestring(channel_data)}}}'.encode()

    def __repr__(self) -> str:
        """Leave the signature out."""
        return "SubscriptionAuth(...)"


class UserAuth(NamedTuple):
    """The answer to a client that may sign in."""

    auth: str
    user_data: str

    def as_dict(self) -> dict[str, str]:
        """Return the JSON body as a dict."""
        return self._asdict()

    def to_json(self) -> bytes:
        """Return the JSON body, ready to send."""
        return _json_object(self.as_dict())

    def __repr__(self) -> str:
        """Leave the signature out."""
        return "UserAuth(...)"


def _json_object(parts: dict[str, str]) -> bytes:
    # json.dumps costs three times as much for what are two or three strings
    pairs = [f'"{key}":{encode_basestring(value)}' for key, value in parts.items()]
    return f"{{{','.join(pairs)}}}".encode()
