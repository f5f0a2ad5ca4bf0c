"""Signatures of the Pusher protocol: requests, channel subscriptions and user sign-ins.

HMAC-SHA256 with the app's secret, written as lower-case hex. Source: Pusher Channels, "HTTP API" and "Auth
signatures". Everything is checked before it is signed: both subscription and sign-in strings are joined by colons,
so an unchecked name would let a stranger choose what is signed.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from hmac import compare_digest
from urllib.parse import quote, urlencode

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC

from broadcastkit.core.names import ChannelKind, check_channel_name, check_socket_id, parse_channel_name
from broadcastkit.errors import ConfigurationError, InvalidChannelError, InvalidInputError, SignatureError

__all__ = ["CLOCK_TOLERANCE", "KeyRing", "Signer", "body_md5", "query_text", "string_to_sign"]

CLOCK_TOLERANCE = 600
"""Seconds by which the timestamp of a signed request may be off, before or after."""

_KEY = re.compile(r"[!#-%'-9;<>-\[\]-~]+")
_RESERVED = frozenset({"auth_key", "auth_timestamp", "auth_version", "auth_signature", "body_md5"})


class Signer:
    """One app's key and secret. Keyed once, copied for each signature: half the cost of a new HMAC.

    Examples:
        >>> signer = Signer("278d425bdf160c739803", "7ad3773142a6692b25b8")
        >>> signer.sign_subscription("1234.1234", "private-foobar")
        '278d425bdf160c739803:58df8b0c36d6982b82c3ecf6b4662e34fe8c25bba48f5369f135bf843651c3a4'
    """

    __slots__ = ("_copy", "key")

    def __init__(self, key: str, secret: str) -> None:
        for setting, value in (("key", key), ("secret", secret)):
            if not isinstance(value or "", str):  # None, where a variable is not set
                raise ConfigurationError(f"must be a str, not {type(value).__name__}", setting=setting)
        if _KEY.fullmatch(key or "") is None:
            raise ConfigurationError("must be printable ASCII without spaces, quotes, colons, & or =", setting="key")
        if not secret:
            raise ConfigurationError("must not be empty", setting="secret")
        self.key: str = key
        self._copy = HMAC(secret.encode(), SHA256()).copy

    def __repr__(self) -> str:
        """Show the public key only."""
        return f"Signer({self.key!r})"

    def hex(self, message: bytes) -> str:
        """Return the signature of raw bytes."""
        mac = self._copy()
        mac.update(message)
        return mac.finalize().hex()

    def after(self, start: bytes) -> Callable[[bytes], str]:
        """Return `hex` for messages that all begin with `start`, which is taken in once."""
        mac = self._copy()
        mac.update(start)
        copy = mac.copy

        def hex_after(rest: bytes) -> str:
            mac = copy()
            mac.update(rest)
            return mac.finalize().hex()

        return hex_after

    def verify(self, message: bytes, signature: str | bytes) -> bool:
        """Whether a signature fits, compared on bytes in constant time; anything malformed is False."""
        offered = _bytes(signature) if isinstance(signature, str) else signature
        return compare_digest(self.hex(message).encode(), offered)

    # -- subscriptions and sign-ins ------------------------------------------------------------------------------

    def sign_subscription(self, socket_id: str, channel_name: str, channel_data: str | None = None) -> str:
        """Return the `auth` value of a channel authorization: `key:signature`.

        `channel_data` is the JSON text of a presence member; the very same text must be returned to the client.

        Raises:
            InvalidSocketIdError, InvalidChannelError: malformed, public, or presence without a member (or the reverse).
        """
        check_socket_id(socket_id)
        kind = parse_channel_name(check_channel_name(channel_name)).kind
        if not kind.guarded:
            raise InvalidChannelError(f"{channel_name!r} is not a private or presence channel: nothing to sign")
        if kind is ChannelKind.PRESENCE and channel_data is None:
            raise InvalidChannelError(f"{channel_name!r} is a presence channel: a member is needed")
        if kind is ChannelKind.PRIVATE and channel_data is not None:
            raise InvalidChannelError(f"{channel_name!r} is not a presence channel: it takes no member")
        return self.sign_checked(socket_id, channel_name, channel_data)

    def sign_checked(self, socket_id: str, channel_name: str, channel_data: str | None) -> str:
        """Sign a subscription whose parts were checked before, as ChannelRegistry does."""
        text = f"{socket_id}:{channel_name}" if channel_data is None else f"{socket_id}:{channel_name}:{channel_data}"
        mac = self._copy()  # as hex() does: a call less on the busiest path
        mac.update(text.encode())
        return f"{self.key}:{mac.finalize().hex()}"

    def verify_subscription(self, auth: str, socket_id: str, channel_name: str, channel_data: str | None) -> bool:
        """Whether a client's `auth` value opens this channel for this socket."""
        key, _, signature = auth.partition(":")
        text = f"{socket_id}:{channel_name}" if channel_data is None else f"{socket_id}:{channel_name}:{channel_data}"
        return self.verify(_bytes(text), signature) and key == self.key

    def sign_user(self, socket_id: str, user_data: str) -> str:
        """Return the `auth` value of a sign-in for the JSON text of the user."""
        return f"{self.key}:{self.hex(f'{check_socket_id(socket_id)}::user::{user_data}'.encode())}"

    def verify_user(self, auth: str, socket_id: str, user_data: str) -> bool:
        """Whether a client's sign-in is ours."""
        key, _, signature = auth.partition(":")
        return self.verify(_bytes(f"{socket_id}::user::{user_data}"), signature) and key == self.key

    # -- requests of the HTTP API --------------------------------------------------------------------------------

    def sign_request(
        self, method: str, path: str, params: Mapping[str, str], body: bytes, *, timestamp: int
    ) -> dict[str, str]:
        """Return the query parameters of a signed request, `auth_signature` last.

        `path` is what the server sees itself: `/apps/…`. `body_md5` is there only for a body: servers refuse it on GET.
        """
        taken = _RESERVED.intersection(key.lower() for key in params)
        if taken:
            raise InvalidInputError(f"query parameter {min(taken)} belongs to the signature itself")
        signed = {key.lower(): value for key, value in params.items()}
        signed |= {"auth_key": self.key, "auth_timestamp": str(timestamp), "auth_version": "1.0"}
        if body:
            signed["body_md5"] = body_md5(body)
        signature = self.hex(string_to_sign(method, path, signed).encode())
        return {**dict(sorted(signed.items())), "auth_signature": signature}

    def verify_request(self, method: str, path: str, params: Mapping[str, str], body: bytes, *, now: float) -> None:
        """Raise SignatureError unless the request is signed with this app's secret, within 600 s, over this body."""
        if params.get("auth_key") != self.key:
            raise SignatureError("auth_key is not the key of this app")
        timestamp = params.get("auth_timestamp", "")
        if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) < 16):  # noqa: PLR2004
            raise SignatureError("auth_timestamp is not a number of seconds")
        if abs(now - int(timestamp)) > CLOCK_TOLERANCE:
            raise SignatureError(f"auth_timestamp is more than {CLOCK_TOLERANCE} s off: check both clocks")
        # a digest without a body is checked too: some clients send that of the empty body, and a body may be cut off
        digest = params.get("body_md5")
        if (body or digest is not None) and not compare_digest(body_md5(body).encode(), _bytes(digest or "")):
            raise SignatureError("body_md5 does not fit the body")
        signed = {key: value for key, value in params.items() if key != "auth_signature"}
        if not self.verify(_bytes(string_to_sign(method, path, signed)), params.get("auth_signature", "")):
            raise SignatureError("auth_signature does not fit the request")


