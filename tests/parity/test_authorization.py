"""Who may listen: what `routes/channels.php` can say, and what Laravel signs for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from broadcastkit import Broadcaster, ChannelRegistry, PresenceMember
from broadcastkit.drivers.base import Driver
from broadcastkit.drivers.null import NullDriver
from broadcastkit.drivers.redis import RedisDriver
from broadcastkit.errors import ConfigurationError, DeniedError, InvalidChannelError, InvalidSocketIdError
from tests.parity.tools import OrderChannel, Service

SOCKET_ID = "1.2"


@dataclass
class User:
    id: int
    name: str = "Ann"


@dataclass
class Admin:
    id: int


class Gate:
    """Rules, and what a client is told by them."""

    def __init__(self) -> None:
        self.channels = ChannelRegistry()
        self.broadcaster = Broadcaster(Service().driver, channels=self.channels)

    def answer(self, channel_name: str, user: object | None = User(42)) -> dict[str, str]:
        return self.broadcaster.authorize_channel(socket_id=SOCKET_ID, channel_name=channel_name, user=user).as_dict()

    def opens(self, channel_name: str, user: object | None = User(42)) -> bool:
        try:
            return bool(self.answer(channel_name, user))
        except DeniedError:
            return False


@pytest.fixture
def gate() -> Gate:
    return Gate()


def test_broadcast_channel(gate: Gate) -> None:
    @gate.channels.authorize("private-orders.{order_id}")
    def own_order(user: User, order_id: int) -> bool:
        return user.id == order_id

    assert (gate.opens("private-orders.42"), gate.opens("private-orders.43")) == (True, False)


def test_private_channel_auth(gate: Gate) -> None:
    gate.channels.authorize("private-true")(lambda user: True)

    assert gate.answer("private-true") == {
        "auth": "key:d9d5c2193502bc5e724f7b05c99c635096171813cad166b64093bafea7215954"
    }


def test_presence_channel_auth(gate: Gate) -> None:
    gate.channels.authorize("presence-arr")(lambda user: PresenceMember(user.id, {"name": user.name}))

    assert gate.answer("presence-arr") == {
        "auth": "key:1d9faa89782730c6731bf3129a69e9e26a018c12c04313ad739006d41b0288fe",
        "channel_data": '{"user_id":"42","user_info":{"name":"Ann"}}',
    }


def test_encrypted_channel_auth(gate: Gate) -> None:
    gate.channels.authorize("private-encrypted-true")(lambda user: True)

    assert gate.answer("private-encrypted-true")["shared_secret"] == "0gQs6BUFWnKp57R3mGEOnOMFjSOPGnX7cTE1fp9A8Xo="


def test_presence_needs_a_member(gate: Gate) -> None:
    """Laravel sends `"user_info":true`, and the page is shown `true` in the place of a person."""
    gate.channels.authorize("presence-arr")(lambda user: True)

    assert not gate.opens("presence-arr")


def test_channel_by_class(gate: Gate) -> None:
    """Laravel takes a model; a channel class is what events are sent on, too."""

    @gate.channels.authorize(OrderChannel)
    def own_order(user: User, channel: OrderChannel) -> bool:
        return user.id == channel.order_id

    assert gate.opens(OrderChannel(order_id=42).name)


def test_channel_class_with_join(gate: Gate) -> None:
    class Orders:
        def __init__(self, owners: dict[int, int]) -> None:
            self._owners = owners

        def join(self, user: User, order_id: int) -> bool:
            return self._owners.get(order_id) == user.id

    gate.channels.authorize("private-orders.{order_id}")(Orders({7: 42}).join)

    assert (gate.opens("private-orders.7"), gate.opens("private-orders.8")) == (True, False)


@pytest.mark.parametrize(
    ("bare", "pattern", "fits"),
    [
        ("orders.1", "orders.{id}", True),
        ("orders.1.2", "orders.{id}", False),
        ("orders.", "orders.{id}", False),
        ("ordersX1", "orders.{id}", False),
    ],
)
def test_channel_parameters(bare: str, pattern: str, fits: bool, gate: Gate) -> None:
    gate.channels.authorize(f"private-{pattern}")(lambda user, id: True)  # noqa: A006

    assert gate.opens(f"private-{bare}") is fits


@pytest.mark.parametrize("name", ["private-orders.1\n", "private-orders.a b"])
def test_channel_names_are_checked(name: str, gate: Gate) -> None:
    """In Laravel both of these fit `orders.{order_id}`, and the callback gets the line feed."""
    gate.channels.authorize("private-orders.{order_id}")(lambda user, order_id: True)

    with pytest.raises(InvalidChannelError):
        gate.answer(name)


@pytest.mark.parametrize("pattern", ["x+", "orders.*", "a.{id}.{id}", "orders.{order-id}", "orders.{id?}"])
def test_channel_patterns_are_checked(pattern: str, gate: Gate) -> None:
    """In Laravel a pattern is half a regular expression, and a placeholder that is none loses the parameters."""
    with pytest.raises(ConfigurationError):
        gate.channels.authorize(f"private-{pattern}")(lambda user, **values: True)


def test_channel_model_binding(gate: Gate) -> None:
    """The rule reads the row; no row, no entry."""
    orders = {7: User(42)}

    @gate.channels.authorize(OrderChannel)
    def own_order(user: User, order_id: int) -> bool:
        owner = orders.get(order_id)
        return owner is not None and owner == user

    assert (gate.opens("private-orders.7"), gate.opens("private-orders.8")) == (True, False)


def test_channel_guards(gate: Gate) -> None:
    """Whoever the user function returns is asked about; a rule says whom it is for."""

    @gate.channels.authorize("private-admin")
    def admins(user: User | Admin) -> bool:
        return isinstance(user, Admin)

    assert (gate.opens("private-admin", Admin(1)), gate.opens("private-admin", User(1))) == (True, False)


@pytest.mark.parametrize("answer", [False, None, 0, "", [], 1, "yes", User(42)])
def test_channel_result(answer: object, gate: Gate) -> None:
    """Laravel takes whatever is true, and on what is empty asks the next pattern that fits."""
    gate.channels.authorize("private-orders")(lambda user: answer)

    assert not gate.opens("private-orders")


def test_overlapping_channels(gate: Gate) -> None:
    """Laravel goes from one callback to the next, with the options of the first."""
    gate.channels.authorize("private-orders.{order_id}")(lambda user, order_id: True)

    with pytest.raises(ConfigurationError, match="one rule for one channel"):
        gate.channels.authorize("private-orders.special")(lambda user: False)


@pytest.mark.parametrize("other", ["presence-orders.7", "private-encrypted-orders.7", "private-cache-orders.7"])
def test_channel_is_of_one_kind(other: str, gate: Gate) -> None:
    """Laravel's callback for `orders.{id}` opens all of them, and cannot tell which."""
    gate.channels.authorize("private-orders.{order_id}")(lambda user, order_id: True)

    assert (gate.opens("private-orders.7"), gate.opens(other)) == (True, False)


