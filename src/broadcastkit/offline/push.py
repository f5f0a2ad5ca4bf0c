"""Push notifications: what sends them, and Firebase Cloud Messaging, which reaches Android, iOS and the web."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol
from urllib.parse import urlsplit

import httpx

from broadcastkit.calls import in_worker_thread
from broadcastkit.core.retry_after import seconds_of
from broadcastkit.drivers.checks import check_seconds, check_text, instead_of
from broadcastkit.errors import (
    BadCredentialsError,
    BadRequestError,
    ConfigurationError,
    ConnectError,
    ConnectionLostError,
    DeliveryError,
    DeviceGoneError,
    ForbiddenError,
    InvalidInputError,
    NoReplyError,
    RateLimitedError,
    ServiceFailedError,
    UnknownAppError,
)

__all__ = ["Fcm", "PushSender"]

_ENDPOINT = "https://fcm.googleapis.com"
_PROJECT = re.compile(r"[a-z0-9:.-]{1,63}")
_OK = 200
_INTERNAL = 500
# "Error codes": where a 429 has no Retry-After, a minute.
_PAUSE = 60.0
# An answer is a name, or an error with some details.
_ANSWER_LIMIT = 64 * 1024
_NO_DATA: Mapping[str, str] = {}
_BY_STATUS: Mapping[int, tuple[type[DeliveryError], str]] = {
    400: (BadRequestError, "the token is none, or the message is not as it should be"),
    401: (BadCredentialsError, "the access token is not valid, or that of Apple or the web is not"),
    403: (ForbiddenError, "the credentials are not for this project"),
    404: (UnknownAppError, "there is no such project"),
    429: (RateLimitedError, "too many messages"),
}


class PushSender(Protocol):
    """Sends a notification to one device: what an application's fallback is written against."""

    def send(self, *, to: str, title: str, text: str, data: Mapping[str, str] = ..., id: str | None = None) -> None:  # noqa: A002 - see Missed
        """Send to the device with the token `to`; return when the service has taken it.

        Raises:
            DeviceGoneError: no app has this token any more: delete it.
            DeliveryError: it was not taken; `retryable` says whether another try may help.
        """
        ...


class Fcm:
    """Sends by Firebase Cloud Messaging, over its HTTP v1 API. Safe to use from several threads, and after a fork.

        fcm = Fcm("my-project", access_token)
        fcm.send(to=device.token, title="Ada", text="Hello!", data={"conversation": "7"}, id=missed.id)

    `token` returns an OAuth 2.0 access token of the scope `https://www.googleapis.com/auth/firebase.messaging`; it is
    called for each message, so let it keep one until that expires, as google-auth's credentials do. What is sent is
    documented under "projects.messages.send": `POST /v1/projects/{project}/messages:send`, with the token as
    `Authorization: Bearer …`, and `{"message": {"token": …, "notification": {"title": …, "body": …}, "data": {…}}}`.

    `client` is an `httpx.Client` of yours, which is not closed. `timeout` is in seconds.

    Raises:
        ConfigurationError: a setting is wrong; it is named.
    """

    def __init__(
        self,
        project: str,
        token: Callable[[], str],
        *,
        endpoint: str = _ENDPOINT,
        timeout: float = 10.0,
        client: httpx.Client | None = None,
    ) -> None:
        if _PROJECT.fullmatch(check_text("project", project)) is None:
            raise ConfigurationError(f"must be the id of a Firebase project{instead_of(project)}", setting="project")
        if not callable(token):
            raise ConfigurationError("must be a callable that returns an access token", setting="token")
        parts = urlsplit(endpoint)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ConfigurationError("must begin with https:// and name a host", setting="endpoint")
        self._url = f"{endpoint.rstrip('/')}/v1/projects/{project}/messages:send"
        self._project = project
        self._token = token
        self._timeout = check_seconds("timeout", timeout)
        self._client = client
        # of each process its own: connections cannot be shared after a fork
        self._clients: dict[int, httpx.Client] = {}

    def __repr__(self) -> str:
        """Show the project."""
        return f"Fcm({self._project!r})"

    def send(
        self,
        *,
        to: str,
        title: str,
        text: str,
        data: Mapping[str, str] = _NO_DATA,
        id: str | None = None,  # noqa: A002 - see Missed
    ) -> None:
        """Send to the device with the token `to`; return when FCM has taken it.

        `data` is for the app: texts by names, in all at most 4096 bytes. With an `id`, such as `missed.id`, a
        notification that is sent twice replaces the first one on the device.

        Raises:
            InvalidInputError: something is no text.
            DeviceGoneError: no app has this token any more (404, `UNREGISTERED`): delete it.
            RateLimitedError, ServiceFailedError, UnreachableError: not now: may be tried again.
            BadRequestError, BadCredentialsError, ForbiddenError, UnknownAppError: it is refused.
        """
        body = json.dumps({"message": _message(to, title, text, data, id)}, ensure_ascii=False).encode()
        token: object = self._token()
        if not isinstance(token, str) or not token.isascii() or not token.isprintable() or not token:
            raise ConfigurationError("must return an access token, a text", setting="token")
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json; charset=UTF-8"}
        status, answer, retry_after = self._post(body, headers)
        if status != _OK:
            raise _refused(status, answer, retry_after)

    async def asend(
        self,
        *,
        to: str,
        title: str,
        text: str,
        data: Mapping[str, str] = _NO_DATA,
        id: str | None = None,  # noqa: A002 - see Missed
    ) -> None:
        """Send from async code, in a worker thread; see send."""
        await in_worker_thread(self.send, to=to, title=title, text=text, data=data, id=id)

    def _post(self, body: bytes, headers: Mapping[str, str]) -> tuple[int, bytes, str | None]:
        try:
            with self._opened().stream("POST", self._url, content=body, headers=dict(headers)) as response:
                answer = b""
                for chunk in response.iter_bytes():
                    answer += chunk
                    if len(answer) > _ANSWER_LIMIT:
                        break
                return response.status_code, answer, response.headers.get("retry-after")
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise ConnectError(f"FCM was not reached: {type(error).__name__} {error}") from None
        except httpx.TimeoutException:
            raise NoReplyError(f"FCM did not answer within {self._timeout:g} s: it may have sent it") from None
        except httpx.TransportError as error:
            raise ConnectionLostError(f"FCM did not answer: {type(error).__name__}") from None

    def _opened(self) -> httpx.Client:
        if self._client is not None:
            return self._client
        pid = os.getpid()
        # of two threads that come at once, both get the same
        return self._clients.get(pid) or self._clients.setdefault(pid, httpx.Client(timeout=self._timeout))

    def close(self) -> None:
        """Close kept connections; it may be used again."""
        client = self._clients.pop(os.getpid(), None)
        if client is not None:
            client.close()


