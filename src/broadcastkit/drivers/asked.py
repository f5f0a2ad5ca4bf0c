"""Where a server asks in its clients' name: what it asks about, and what it is told, which needs no signature."""

from __future__ import annotations

import json
from typing import Any, cast

from broadcastkit.authorization import SubscriptionAuth, SubscriptionGrant
from broadcastkit.drivers.base import NO_SOCKET_ID, AskedByServer

__all__ = ["ServerAuth", "answer", "asked_by_server"]


class ServerAuth(SubscriptionAuth):
    """A yes for a server: `true`, or the presence member as an object. It means nothing if a client shows it."""

    __slots__ = ()

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON body as a dict; an empty one stands for `true`."""
        return {} if self.channel_data is None else {"channel_data": json.loads(self.channel_data)}

    def to_json(self) -> bytes:
        """Return the JSON body, ready to send."""
        return b"true" if self.channel_data is None else b'{"channel_data":%b}' % self.channel_data.encode()


def answer(grant: SubscriptionGrant) -> ServerAuth:
    """Return the answer to a grant."""
    return ServerAuth("", grant.member)


def asked_by_server(driver: object, channel_name: str) -> tuple[str, str]:
    """Return the socket id and the channel to ask about, where no socket id came: a server asks for its clients.

    Another driver gets an id that is none, which the rules refuse.
    """
    if getattr(driver, "needs_socket_id", True):
        return "", channel_name
    asked = cast("AskedByServer", driver)
    # what is no str is refused by the rules, as everywhere
    return NO_SOCKET_ID, asked.channel_asked_for(channel_name) if type(channel_name) is str else channel_name
