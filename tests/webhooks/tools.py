"""Webhooks made by hand: signatures come from `hmac`, so that broadcastkit is never held against itself."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

__all__ = ["KEY", "MASTER_KEY", "NOW", "OLD_MASTER_KEY", "SECRET", "body_of", "headers_for", "signature_of"]

KEY, SECRET = "278d425bdf160c739803", "7ad3773142a6692b25b8"
MASTER_KEY = "zyrm8pvV2C9fJcBfhyXzvxbJVN/H7QLmbe0xJi1GhPU="
OLD_MASTER_KEY = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
NOW = 1_700_000_000


def signature_of(body: bytes, secret: str = SECRET) -> str:
    return hmac.digest(secret.encode(), body, hashlib.sha256).hex()


def headers_for(body: bytes, key: str = KEY, secret: str = SECRET) -> dict[str, str]:
    """The headers as Pusher sends them."""
    return {
        "Content-Type": "application/json",
        "X-Pusher-Key": key,
        "X-Pusher-Signature": signature_of(body, secret),
    }


def body_of(*events: dict[str, Any], time_ms: object = NOW * 1000) -> bytes:
    return json.dumps({"time_ms": time_ms, "events": events}).encode()