def _message(to: object, title: object, text: object, data: Mapping[Any, Any], id_: str | None) -> dict[str, Any]:
    for what, value in {"to": to, "title": title, "text": text}.items():
        if not isinstance(value, str):
            raise InvalidInputError(f"{what} must be a str, not {type(value).__name__}")
    for name, value in data.items():
        if not (isinstance(name, str) and isinstance(value, str)):
            raise InvalidInputError(f"data must map texts to texts; {name!r} is a {type(value).__name__}: use str()")
    message: dict[str, Any] = {"token": to, "notification": {"title": title, "body": text}}
    if data:
        message["data"] = dict(data)
    if id_ is not None:
        # what replaces a notification, in the words of each kind of device
        message["android"] = {"notification": {"tag": id_}}
        message["apns"] = {"headers": {"apns-collapse-id": id_}}
        message["webpush"] = {"notification": {"tag": id_}}
    return message


def _refused(status: int, answer: bytes, retry_after: str | None) -> DeliveryError:
    """Return the error for an answer; its text may quote the token or the message, and only its code is shown."""
    code = _error_code(answer)
    text = f"FCM answered {status}{f' {code}' if code else ''}"
    seconds = seconds_of(retry_after, time.time())
    if code == "UNREGISTERED":
        return DeviceGoneError(f"{text}: no app has this token any more, delete it", status=status)
    if code == "SENDER_ID_MISMATCH":  # of this token, and not of the credentials
        return BadRequestError(f"{text}: this token is another project's", status=status)
    if status in _BY_STATUS:
        cls, meaning = _BY_STATUS[status]
        if cls is RateLimitedError and seconds is None:
            seconds = _PAUSE
        return cls(f"{text}: {meaning}", status=status, retry_after=seconds)
    if 400 <= status < _INTERNAL:  # noqa: PLR2004 - the range of its kind
        return BadRequestError(text, status=status)
    # "INTERNAL: retry the same request", which nobody does after a 500 of Pusher's: so it is told without
    return ServiceFailedError(text, status=None if status == _INTERNAL else status, retry_after=seconds)


def _error_code(answer: bytes) -> str:
    """Return FCM's own code, or else the general one: `{"error": {"status": …, "details": [{"errorCode": …}]}}`."""
    try:
        error = json.loads(answer)["error"]
        details = error.get("details") or []
        codes = [detail["errorCode"] for detail in details if isinstance(detail, dict) and "errorCode" in detail]
        code = codes[0] if codes else error["status"]
    except (ValueError, LookupError, TypeError, AttributeError):
        return ""
    return code if isinstance(code, str) and re.fullmatch(r"[A-Z_]{1,64}", code) else ""
