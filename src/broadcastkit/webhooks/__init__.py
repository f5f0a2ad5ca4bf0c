"""Webhooks: what the service tells of channels and members, verified and typed.

    webhook = parse_webhook(request.headers, body, keys=("key", "secret"))
    for event in webhook.events: ...

Or let handlers be called, by a receiver of `broadcastkit.integrations.webhooks`.
"""

from __future__ import annotations

from broadcastkit.errors import WebhookError, WebhookRefusal
from broadcastkit.signing import KeyRing
from broadcastkit.webhooks.events import (
    AnyWebhookEvent,
    CacheMissed,
    ChannelOccupied,
    ChannelVacated,
    ClientEventReceived,
    MemberAdded,
    MemberRemoved,
    SubscriptionCount,
    UnknownEvent,
    Webhook,
    WebhookEvent,
)
from broadcastkit.webhooks.handlers import WebhookHandlers
from broadcastkit.webhooks.verify import Headers, Keys, MasterKeys, parse_webhook, verify_webhook

__all__ = [
    "AnyWebhookEvent",
    "CacheMissed",
    "ChannelOccupied",
    "ChannelVacated",
    "ClientEventReceived",
    "Headers",
    "KeyRing",
    "Keys",
    "MasterKeys",
    "MemberAdded",
    "MemberRemoved",
    "SubscriptionCount",
    "UnknownEvent",
    "Webhook",
    "WebhookError",
    "WebhookEvent",
    "WebhookHandlers",
    "WebhookRefusal",
    "parse_webhook",
    "verify_webhook",
]
