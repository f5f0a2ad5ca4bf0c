"""A ring of keys: one signs, all verify."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any

import pytest

from broadcastkit.errors import ConfigurationError, SignatureError
from broadcastkit.signing import KeyRing, Signer

NEW, OLD, OTHER = ("key", "new secret"), ("key", "old secret"), ("other-key", "other secret")
RING = KeyRing(NEW, Signer(*OLD), OTHER)
EVERY = pytest.mark.parametrize("pair", [NEW, OLD, OTHER], ids=["current", "retired", "another key"])
STRANGER = ("key", "no secret of ours")
SOCKET, CHANNEL, MEMBER, NOW = "1.2", "presence-x", '{"user_id":"1"}', 1_700_000_000


def sign(pair: tuple[str, str], text: str) -> str:
    return hmac.digest(pair[1].encode(), text.encode(), hashlib.sha256).hex()


def accepts(ring: KeyRing, pair: tuple[str, str]) -> list[bool]:
    """What a ring says to everything that this key can sign."""
    query = f"auth_key={pair[0]}&auth_timestamp={NOW}&auth_version=1.0"
    params = dict(part.split("=") for part in query.split("&"))
    params["auth_signature"] = sign(pair, f"GET\n/apps/1/channels\n{query}")
    try:
        ring.verify_request("GET", "/apps/1/channels", params, b"", now=NOW)
    except SignatureError:
        request = False
    else:
        request = True
    return [
        ring.verify(pair[0], b"text", sign(pair, "text")),
        ring.verify_subscription(f"{pair[0]}:{sign(pair, f'{SOCKET}:{CHANNEL}:{MEMBER}')}", SOCKET, CHANNEL, MEMBER),
        ring.verify_user(f"{pair[0]}:{sign(pair, f'{SOCKET}::user::{MEMBER}')}", SOCKET, MEMBER),
        request,
    ]


@EVERY
def test_what_any_of_the_keys_has_signed_is_accepted(pair: tuple[str, str]) -> None:
    assert accepts(RING, pair) == [True] * 4


@pytest.mark.parametrize("pair", [STRANGER, ("other-key", "new secret"), ("no-key", "new secret")])
def test_what_none_of_them_has_signed_is_not(pair: tuple[str, str]) -> None:
    assert accepts(RING, pair) == [False] * 4


def test_a_key_that_has_left_the_ring_is_a_strangers() -> None:
    assert accepts(KeyRing(NEW), OLD) == [False] * 4


def test_the_current_one_signs() -> None:
    assert RING.current.hex(b"text") == sign(NEW, "text")
    assert [signer.key for signer in RING.signers] == ["key", "key", "other-key"]
    assert RING.knows("other-key")
    assert not RING.knows("no-key")


def test_a_refused_request_is_told_of_the_current_key() -> None:
    with pytest.raises(SignatureError, match=r"^auth_key is not the key of this app$"):
        RING.verify_request("GET", "/apps/1/channels", {"auth_key": "no-key"}, b"", now=NOW)


def test_repr_shows_public_keys_only() -> None:
    assert repr(RING) == "KeyRing('key', 'key', 'other-key')"


@pytest.mark.parametrize("pair", [("a b", "secret"), ("key", "")])
@pytest.mark.parametrize("place", [0, 1])
def test_what_cannot_be_a_key_is_named(pair: tuple[str, str], place: int) -> None:
    keys: list[Any] = [NEW, NEW]
    keys[place] = pair
    with pytest.raises(ConfigurationError, match=r"^(key|secret) must"):
        KeyRing(*keys)
