"""Answers, what a client's exceptions mean, and what is published: each compared with its source."""

from __future__ import annotations

import json

import pytest
import redis
import socketio
from redis.exceptions import NoPermissionError

from broadcastkit.authorization import SubscriptionGrant
from broadcastkit.drivers.base import NO_SOCKET_ID
from broadcastkit.drivers.socketio.answers import RoomAuth, answer
from broadcastkit.drivers.socketio.emission import Emission
from broadcastkit.drivers.socketio.managers import texts
from broadcastkit.drivers.socketio.replies import error_from
from broadcastkit.errors import (
    BadCredentialsError,
    BadRequestError,
    ConnectError,
    ConnectionLostError,
    DeliveryError,
    ForbiddenError,
    NoReplyError,
    ServiceFailedError,
)

SECRET = "t0psecret"


def test_a_server_is_told_yes_or_who_the_member_is() -> None:
    plain = answer(SubscriptionGrant(NO_SOCKET_ID, "private-a"))
    member = answer(SubscriptionGrant(NO_SOCKET_ID, "presence-a", '{"user_id":"7","user_info":{"name":"Zoë"}}'))

    assert (plain.to_json(), plain.as_dict()) == (b"true", {})
    assert json.loads(member.to_json()) == member.as_dict()
    assert member.as_dict() == {"channel_data": {"user_id": "7", "user_info": {"name": "Zoë"}}}
    assert isinstance(plain, RoomAuth)


@pytest.mark.parametrize(
    ("error", "kind", "text"),
    [
        (redis.ConnectionError("Error 111 connecting to h:1. Refused."), ConnectError, "Error 111 connecting to h:1"),
        (redis.TimeoutError("Timeout connecting to server"), ConnectError, "Timeout connecting to server"),
        (redis.ConnectionError(f"broke at {SECRET}"), ConnectionLostError, "ConnectionError"),
        (redis.TimeoutError(f"reading {SECRET}"), NoReplyError, "TimeoutError"),
        (redis.AuthenticationError(f"WRONGPASS {SECRET}"), BadCredentialsError, "AuthenticationError"),
        (NoPermissionError(SECRET), ForbiddenError, "NoPermissionError"),
        (redis.BusyLoadingError(SECRET), ServiceFailedError, "BusyLoadingError"),
        (redis.ResponseError(f"unknown command {SECRET}"), BadRequestError, "ResponseError"),
        (redis.RedisError(SECRET), ServiceFailedError, "RedisError"),
        (OSError(SECRET), ConnectionLostError, "OSError"),
    ],
)
def test_what_a_clients_exception_means(error: Exception, kind: type[DeliveryError], text: str) -> None:
    made = error_from(error)

    assert type(made) is kind
    assert text in str(made)
    assert SECRET not in str(made)


def test_an_exception_that_is_no_clients_is_raised() -> None:
    with pytest.raises(KeyError):
        error_from(KeyError("x"))


EMISSIONS = [
    Emission("message.sent", {"id": 5, "by": "Zoë ✓"}, ("private-user.7",), "h3nAdb134tbvqwrg"),
    Emission("both", [1, [2]], ("x", "y"), None),
    Emission("nothing", None, ("x",), None),
]


class Published(socketio.RedisManager):  # type: ignore[misc]
    """python-socketio's own manager, whose publishing is seen."""

    def __init__(self) -> None:
        super().__init__("redis://", write_only=True)
        self.published: list[dict[str, object]] = []

    def _publish(self, data: dict[str, object]) -> int:
        self.published.append(data)
        return 1


@pytest.mark.parametrize("namespace", ["/", "/staff"])
def test_the_text_is_what_python_socketios_own_manager_publishes(namespace: str) -> None:
    manager = Published()
    for one in EMISSIONS:
        manager.emit(one.event, one.payload, namespace=namespace, room=one.room, skip_sid=one.skip_sid)

    ours = [json.loads(text) for text in texts(EMISSIONS, namespace)]

    # the id of the host that it is from, for that host to leave it out
    assert len({one.pop("host_id") for one in ours}) == 1
    assert ours == [{key: part for key, part in one.items() if key != "host_id"} for one in manager.published]
