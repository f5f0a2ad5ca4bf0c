"""Every error that broadcastkit raises, in one tree, split by who must act.

    BroadcastError
    ├── ConfigurationError                 the developer or deployer: a setting or a class is wrong
    │   └── MissingDependencyError         ... `pip install 'broadcastkit[extra]'` says which
    ├── InvalidInputError (ValueError)     the caller: a name, an id or a payload breaks a rule of the wire
    │   ├── InvalidChannelError
    │   ├── InvalidEventError
    │   ├── InvalidSocketIdError
    │   ├── InvalidUserError
    │   └── InvalidPayloadError
    │       └── PayloadTooLargeError
    ├── DeniedError                        nobody, or the rule's author: the answer to the client is "no"
    ├── SignatureError                     the other side: a signature, key or clock does not fit
    │   └── WebhookError                   ... of a webhook; `reason` says which part
    └── DeliveryError                      operations: the service was not reached or did not accept
        ├── NotSentError                   it was held back here, and given up
        │   ├── QueueFullError             ... for want of room
        │   └── CircuitOpenError           ... since the service does not answer
        ├── UnreachableError               no answer came
        │   ├── ConnectError
        │   ├── ConnectionLostError
        │   └── NoReplyError
        ├── FallbackError                  the author of a `when_offline` function: it raised, and is not tried again
        └── RefusedError                   an answer came, and it was not yes
            ├── BadCredentialsError        401: key, secret or clock
            ├── ForbiddenError             403: app disabled or over quota
            ├── UnknownAppError            404: app id, host or path
            ├── TooLargeForServiceError    413
            ├── BadRequestError            400, 422 and other 4xx
            ├── DeviceGoneError            a push for a device that takes no more: forget its token
            ├── RateLimitedError           429
            └── ServiceFailedError         5xx, or a reply that is no reply of this API

No error carries a secret, a signature or a payload, in its text or its attributes. All can be pickled.
"""

from __future__ import annotations

import re
from copy import copy
from enum import StrEnum
from typing import Any, Self

__all__ = [
    "BadCredentialsError",
    "BadRequestError",
    "BroadcastError",
    "BroadcastNotSentWarning",
    "CircuitOpenError",
    "ConfigurationError",
    "ConnectError",
    "ConnectionLostError",
    "DeliveryError",
    "DeniedError",
    "DeviceGoneError",
    "FallbackError",
    "ForbiddenError",
    "InvalidChannelError",
    "InvalidEventError",
    "InvalidInputError",
    "InvalidPayloadError",
    "InvalidSocketIdError",
    "InvalidUserError",
    "MissingDependencyError",
    "NoReplyError",
    "NotSentError",
    "PayloadTooLargeError",
    "QueueFullError",
    "RateLimitedError",
    "RefusedError",
    "ServiceFailedError",
    "SignatureError",
    "SyncInEventLoopWarning",
    "TooLargeForServiceError",
    "UnknownAppError",
    "UnreachableError",
    "WebhookError",
    "WebhookRefusal",
]

_TEXT_LIMIT = 500
# Pusher's 401 text quotes the string it signed and the signature it was sent.
_SIGNATURE_LIKE = re.compile(r"[0-9a-fA-F]{32,}")


class BroadcastError(Exception):
    """The root of the tree: `except BroadcastError` catches whatever this library raises."""

    receipts: tuple[Any, ...] = ()
    """Where several events or connections were asked for: what became of each, as Receipt objects."""

    def __init__(self, message: str = "") -> None:
        super().__init__(message)

    def twin(self) -> Self:
        """Return the same error for another caller: one object raised in two places would tangle their tracebacks."""
        other = copy(self)
        other.__cause__ = self.__cause__
        return other

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.args, self.__dict__.copy())


def _rebuild(cls: type[BroadcastError], args: tuple[Any, ...], state: dict[str, Any]) -> BroadcastError:
    error = cls.__new__(cls, *args)
    error.args = args
    error.__dict__.update(state)
    return error


class ConfigurationError(BroadcastError):
    """A setting, an event class, a channel class or a rule is wrong; the text names it and what it should hold.

    `setting` is the name of the wrong setting, if it is one.
    """

    def __init__(self, message: str = "", *, setting: str = "") -> None:
        super().__init__(f"{setting} {message}" if setting else message)
        self.setting = setting


class MissingDependencyError(ConfigurationError, ImportError):
    """An optional dependency is not installed; the text holds the `pip install` line."""

    def __init__(self, package: str = "", extra: str = "", purpose: str = "") -> None:
        message = f"{purpose} needs {package}: run `pip install 'broadcastkit[{extra}]'`"
        super().__init__(message)


class InvalidInputError(BroadcastError, ValueError):
    """A value breaks a rule of the wire; refused before any I/O and before anything is signed."""


class InvalidChannelError(InvalidInputError):
    """A channel name that the protocol does not allow."""


class InvalidEventError(InvalidInputError):
    """An event name that the protocol does not allow, or that belongs to the protocol itself."""


