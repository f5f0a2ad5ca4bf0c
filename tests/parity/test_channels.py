"""Laravel's channel classes, by the names they make."""

from __future__ import annotations

import pytest

from broadcastkit import Channel, EncryptedChannel, PresenceChannel, PrivateChannel
from broadcastkit.errors import InvalidChannelError


def test_channel() -> None:
    assert Channel("orders.1").name == "orders.1"


def test_private_channel() -> None:
    assert PrivateChannel("orders.1").name == "private-orders.1"


def test_presence_channel() -> None:
    assert PresenceChannel("orders.1").name == "presence-orders.1"


def test_encrypted_private_channel() -> None:
    assert EncryptedChannel("orders.1").name == "private-encrypted-orders.1"


def test_stringable_channels() -> None:
    assert f"{PrivateChannel('orders.1')}" == "private-orders.1"


@pytest.mark.parametrize(
    ("channel", "name"),
    [
        (Channel("orders.1", cache=True), "cache-orders.1"),
        (PrivateChannel("orders.1", cache=True), "private-cache-orders.1"),
        (PresenceChannel("orders.1", cache=True), "presence-cache-orders.1"),
        (EncryptedChannel("orders.1", cache=True), "private-encrypted-cache-orders.1"),
    ],
)
def test_cache_channels(channel: Channel, name: str) -> None:
    assert channel.name == name


def test_prefixes_are_not_doubled() -> None:
    """In Laravel this is a channel that nobody can join by its name."""
    with pytest.raises(InvalidChannelError, match=r"PrivateChannel\('orders.1'\)"):
        PrivateChannel("private-orders.1")