class KeyRing:
    """The keys of one app while they are changed: the current one signs, retired ones still verify.

    A pair of `(key, secret)` will do for a Signer. The same key may be there with several secrets.

    Examples:
        >>> ring = KeyRing(("key-2", "new secret"), ("key-1", "old secret"))
        >>> ring.verify("key-1", b"body", Signer("key-1", "old secret").hex(b"body"))
        True
    """

    __slots__ = ("current", "retired")

    def __init__(self, current: Signer | tuple[str, str], *retired: Signer | tuple[str, str]) -> None:
        self.current: Signer = _signer(current)
        self.retired: tuple[Signer, ...] = tuple(_signer(one) for one in retired)

    def __repr__(self) -> str:
        """Show the public keys only."""
        return f"KeyRing({', '.join(repr(signer.key) for signer in self.signers)})"

    @property
    def signers(self) -> tuple[Signer, ...]:
        """The current key first, then the retired ones."""
        return (self.current, *self.retired)

    def knows(self, key: str) -> bool:
        """Whether one of the keys has this name."""
        return any(signer.key == key for signer in self.signers)

    def verify(self, key: str, message: bytes, signature: str | bytes) -> bool:
        """Whether a signature is one of the named key."""
        return any(signer.verify(message, signature) for signer in self.signers if signer.key == key)

    def verify_subscription(self, auth: str, socket_id: str, channel_name: str, channel_data: str | None) -> bool:
        """See Signer.verify_subscription."""
        return any(one.verify_subscription(auth, socket_id, channel_name, channel_data) for one in self.signers)

    def verify_user(self, auth: str, socket_id: str, user_data: str) -> bool:
        """See Signer.verify_user."""
        return any(one.verify_user(auth, socket_id, user_data) for one in self.signers)

    def verify_request(self, method: str, path: str, params: Mapping[str, str], body: bytes, *, now: float) -> None:
        """See Signer.verify_request; what is raised is about the current key."""
        try:
            self.current.verify_request(method, path, params, body, now=now)
        except SignatureError:
            for signer in self.retired:
                with suppress(SignatureError):
                    return signer.verify_request(method, path, params, body, now=now)
            raise


def _signer(key: Signer | tuple[str, str]) -> Signer:
    return key if isinstance(key, Signer) else Signer(*key)


def _bytes(offered: str) -> bytes:
    """Encode what a stranger sent. A lone surrogate has bytes of its own: no error, and no other text's bytes."""
    return offered.encode("utf-8", "surrogatepass")


def body_md5(body: bytes) -> str:
    """Return the digest that the API asks for; it guards nothing by itself, the signature over it does."""
    return hashlib.md5(body, usedforsecurity=False).hexdigest()


def string_to_sign(method: str, path: str, params: Mapping[str, str]) -> str:
    """Return method, path and sorted query as they are signed: values are not percent-encoded."""
    return f"{method.upper()}\n{path}\n" + "&".join(f"{key}={params[key]}" for key in sorted(params))


def query_text(params: Mapping[str, str]) -> str:
    """Return the query as it goes out: percent-encoded, `,` included."""
    return urlencode(params, quote_via=quote, safe="")
