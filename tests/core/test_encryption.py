"""End-to-end encryption against values of other implementations, and what a wrong key is told."""

from __future__ import annotations

import base64
import hashlib
import json
import pickle
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest
from hypothesis import strategies as st
from nacl.secret import SecretBox

from broadcastkit.core.encryption import NONCE_BYTES, MasterKey, parse_master_key
from broadcastkit.errors import ConfigurationError, InvalidPayloadError
from tests.vectors import vectors

if TYPE_CHECKING:
    from tests.vectors import Vector

CHANNEL = "private-encrypted-a"
KEY_TEXT = base64.b64encode(b"0123456789abcdef0123456789abcdef").decode()
KEY = parse_master_key(KEY_TEXT)
NONCE = b"n" * NONCE_BYTES


class KnownSecret(MasterKey):
    """Stands for a master key of which only one channel's secret is known, as clients know it."""

    def __init__(self, shared_secret: str) -> None:
        super().__init__(b"")
        self.known = base64.b64decode(shared_secret)

    def shared_secret(self, channel_name: str) -> bytes:
        return self.known


def box_of(given: dict[str, str]) -> MasterKey:
    if "shared_secret" in given:
        return KnownSecret(given["shared_secret"])
    return MasterKey(given["master_key_raw_utf8"].encode())


# -- master keys -----------------------------------------------------------------------------------------------------


@vectors("master_key", only=lambda one: one.expected["valid"])
def test_master_key_is_read_as_others_do(given: Any, expected: Any) -> None:
    # what the bytes are is seen in what is derived from them
    derived = hashlib.sha256(CHANNEL.encode() + bytes.fromhex(expected["decoded_hex"])).digest()

    assert parse_master_key(given["base64"]).shared_secret(CHANNEL) == derived


@vectors("master_key", without=lambda one: one.expected["valid"])
def test_master_key_is_refused_as_others_do(given: Any, expected: Any) -> None:
    message = {
        "31 bytes": r"^encryption_master_key must decode to 32 bytes, not 31; make one with `openssl rand -base64 32`$",
        "empty": r"^encryption_master_key must decode to 32 bytes, not 0; ",
        "not valid base64": r"^encryption_master_key is not base64 \(standard alphabet, padded\)$",
        "wrong length": r"^encryption_master_key is not base64 ",  # not of a whole number of bytes, to be exact
    }[expected["reason"]]

    with pytest.raises(ConfigurationError, match=message) as caught:
        parse_master_key(given["base64"])
    assert caught.value.setting == "encryption_master_key"
    assert not given["base64"] or given["base64"] not in repr(caught.value)


@pytest.mark.parametrize(
    "text", [KEY_TEXT + "\n", f" {KEY_TEXT}", "ä" * 44, KEY_TEXT[:-1], KEY_TEXT.replace("=", "") + "A="]
)
def test_nothing_is_read_into_a_master_key(text: str) -> None:
    with pytest.raises(ConfigurationError):
        parse_master_key(text)


def test_no_repr_shows_a_master_key() -> None:
    for shown in (repr(KEY), str(KEY)):
        assert KEY_TEXT not in shown
        assert "0123456789" not in shown


# -- a channel's secret ----------------------------------------------------------------------------------------------


def is_too_long(vector: Vector) -> bool:
    return len(vector.given.get("master_key_raw_utf8", "")) > 32


@vectors("shared_secret", without=is_too_long)
def test_shared_secret_is_derived_as_others_do(given: Any, expected: Any) -> None:
    assert (
        parse_master_key(given["encryption_master_key_base64"]).shared_secret_base64(given["channel"])
        == expected["base64"]
    )


# Java leaves the padding out, and standard decoders choke on that. Every other SDK pads, and so do we.
@vectors("shared_secret", only=lambda one: "java_output_without_padding" in one.expected)
def test_shared_secret_is_padded_though_java_leaves_that_out(given: Any, expected: Any) -> None:
    text = parse_master_key(given["encryption_master_key_base64"]).shared_secret_base64(given["channel"])

    assert text == expected["java_output_without_padding"] + "="
    assert len(base64.b64decode(text, validate=True)) == 32


