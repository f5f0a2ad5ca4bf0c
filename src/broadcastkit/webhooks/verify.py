"""Bytes and headers in, a typed webhook out, or a WebhookError. No clock and no I/O.

The signature is checked on the bytes as they came, before anything reads them. No text of an error holds any of them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

from broadcastkit.core.encryption import MasterKey, MasterKeys, master_keys, open_sealed
from broadcastkit.core.names import ChannelKind, parse_channel_name
from broadcastkit.errors import ConfigurationError, InvalidInputError, InvalidPayloadError, WebhookError, WebhookRefusal
from broadcastkit.signing import KeyRing, Signer
from broadcastkit.webhooks.events import AnyWebhookEvent, ClientEventReceived, Webhook, read_event

__all__ = [
    "Headers",
    "Keys",
    "MasterKeys",
    "check_max_age",
    "key_ring",
    "master_keys",
    "parse_webhook",
    "verify_webhook",
]

Keys: TypeAlias = "KeyRing | Signer | tuple[str, str] | Iterable[Signer | tuple[str, str]]"
"""One key with its secret, or several."""
Headers: TypeAlias = "Mapping[str, Any] | Iterable[tuple[str | bytes, str | bytes]]"
"""A mapping as frameworks have it, pairs, or a WSGI environ. Case does not matter."""

_PAIR = 2
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_MS = 253_402_300_799_999  # of the year 9999
_WANTED = frozenset({"content-type", "x-pusher-key", "x-pusher-signature"})


def key_ring(keys: Keys) -> KeyRing:
    """Return the keys as a ring; ConfigurationError if there are none, or one that cannot be a key."""
    if isinstance(keys, KeyRing):
        return keys
    given: Any = keys
    single = isinstance(given, str) or _is_pair(given) or not isinstance(given, Iterable)
    several: list[Any] = [given] if single else list(given)
    if not several or not all(isinstance(key, Signer) or _is_pair(key) for key in several):
        raise ConfigurationError("must be a (key, secret) pair, a Signer, or several of them", setting="keys")
    return KeyRing(*several)


def _is_pair(value: Any) -> bool:
    return isinstance(value, tuple) and len(value) == _PAIR and all(isinstance(part, str) for part in value)


def check_max_age(max_age: float | None) -> None:
    """Raise ConfigurationError unless it is a span of time, or None."""
    if max_age is not None and not max_age > 0:
        raise ConfigurationError(f"must be more than 0 seconds, not {max_age!r}", setting="max_age")


def verify_webhook(headers: Headers, raw_body: bytes, *, keys: Keys) -> str:
    """Return the key that signed these bytes. Only parse_webhook looks whether they can be read.

    Raises:
        WebhookError: a header is missing, the key is unknown, or the signature does not fit.
    """
    return _verify(_pick(headers), raw_body, key_ring(keys))


def parse_webhook(
    headers: Headers,
    raw_body: bytes,
    *,
    keys: Keys,
    master_key: MasterKeys = None,
    max_age: float | None = None,
    now: float | None = None,
) -> Webhook:
    """Verify a webhook and read it.

    `raw_body` is the body as it came, never one that was parsed and written again. `X-Pusher-Key` chooses among `keys`;
    Pusher signs with the oldest that is active. With `max_age` (seconds) a delivery whose time is further from `now`
    (seconds since 1970) than that, before or after, is refused; Pusher repeats a delivery for five minutes under its
    first time, so ten minutes are a good least.

    Raises:
        WebhookError: refused; `reason` says why.
        ConfigurationError: keys, a master key or `max_age` cannot be what they should.
        MissingDependencyError: an event on an encrypted channel, and PyNaCl is not installed.
    """
    ring, masters = key_ring(keys), master_keys(master_key)
    check_max_age(max_age)
    if max_age is not None and now is None:
        raise ConfigurationError("needs now=time.time() beside it", setting="max_age")
    given = _pick(headers)
    key = _verify(given, raw_body, ring)
    if given.get("content-type") and not _is_json(given["content-type"]):
        raise WebhookError("Content-Type is not application/json", reason=WebhookRefusal.WRONG_MEDIA_TYPE)
    time_ms, events = _read(raw_body)
    if max_age is not None and now is not None and not abs(now - time_ms / 1000) <= max_age:
        raise WebhookError(
            f"time_ms is more than {max_age:g} s off: an old delivery, or check the clock", reason=WebhookRefusal.STALE
        )
    time = _EPOCH + timedelta(milliseconds=time_ms)
    return Webhook(key, time, tuple(_opened(event, masters) for event in events))


def _pick(headers: Headers) -> dict[str, str]:
    """Return the headers that count, by lower-case name; one that is given twice counts once, as first given."""
    picked: dict[str, str] = {}
    for name, value in headers.items() if isinstance(headers, Mapping) else headers:
        # an environ has HTTP_X_PUSHER_KEY
        plain = _text(name).lower().replace("_", "-").removeprefix("http-")
        if plain in _WANTED:
            picked.setdefault(plain, _text(value).strip())
    return picked


def _text(value: object) -> str:
    if isinstance(value, bytes):
        return value.decode("latin-1")
    return value if isinstance(value, str) else ""


def _verify(given: Mapping[str, str], raw_body: Any, ring: KeyRing) -> str:
    if not isinstance(raw_body, (bytes, bytearray, memoryview)):
        raise InvalidInputError(f"raw_body must be the bytes as they came, not {type(raw_body).__name__}")
    key, signature = given.get("x-pusher-key"), given.get("x-pusher-signature")
    if not key:
        raise WebhookError("X-Pusher-Key is missing", reason=WebhookRefusal.MISSING_HEADER)
    if not signature:
        raise WebhookError("X-Pusher-Signature is missing", reason=WebhookRefusal.MISSING_HEADER)
    if not ring.knows(key):
        raise WebhookError("X-Pusher-Key is none of the configured keys", reason=WebhookRefusal.UNKNOWN_KEY)
    if not ring.verify(key, bytes(raw_body), signature):
        raise WebhookError(
            "X-Pusher-Signature does not fit the body: check the secret, and that nothing has rewritten the body",
            reason=WebhookRefusal.BAD_SIGNATURE,
        )
    return key


def _is_json(content_type: str) -> bool:
    return content_type.partition(";")[0].strip().lower() == "application/json"


def _read(raw_body: bytes) -> tuple[int, list[AnyWebhookEvent]]:
    delivery = _json(raw_body)
    if not isinstance(delivery, dict):
        raise WebhookError("the body is not a JSON object", reason=WebhookRefusal.MALFORMED_BODY)
    time_ms, listed = delivery.get("time_ms"), delivery.get("events")
    if type(time_ms) is not int or not 0 <= time_ms <= _LAST_MS:
        raise WebhookError("time_ms is not a number of milliseconds", reason=WebhookRefusal.MALFORMED_BODY)
    if not isinstance(listed, list):
        raise WebhookError("events is not a list", reason=WebhookRefusal.MALFORMED_BODY)
    events = [read_event(fields) if isinstance(fields, dict) else None for fields in listed]
    if None in events:
        raise WebhookError("an event is not an object with a name", reason=WebhookRefusal.MALFORMED_BODY)
    return time_ms, [event for event in events if event is not None]


def _json(raw_body: bytes) -> object:
    """Read JSON; None for what is none. Not raised from here: the reader's own error holds the body."""
    try:
        # not pydantic's reader, which refuses lone surrogates: any client can put one into an event
        return json.loads(bytes(raw_body))
    except (ValueError, RecursionError):
        return None


def _opened(event: AnyWebhookEvent, masters: tuple[MasterKey, ...]) -> AnyWebhookEvent:
    if not isinstance(event, ClientEventReceived) or event.data is None:
        return event
    if parse_channel_name(event.channel).kind is not ChannelKind.ENCRYPTED:
        return event
    try:
        return event.model_copy(update={"data": open_sealed(event.channel, event.data, masters)})
    except InvalidPayloadError:
        # not refused: any subscriber can send what no key opens, and other events may be in the delivery
        return event.model_copy(update={"sealed": True})
