"""`broadcastkit verify-webhook`: whether a webhook that came is one of the service's."""

from __future__ import annotations

import sys
import time
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from broadcastkit.cli.connections import ConnectionOption, JsonOption, UrlOption, configured
from broadcastkit.cli.output import note, show, show_json, table
from broadcastkit.errors import ConfigurationError, WebhookError
from broadcastkit.webhooks import AnyWebhookEvent, UnknownEvent, Webhook, parse_webhook

__all__ = ["verify_webhook"]


def verify_webhook(
    *,
    body: Annotated[
        str, typer.Argument(metavar="[FILE]", help="The body, byte for byte as it came; - for stdin.")
    ] = "-",
    signature: Annotated[str, typer.Option(metavar="HEX", help="What X-Pusher-Signature held.")],
    key: Annotated[
        str | None, typer.Option(metavar="KEY", help="What X-Pusher-Key held; the configured key, unless given.")
    ] = None,
    max_age: Annotated[
        float | None, typer.Option(metavar="SECONDS", help="Refuse one whose time is further from now than this.")
    ] = None,
    connection: ConnectionOption = None,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check a webhook's signature with the configured secret, and show what it tells."""
    with configured(url) as found:
        target = found.pusher(connection, "broadcastkit verify-webhook")
    headers = {"X-Pusher-Key": target.key if key is None else key, "X-Pusher-Signature": signature}
    try:
        webhook = parse_webhook(
            headers,
            _read(body),
            keys=(target.key, target.secret),
            master_key=target.master_key,
            max_age=max_age,
            now=time.time(),
        )
    except WebhookError as error:
        if as_json:
            show_json({"verified": False, "reason": error.reason.value, "problem": str(error)})
        else:
            note(f"Not verified: {error}")
        raise typer.Exit(1) from None
    if as_json:
        show_json(_document(webhook))
    else:
        _tell(webhook)


def _read(body: str) -> bytes:
    if body == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(body).read_bytes()
    except OSError as error:
        raise ConfigurationError(f"cannot be read: {error.strerror}", setting=body) from None


def _document(webhook: Webhook) -> dict[str, object]:
    return {
        "verified": True,
        "key": webhook.key,
        "time": _time(webhook.time),
        "events": [_fields(event) for event in webhook.events],
    }


def _fields(event: AnyWebhookEvent) -> dict[str, object]:
    if isinstance(event, UnknownEvent):
        return dict(event.fields)
    return event.model_dump(mode="json", exclude_none=True, exclude_defaults=False)


def _tell(webhook: Webhook) -> None:
    show(f"Verified: signed with key {webhook.key} at {_time(webhook.time)}.")
    if webhook.events:
        table(["", event.name, event.channel or "", _who(event)] for event in webhook.events)


def _who(event: AnyWebhookEvent) -> str:
    """Return what else there is, but not what clients have sent: that is for --json."""
    parts = {"event": "", "user_id": "user ", "subscription_count": "subscriptions "}
    found = {name: getattr(event, name, None) for name in parts}
    return "  ".join(f"{parts[name]}{value}" for name, value in found.items() if value is not None)


def _time(time: datetime) -> str:
    return time.isoformat(timespec="milliseconds")
