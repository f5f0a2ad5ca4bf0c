"""End-to-end encrypted payloads: XSalsa20-Poly1305 with a key derived for each channel.

Source: Pusher Channels, "Encrypted channels"; layout as libsodium's secretbox.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Iterable
from typing import Any, TypeAlias

from broadcastkit.errors import ConfigurationError, InvalidPayloadError, MissingDependencyError

__all__ = ["NONCE_BYTES", "MasterKey", "MasterKeys", "master_keys", "open_sealed", "parse_master_key"]

NONCE_BYTES = 24
_KEY_BYTES = 32


class MasterKey:
    """The master key of encrypted channels; it never leaves the server, and never its repr."""

    __slots__ = ("_key",)

    def __init__(self, key: bytes) -> None:
        self._key = key

    def shared_secret(self, channel_name: str) -> bytes:
        """Derive the 32-byte key that a channel's subscribers get: SHA-256 of name and master key."""
        return hashlib.sha256(channel_name.encode() + self._key).digest()

    def shared_secret_base64(self, channel_name: str) -> str:
        """Return the channel's key as authorization answers carry it (standard base64, padded)."""
        return base64.b64encode(self.shared_secret(channel_name)).decode()

    def encrypt(self, channel_name: str, data: str, *, nonce: bytes) -> str:
        """Encrypt payload text for one channel. `nonce` is 24 random bytes, never used twice."""
        box = _secret_box(self.shared_secret(channel_name))
        sealed = box.encrypt(data.encode(), nonce).ciphertext
        return f'{{"nonce":"{_text(nonce)}","ciphertext":"{_text(sealed)}"}}'

    def decrypt(self, channel_name: str, data: str) -> str:
        """Open payload text encrypted for a channel, or raise InvalidPayloadError."""
        box = _secret_box(self.shared_secret(channel_name))
        try:
            parts = json.loads(data)
            nonce, sealed = (base64.b64decode(parts[key], validate=True) for key in ("nonce", "ciphertext"))
            return str(box.decrypt(sealed, nonce).decode())
        except Exception as error:
            # PyNaCl's CryptoError, broken JSON, base64 or UTF-8: one answer for all, so that no oracle is built
            raise InvalidPayloadError(f"data on {channel_name!r} does not open with this master key") from error


def parse_master_key(text: str) -> MasterKey:
    """Read a master key: standard base64 of exactly 32 bytes."""
    if not isinstance(text, str):
        raise ConfigurationError(f"must be a str, not {type(text).__name__}", setting="encryption_master_key")
    try:
        key = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ConfigurationError("is not base64 (standard alphabet, padded)", setting="encryption_master_key") from None
    if len(key) != _KEY_BYTES:
        raise ConfigurationError(
            f"must decode to {_KEY_BYTES} bytes, not {len(key)}; make one with `openssl rand -base64 32`",
            setting="encryption_master_key",
        )
    return MasterKey(key)


MasterKeys: TypeAlias = "str | MasterKey | Iterable[str | MasterKey] | None"
"""The current master key, and after it those that only open what was sealed before; one str has commas between."""


def master_keys(given: MasterKeys) -> tuple[MasterKey, ...]:
    """Return master keys, the current one first; ConfigurationError for one that cannot be one."""
    if given is None:
        return ()
    if isinstance(given, str):
        several: Iterable[str | MasterKey] = given.split(",")
    else:
        several = given if isinstance(given, Iterable) else [given]
    return tuple(one if isinstance(one, MasterKey) else parse_master_key(one) for one in several)


def open_sealed(channel_name: str, data: str, keys: tuple[MasterKey, ...]) -> str:
    """Open payload text with whichever key does, or raise InvalidPayloadError."""
    for key in keys:
        try:
            return key.decrypt(channel_name, data)
        except InvalidPayloadError:
            continue
    raise InvalidPayloadError(f"data on {channel_name!r} opens with no master key of {len(keys)}")


def _secret_box(key: bytes) -> Any:
    try:
        from nacl.secret import SecretBox
    except ImportError:
        raise MissingDependencyError("PyNaCl", "encryption", "an encrypted channel") from None
    return SecretBox(key)


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
