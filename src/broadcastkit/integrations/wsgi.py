"""Plain WSGI: the middleware that knows the current socket id, and an app with both endpoints."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TypeAlias

from broadcastkit.integrations.answers import (
    AUTH,
    BODY_LIMIT,
    POST_ONLY,
    TOO_LONG,
    Answer,
    bad_request,
    check_request,
    response_headers,
)
from broadcastkit.integrations.broadcasters import BroadcasterSource, blocking_broadcaster, require_sync
from broadcastkit.integrations.endpoints import Endpoints, UserData
from broadcastkit.integrations.fields import MAX_CHANNELS
from broadcastkit.integrations.rate_limits import RateLimit
from broadcastkit.integrations.webhooks import WebhookReceiver, require_receiver
from broadcastkit.socket_id import HEADER, socket_id_scope

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication

__all__ = ["BroadcastingApp", "Environ", "SocketIdMiddleware", "WebhookApp", "client_address", "read_body"]

Environ: TypeAlias = dict[str, Any]
"""What a WSGI server says of a request."""

_BY = "WSGI"
_HEADER = f"HTTP_{HEADER.upper().replace('-', '_')}"
_LENGTH_REQUIRED = Answer(411, b'{"error":"the request needs a Content-Length"}')
# More digits are no length of anything, and int() would refuse a few thousand of them.
_DIGITS = 18


class SocketIdMiddleware:
    """Makes the client's `X-Socket-ID` the current socket id, which `to_others()` leaves out.

    A malformed one counts as absent. It is known while the app runs and while its answer is produced, and to nothing
    else: a server's thread serves one client after the other.
    """

    def __init__(self, app: WSGIApplication) -> None:
        self.app = app

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Serve one request."""
        value: str | None = environ.get(_HEADER)
        with socket_id_scope(value):
            body = self.app(environ, start_response)
        # such an answer is finished, or the server's own: servers look at the type for a Content-Length or sendfile
        wrapper = environ.get("wsgi.file_wrapper")
        if isinstance(body, (list, tuple)) or (isinstance(wrapper, type) and isinstance(body, wrapper)):
            return body
        return _Produced(body, value)


class _Produced:
    """An answer that is produced while the server sends it: each step has the socket id, and the server has none."""

    def __init__(self, body: Iterable[bytes], value: str | None) -> None:
        self._body = body
        self._value = value
        self._chunks: Iterator[bytes] | None = None

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        with socket_id_scope(self._value):
            if self._chunks is None:
                self._chunks = iter(self._body)
            return next(self._chunks)

    def close(self) -> None:
        close = getattr(self._body, "close", None)
        if close is not None:
            with socket_id_scope(self._value):
                close()


class BroadcastingApp:
    """A WSGI app with `POST /auth` and `POST /user-auth`; mount it at `/broadcasting`.

    `user` gets the WSGI environ and returns the user, or None for a guest. Without a broadcaster the configured one is
    used; a function chooses one for each environ. `user_data` may turn the user into what a sign-in tells the service
    (by default the `id`, and nothing else). One request may ask for up to `max_channels` channels. With a `rate_limit`
    requests are counted for each user, or for a guest's address; `rate_key` may name another key, given the environ
    and the user.

    Raises:
        ConfigurationError: a rule or one of these callables is `async`, here or when a rule is registered later.
    """

    def __init__(
        self,
        broadcaster: BroadcasterSource[Environ] | None = None,
        *,
        user: Callable[[Environ], object | None],
        user_data: UserData | None = None,
        max_channels: int = MAX_CHANNELS,
        rate_limit: RateLimit | None = None,
        rate_key: Callable[[Environ, Any], str] | None = None,
    ) -> None:
        require_sync(_BY, broadcaster, user, user_data)
        self._broadcaster = broadcaster
        self._user = user
        self._endpoints = Endpoints(
            _BY,
            client_address,
            user_data=user_data,
            max_channels=max_channels,
            rate_limit=rate_limit,
            rate_key=rate_key,
        )

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Serve one request."""
        return _respond(environ, start_response, self._answer(environ))

    def _answer(self, environ: Environ) -> Answer:
        path = environ.get("PATH_INFO", "")
        refusal = check_request(environ["REQUEST_METHOD"], path)
        if refusal is not None:
            return refusal
        body = read_body(environ)
        if isinstance(body, Answer):
            return body
        broadcaster = blocking_broadcaster(_BY, self._broadcaster, environ)
        content_type = environ.get("CONTENT_TYPE", "")
        user = self._user(environ)
        answer_to = self._endpoints.authorize_channel if path == AUTH else self._endpoints.authenticate_user
        return answer_to(broadcaster, content_type, body, user, environ)


class WebhookApp:
    """A WSGI app that takes webhooks by POST; mount it at any path, outside of what asks for a login."""

    def __init__(self, receiver: WebhookReceiver) -> None:
        require_receiver("WebhookApp of WSGI", receiver, WebhookReceiver)
        self._receiver = receiver

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Serve one request."""
        return _respond(environ, start_response, self._answer(environ))

    def _answer(self, environ: Environ) -> Answer:
        if environ["REQUEST_METHOD"] != "POST":
            return POST_ONLY
        body = read_body(environ, self._receiver.body_limit)
        return body if isinstance(body, Answer) else self._receiver.receive(environ, body)


def client_address(environ: Environ) -> str | None:
    """Return the address of whom the server talks to: a proxy's, unless something before us has put the client's."""
    address: str | None = environ.get("REMOTE_ADDR")
    return address


def read_body(environ: Environ, limit: int = BODY_LIMIT) -> bytes | Answer:
    """Return the request's body, or the answer to one that is longer than `limit` bytes or whose length is unknown.

    A body in chunks has no length: it can be read only where the server says where it ends (`wsgi.input_terminated`,
    as gunicorn does), or else the read might never return.
    """
    length: str = environ.get("CONTENT_LENGTH") or ""
    if length:
        if not (length.isascii() and length.isdigit()):
            return bad_request("the Content-Length is no number")
        if len(length) > _DIGITS or int(length) > limit:
            return TOO_LONG
        body = _read(environ, int(length))
        return body if len(body) == int(length) else b""  # half a body is none, and nobody waits for the answer
    if environ.get("wsgi.input_terminated"):
        body = _read(environ, limit + 1)
        return body if len(body) <= limit else TOO_LONG
    return _LENGTH_REQUIRED if environ.get("HTTP_TRANSFER_ENCODING") else b""


def _respond(environ: Environ, start_response: StartResponse, answer: Answer) -> Iterable[bytes]:
    status = HTTPStatus(answer.status)
    start_response(f"{status.value} {status.phrase}", response_headers(answer))
    return [] if environ["REQUEST_METHOD"] == "HEAD" else [answer.body]


def _read(environ: Environ, size: int) -> bytes:
    """Read so many bytes, or all that come; a server may hand out less at a time."""
    chunks: list[bytes] = []
    while size > 0:
        chunk = environ["wsgi.input"].read(size)
        if not chunk:
            break
        chunks.append(chunk)
        size -= len(chunk)
    return b"".join(chunks)
