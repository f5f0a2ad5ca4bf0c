"""What a server is told that asks in its clients' name."""

from __future__ import annotations

import json

from broadcastkit.authorization import SubscriptionGrant
from broadcastkit.drivers import redis, socketio
from broadcastkit.drivers.asked import ServerAuth, answer
from broadcastkit.drivers.base import NO_SOCKET_ID


def test_a_server_is_told_yes_or_who_the_member_is() -> None:
    plain = answer(SubscriptionGrant(NO_SOCKET_ID, "private-a"))
    member = answer(SubscriptionGrant(NO_SOCKET_ID, "presence-a", '{"user_id":"7","user_info":{"name":"Zoë"}}'))

    assert (plain.to_json(), plain.as_dict()) == (b"true", {})
    assert json.loads(member.to_json()) == member.as_dict()
    assert member.as_dict() == {"channel_data": {"user_id": "7", "user_info": {"name": "Zoë"}}}
    assert isinstance(plain, ServerAuth)


def test_both_kinds_of_servers_are_told_the_same() -> None:
    assert redis.ServerAuth is socketio.ServerAuth is ServerAuth
