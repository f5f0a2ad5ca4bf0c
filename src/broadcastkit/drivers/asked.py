"""What a server is told that asks in its clients' name: no signature is needed between the two."""

from __future__ import annotations

import json
from typing import Any

from broadcastkit.authorization import SubscriptionAuth, SubscriptionGrant

__all__ = ["ServerAuth", "answer"]


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
