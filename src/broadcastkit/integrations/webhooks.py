"""What a webhook endpoint does, without a framework: headers and raw bytes in, an answer out.

200 once every handler has returned; 401 for what is not signed by a key of ours, or is stale; 400 for what is signed
and cannot be read; 413 for a body that is too long; 500 if a handler failed, so that the service sends it again.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable
from typing import ClassVar

from broadcastkit.errors import ConfigurationError, WebhookError, WebhookRefusal
from broadcastkit.integrations.answers import TOO_LONG, Answer
from broadcastkit.webhooks import Headers, Keys, MasterKeys, Webhook, WebhookHandlers, parse_webhook
from broadcastkit.webhooks.handlers import InThread
from broadcastkit.webhooks.verify import check_max_age, key_ring, master_keys

__all__ = ["WEBHOOK_BODY_LIMIT", "AsyncWebhookReceiver", "WebhookReceiver", "require_receiver"]

_log = logging.getLogger("broadcastkit.webhooks")

WEBHOOK_BODY_LIMIT = 1024 * 1024
"""Bytes of a delivery; one may hold many events, and a client event as much data as the service lets pass."""

_HANDLED = Answer(200, b'{"ok":true}')
_FAILED = Answer(500, b'{"error":"a handler failed"}')
_UNREADABLE = frozenset({WebhookRefusal.WRONG_MEDIA_TYPE, WebhookRefusal.MALFORMED_BODY})


class _Receiver:
    """Handlers, and what a delivery is verified with: see parse_webhook."""

    _awaits: ClassVar[bool]

    def __init__(
        self,
        handlers: WebhookHandlers,
        *,
        keys: Keys,
        master_key: MasterKeys = None,
        max_age: float | None = None,
        body_limit: int = WEBHOOK_BODY_LIMIT,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.handlers = handlers
        self.body_limit = body_limit
        self._keys = key_ring(keys)
        self._master_keys = master_keys(master_key)
        check_max_age(max_age)
        self._max_age = max_age
        self._now = now
        if not self._awaits:
            handlers.require_sync(type(self).__name__)

    def __repr__(self) -> str:
        """Show the public keys only."""
        return f"{type(self).__name__}({self._keys!r})"

    def _read(self, headers: Headers, body: bytes | None) -> Webhook | Answer:
        if body is None or len(body) > self.body_limit:
            return TOO_LONG
        try:
            return parse_webhook(
                headers,
                body,
                keys=self._keys,
                master_key=self._master_keys,
                max_age=self._max_age,
                now=self._now(),
            )
        except WebhookError as error:
            _log.info("refused: %s", error, extra={"broadcast_reason": str(error.reason)})
            return Answer(400 if error.reason in _UNREADABLE else 401, json.dumps({"error": error.reason}).encode())


class WebhookReceiver(_Receiver):
    """Answers webhooks where nothing can be awaited: a WSGI view gives it what it got, and sends what it answers.

    Raises:
        ConfigurationError: no keys, a wrong one, or an `async` handler, here or when it is registered later.
    """

    _awaits = False

    def receive(self, headers: Headers, body: bytes | None) -> Answer:
        """Answer one delivery; `body` is the bytes as they came, or None if there are more than `body_limit`."""
        webhook = self._read(headers, body)
        if isinstance(webhook, Answer):
            return webhook
        try:
            self.handlers.handle(webhook)
        except ExceptionGroup as failures:
            return _failed(failures)
        return _HANDLED


class AsyncWebhookReceiver(_Receiver):
    """The awaited twin of WebhookReceiver; handlers may be `async`, others run in a worker thread.

    Raises:
        ConfigurationError: no keys, or a wrong one.
    """

    _awaits = True

    async def receive(self, headers: Headers, body: bytes | None, *, in_thread: InThread | None = None) -> Answer:
        """See WebhookReceiver.receive; for `in_thread`, WebhookHandlers.ahandle."""
        webhook = self._read(headers, body)
        if isinstance(webhook, Answer):
            return webhook
        try:
            await self.handlers.ahandle(webhook, in_thread=in_thread)
        except ExceptionGroup as failures:
            return _failed(failures)
        return _HANDLED


def require_receiver(by: str, given: object, *wanted: type[WebhookReceiver | AsyncWebhookReceiver]) -> None:
    """Refuse on behalf of an integration what is no receiver of its color: the first delivery would be too late.

    Raises:
        ConfigurationError: it names what is wanted.
    """
    if not isinstance(given, wanted):
        names = " or ".join(kind.__name__ for kind in wanted)
        raise ConfigurationError(f"{by} takes {names}, not {type(given).__name__}")


def _failed(failures: ExceptionGroup[Exception]) -> Answer:
    for failure in failures.exceptions:
        _log.error("a handler failed", exc_info=failure, extra={"broadcast_error": type(failure).__name__})
    return _FAILED