# The key of this Go test has 33 bytes, and Go derives from it. A key of another length is a mistake: it is refused.
@vectors("shared_secret", only=is_too_long)
def test_a_key_of_33_bytes_is_refused_though_go_takes_it(given: Any, expected: Any) -> None:
    raw = given["master_key_raw_utf8"].encode()

    with pytest.raises(ConfigurationError, match="must decode to 32 bytes, not 33"):
        parse_master_key(base64.b64encode(raw).decode())
    # the derivation is the same
    assert MasterKey(raw).shared_secret(given["channel"]).hex() == expected["sha256_hex"]
    assert MasterKey(raw).shared_secret_base64(given["channel"]) == expected["base64"]


# -- payloads --------------------------------------------------------------------------------------------------------


@vectors("secretbox_open")
def test_payload_encrypted_by_others_is_opened(given: Any, expected: Any) -> None:
    data = json.dumps({"nonce": given["nonce"], "ciphertext": given["ciphertext"]})

    assert box_of(given).decrypt(given.get("channel", CHANNEL), data) == expected["plaintext"]


@vectors("secretbox_encrypt")
def test_payload_is_encrypted_as_others_do(given: Any, expected: Any) -> None:
    data = box_of(given).encrypt(CHANNEL, given["plaintext"], nonce=given["nonce_utf8"].encode())

    assert json.loads(data) == expected


@hypothesis.given(st.text(st.characters(codec="utf-8")), st.binary(min_size=24, max_size=24))
def test_what_was_encrypted_is_opened(text: str, nonce: bytes) -> None:
    data = KEY.encrypt(CHANNEL, text, nonce=nonce)

    assert KEY.decrypt(CHANNEL, data) == text
    parts = json.loads(data)
    assert parts.keys() == {"nonce", "ciphertext"}
    # opened by libsodium as a client would, with no code of ours but the secret
    box = SecretBox(base64.b64decode(KEY.shared_secret_base64(CHANNEL)))
    assert box.decrypt(base64.b64decode(parts["ciphertext"]), base64.b64decode(parts["nonce"])).decode() == text


@hypothesis.given(st.binary(max_size=5), st.data())
def test_any_change_keeps_a_payload_shut(extra: bytes, data: st.DataObject) -> None:
    parts = json.loads(KEY.encrypt(CHANNEL, "hunter2", nonce=NONCE))
    name = data.draw(st.sampled_from(["nonce", "ciphertext"]))
    raw = bytearray(base64.b64decode(parts[name])) + extra
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= data.draw(st.integers(0, 255))
    changed = base64.b64encode(raw).decode()
    hypothesis.assume(changed != parts[name])

    with pytest.raises(InvalidPayloadError, match=r"does not open with this master key$"):
        KEY.decrypt(CHANNEL, json.dumps({**parts, name: changed}))


@pytest.mark.parametrize(
    "data", ["", "null", "[]", "{}", "x", '{"nonce":1,"ciphertext":2}', '{"nonce":"","ciphertext":""}']
)
def test_anything_else_is_answered_alike(data: str) -> None:
    with pytest.raises(InvalidPayloadError, match=f"^data on '{CHANNEL}' does not open with this master key$"):
        KEY.decrypt(CHANNEL, data)


def test_each_channel_has_a_secret_of_its_own() -> None:
    data = KEY.encrypt(CHANNEL, "x", nonce=NONCE)

    with pytest.raises(InvalidPayloadError):
        KEY.decrypt("private-encrypted-b", data)


def test_a_master_key_is_kept_out_of_pickles_of_errors() -> None:
    with pytest.raises(InvalidPayloadError) as caught:
        KEY.decrypt(CHANNEL, "{}")

    assert b"0123456789abcdef" not in pickle.dumps(caught.value)