class InvalidSocketIdError(InvalidInputError):
    """A socket id that is not two runs of ASCII digits with a dot between."""


class InvalidUserError(InvalidInputError):
    """A user or presence member without a usable id."""


class InvalidPayloadError(InvalidInputError):
    """A payload that cannot be written as JSON."""


class PayloadTooLargeError(InvalidPayloadError):
    """A payload over the service's limit, found before any I/O.

    Attributes: `event`, `size` and `limit` in bytes of UTF-8, `largest`: the top-level fields with their sizes.
    """

    def __init__(
        self,
        message: str = "",
        *,
        event: str = "",
        size: int = 0,
        limit: int = 0,
        largest: tuple[tuple[str, int], ...] = (),
    ) -> None:
        super().__init__(message)
        self.event = event
        self.size = size
        self.limit = limit
        self.largest = largest


class DeniedError(BroadcastError):
    """A subscription or a sign-in was refused: answer 403. `reason` is for the log, not for the client."""

    def __init__(self, reason: str = "") -> None:
        super().__init__(reason)
        self.reason = reason


class SignatureError(BroadcastError):
    """A signed request could not be trusted. The text says which part did not fit, never what would have."""


class WebhookRefusal(StrEnum):
    """Why a webhook was refused."""

    MISSING_HEADER = "missing header"
    UNKNOWN_KEY = "unknown key"
    BAD_SIGNATURE = "bad signature"
    WRONG_MEDIA_TYPE = "wrong media type"
    MALFORMED_BODY = "malformed body"
    STALE = "stale"


class WebhookError(SignatureError):
    """A webhook that was refused. `reason` is for code to tell by; the text says what to look at."""

    def __init__(self, message: str = "", *, reason: WebhookRefusal = WebhookRefusal.BAD_SIGNATURE) -> None:
        super().__init__(message)
        self.reason = reason


class DeliveryError(BroadcastError):
    """A message was not, or not wholly, accepted by the service.

    Attributes: `retryable` (sending the same again may succeed), `status` (HTTP, if an answer came),
    `response_text` (shortened, signatures and payloads blanked), `delivered`: the channels that had been served before
    the failure.
    """

    retryable = False

    def __init__(
        self,
        message: str = "",
        *,
        status: int | None = None,
        response_text: str = "",
        retry_after: float | None = None,
        delivered: tuple[str, ...] = (),
    ) -> None:
        super().__init__(message)
        self.status = status
        # blanked before it is shortened: half a signature would not look like one
        self.response_text: str = _SIGNATURE_LIKE.sub("[blanked]", response_text[: 2 * _TEXT_LIMIT])[:_TEXT_LIMIT]
        self.retry_after = retry_after
        self.delivered = delivered


class NotSentError(DeliveryError):
    """A message was held back here and given up: the process ended, or time was up. Nothing was sent."""


class QueueFullError(NotSentError):
    """Too many messages wait to be sent already."""

    retryable = True


class CircuitOpenError(NotSentError):
    """The service did not answer for a while, and is not asked again before `retry_after` seconds.

    That is None while another message is on its way, which finds out whether the service answers again.
    """

    retryable = True


class UnreachableError(DeliveryError):
    """No answer came."""

    retryable = True


class ConnectError(UnreachableError):
    """No connection could be made: name, port, TLS or time. Nothing was sent."""


class ConnectionLostError(UnreachableError):
    """The connection broke before an answer came; the service may or may not have acted."""


class NoReplyError(UnreachableError):
    """The request went out and no answer came in time; the service may have acted, so it is not retried unasked."""


class FallbackError(DeliveryError):
    """A function of `when_offline` raised something that no other try will mend.

    The text has the type and the place, and not what the function's own error said: that may quote a payload.
    """


class RefusedError(DeliveryError):
    """The service answered, and the answer was not yes."""


class BadCredentialsError(RefusedError):
    """401: the key, the secret or this machine's clock is wrong."""


class ForbiddenError(RefusedError):
    """403: the app is disabled or over its quota."""


class UnknownAppError(RefusedError):
    """404: no such app here, or no such path."""


class TooLargeForServiceError(RefusedError):
    """413: the service's limit is lower than the one configured here."""


class BadRequestError(RefusedError):
    """400, 422 or another 4xx."""


class DeviceGoneError(RefusedError):
    """A push was for a device whose app is gone, or whose token has been replaced: delete the token."""


class RateLimitedError(RefusedError):
    """429; `retry_after` holds seconds if the service said."""

    retryable = True


class ServiceFailedError(RefusedError):
    """5xx, or something that is no reply of this API (a proxy's page, broken JSON)."""

    retryable = True


class BroadcastNotSentWarning(RuntimeWarning):
    """A pending broadcast was dropped without `to_others()` or `to_everyone()`; nothing was sent."""


class SyncInEventLoopWarning(RuntimeWarning):
    """A blocking broadcast ran inside an event loop; `broadcastkit.aio` has the awaited words."""