def test_channel_user_required(gate: Gate) -> None:
    asked: list[object] = []
    gate.channels.authorize("private-orders")(asked.append)

    assert (gate.opens("private-orders", None), asked) == (False, [])


def test_channel_guests(gate: Gate) -> None:
    gate.channels.authorize("private-orders", guest=True)(lambda user: user is None)

    assert gate.opens("private-orders", None)


def test_public_channels_are_not_signed(gate: Gate) -> None:
    """Laravel signs one that fits a pattern, as if it were a presence channel."""
    gate.channels.authorize("private-orders.{order_id}")(lambda user, order_id: True)

    assert not gate.opens("orders.7")


@pytest.mark.parametrize("socket_id", ["", "1.2:presence-x", "1.2\n"])
def test_socket_id_is_checked(socket_id: str, gate: Gate) -> None:
    """A 500 in Laravel, and in its Redis and Ably drivers not even that."""
    gate.channels.authorize("private-orders")(lambda user: True)

    with pytest.raises(InvalidSocketIdError):
        gate.broadcaster.authorize_channel(socket_id=socket_id, channel_name="private-orders", user=User(1))


def test_channels_are_shared_by_connections() -> None:
    """Laravel keeps callbacks for each connection, and the others know nothing of them."""
    channels = ChannelRegistry()
    channels.authorize("private-orders")(lambda user: True)
    connections: dict[str, Driver] = {"pusher": Service().driver, "null": NullDriver()}
    broadcaster = Broadcaster(connections, default="pusher", channels=channels)

    for connection in connections:
        broadcaster.authorize_channel(
            socket_id=SOCKET_ID, channel_name="private-orders", user=User(1), connection=connection
        )


@pytest.mark.parametrize(
    ("name", "rule", "body"),
    [
        ("private-orders", lambda user: True, b"true"),
        (
            "presence-orders",
            lambda user: PresenceMember(user.id, {"name": user.name}),
            # Laravel leaves a number a number; other clients of the service need text
            b'{"channel_data":{"user_id":"42","user_info":{"name":"Ann"}}}',
        ),
    ],
)
def test_redis_auth(name: str, rule: Callable[..., Any], body: bytes) -> None:
    channels = ChannelRegistry()
    channels.authorize(name)(rule)
    broadcaster = Broadcaster(RedisDriver(), channels=channels)

    # laravel-echo-server sends no socket id
    assert broadcaster.authorize_channel(channel_name=name, user=User(42)).to_json() == body


def test_resolve_authenticated_user_using() -> None:
    """The vector is of Pusher's documentation, where Laravel's own suite has it from."""
    service = Service(key="278d425bdf160c739803", secret="7ad3773142a6692b25b8")
    answer = service.broadcaster.authenticate_user(socket_id="1234.1234", user={"id": 12345})

    # an int would be signed by Laravel and refused by pusher-js
    assert answer.as_dict() == {
        "auth": "278d425bdf160c739803:4708d583dada6a56435fb8bc611c77c359a31eebde13337c16ab43aa6de336ba",
        "user_data": '{"id":"12345"}',
    }


def test_watchlist() -> None:
    user = {"id": 42, "user_info": {"name": "Ann"}, "watchlist": [1, "2"]}
    answer = Service().broadcaster.authenticate_user(socket_id=SOCKET_ID, user=user)

    assert answer.user_data == '{"id":"42","user_info":{"name":"Ann"},"watchlist":["1","2"]}'


def test_auth_identifier_for_broadcasting(gate: Gate) -> None:
    """Who a user is to the others may be something else than the id: a rule says it."""
    gate.channels.authorize("presence-room")(lambda user: PresenceMember(f"employee-{user.id}", {"name": user.name}))

    assert gate.answer("presence-room")["channel_data"].startswith('{"user_id":"employee-42",')


def test_channel_list(gate: Gate) -> None:
    @gate.channels.authorize("private-orders.{order_id}")
    def own_order(user: User, order_id: int) -> bool:
        return True

    (rule,) = gate.channels.rules

    assert (rule.pattern.text, rule.name.rpartition(".")[2]) == ("private-orders.{order_id}", "own_order")
