"""The views behind both endpoints.

They are plain functions. Under WSGI Django calls them; under ASGI it calls them in a thread that is the request's own,
the one to which its database connections belong. So a `def` rule may query the database under both, and an `async` rule
is awaited on the server's event loop meanwhile (see `registry`).

They ask for no CSRF token, unless BROADCASTING_CSRF does. They change nothing, and what they sign is in an answer that
a browser lets no other site read: a forged request gains nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from django.http import HttpRequest, HttpResponse
from django.http.multipartparser import MultiPartParserError
from django.http.response import HttpResponseBase
from django.views.decorators.csrf import csrf_exempt, csrf_protect

from broadcastkit.default import default_broadcaster
from broadcastkit.integrations.django import conf
from broadcastkit.integrations.endpoints import (
    BODY_LIMIT,
    POST_ONLY,
    TOO_LONG,
    Answer,
    authenticate_user_blocking,
    authorize_channel_blocking,
    response_headers,
)
from broadcastkit.integrations.wsgi import read_body

__all__ = ["auth", "user_auth"]

# More digits are no length of anything, and int() would refuse a few thousand of them.
_DIGITS = 18


def _authorize(content_type: str, body: bytes, user: object | None) -> Answer:
    return authorize_channel_blocking(default_broadcaster(), content_type, body, user)


def _authenticate(content_type: str, body: bytes, user: object | None) -> Answer:
    return authenticate_user_blocking(default_broadcaster(), content_type, body, user, user_data=conf.user_data())


def _view(answer: Callable[[str, bytes, object | None], Answer]) -> Callable[[HttpRequest], HttpResponse]:
    def admitted(request: Any) -> Any:
        body = _read(request)
        if isinstance(body, Answer):
            return _response(body)
        user = conf.current_user(request)
        if isinstance(user, HttpResponseBase):
            return user
        return _response(answer(request.META.get("CONTENT_TYPE", ""), body, user))

    with_token = csrf_protect(admitted)

    def view(request: Any) -> Any:
        if request.method != "POST":
            return _response(POST_ONLY)
        if _declared_length(request) > BODY_LIMIT:  # looking for a token, Django would read it
            return _response(TOO_LONG)
        return with_token(request) if conf.csrf() else admitted(request)

    return cast("Callable[[HttpRequest], HttpResponse]", csrf_exempt(view))


auth: Callable[[HttpRequest], HttpResponse] = _view(_authorize)
"""`POST /broadcasting/auth`: a client wants to subscribe to a channel."""

user_auth: Callable[[HttpRequest], HttpResponse] = _view(_authenticate)
"""`POST /broadcasting/user-auth`: a client wants to sign in."""


def _read(request: Any) -> bytes | Answer:
    """Return the body, as a form or JSON, or the answer to one that is too long; also if it was read before us."""
    if request.content_type == "multipart/form-data":
        return _fit(_written_as_form(request))
    try:
        body: bytes = request.read(BODY_LIMIT + 1)
    except OSError:  # the client has left
        return b""
    if body:
        # half a body is none: cut off, one channel's name may be another's
        return _fit(body) if len(body) >= _declared_length(request) else b""
    if hasattr(request, "environ") and not request.META.get("CONTENT_LENGTH"):
        return read_body(request.environ)  # in chunks: under WSGI Django does not look at those
    return b""


def _written_as_form(request: Any) -> bytes:
    """Return the fields that Django's own parser finds; its test client and a browser's FormData send such bodies."""
    try:
        text: str = request.POST.urlencode()
    except (MultiPartParserError, OSError):
        return b""
    return text.encode()


def _fit(body: bytes) -> bytes | Answer:
    return TOO_LONG if len(body) > BODY_LIMIT else body


def _declared_length(request: Any) -> int:
    text = request.META.get("CONTENT_LENGTH") or ""
    return int(text[:_DIGITS]) if text.isascii() and text.isdigit() else 0


def _response(answer: Answer) -> HttpResponse:
    return HttpResponse(answer.body, status=answer.status, headers=dict(response_headers(answer)))
