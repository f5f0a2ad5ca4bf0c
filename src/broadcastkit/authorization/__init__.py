"""Who may listen: rules for channels and who a user is, decided without I/O and without a signature.

A rule is a callback for one kind of channel. The registry finds it and reads its answer; the shells in
`broadcastkit.broadcaster` run it, since it may be async; a driver signs what was granted. Anything but a clear yes is
no.
"""

from __future__ import annotations

from broadcastkit.authorization.answers import SubscriptionAuth, SubscriptionGrant, UserAuth, UserGrant
from broadcastkit.authorization.members import PresenceMember, grant_user
from broadcastkit.authorization.registry import ChannelRegistry
from broadcastkit.authorization.rules import Rule

__all__ = [
    "ChannelRegistry",
    "PresenceMember",
    "Rule",
    "SubscriptionAuth",
    "SubscriptionGrant",
    "UserAuth",
    "UserGrant",
    "grant_user",
]
