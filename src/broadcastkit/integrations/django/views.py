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

from broadcastkit.broadcaster import Broadcaster
from broadcastkit.default import default_broadcaster
from broadcastkit.integrations.answers import BODY_LIMIT, POST_ONLY, TOO_LONG, Answer, response_headers
from broadcastkit.integrations.broadcasters import checked_choice
from broadcastkit.integrations.django import conf
from broadcastkit.integrations.endpoints import Endpoints
from broadcastkit.integrations.wsgi import read_body

__all__ = ["as_response", "auth", "read_raw", "user_auth"]

# More digits are no length of anything, and int() would refuse a few thousand of them.
_DIGITS = 18


def _view(answer_of: Callable[[Endpoints[Any]], Callable[..., Answer]]) -> Callable[[HttpRequest], HttpResponse]:
    def admitted(request: Any) -> Any:
        body = _read(request)
        if isinstance(body, Answer):
            return as_response(body)
        user = conf.current_user(request)
        if isinstance(user, HttpResponseBase):
            return user
        content_type = request.META.get("CONTENT_TYPE", "")
        return as_response(answer_of(conf.endpoints())(_broadcaster(request), content_type, body, user, request))

    with_token = csrf_protect(admitted)

    def view(request: Any) -> Any:
        if request.method != "POST":
            return as_response(POST_ONLY)
        if _declared_length(request) > BODY_LIMIT:  # looking for a token, Django would read it
            return as_response(TOO_LONG)
        return with_token(request) if conf.csrf() else admitted(request)

    # a guest is answered here, in words that clients understand, and not by Django's LoginRequiredMiddleware
    view.login_required = False  # type: ignore[attr-defined]
    return cast("Callable[[HttpRequest], HttpResponse]", csrf_exempt(view))


auth: Callable[[HttpRequest], HttpResponse] = _view(lambda endpoints: endpoints.authorize_channel)
"""`POST /broadcasting/auth`: a client wants to subscribe to a channel."""

user_auth: Callable[[HttpRequest], HttpResponse] = _view(lambda endpoints: endpoints.authenticate_user)
"""`POST /broadcasting/user-auth`: a client wants to sign in."""


def _broadcaster(request: Any) -> Broadcaster | None:
    choose = conf.choose_broadcaster()
    return default_broadcaster() if choose is None else checked_choice("Django", choose(request), Broadcaster)


def _read(request: Any) -> bytes | Answer:
    """Return the body, as a form or JSON, or the answer to one that is too long; also if it was read before us."""
    if request.content_type == "multipart/form-data":
        text = _written_as_form(request)
        return TOO_LONG if len(text) > BODY_LIMIT else text
    return read_raw(request, BODY_LIMIT)


def read_raw(request: Any, limit: int) -> bytes | Answer:
    """Return the body as it came, or the answer to one that is longer than `limit` bytes; also if it was read before.

    Django's own limit, DATA_UPLOAD_MAX_MEMORY_SIZE, is not looked at.
    """
    if _declared_length(request) > limit:
        return TOO_LONG
    try:
        body: bytes = request.read(limit + 1)
    except OSError:  # the client has left
        return b""
    if len(body) > limit:
        return TOO_LONG
    if body:
        # half a body is none: cut off, one channel's name may be another's
        return body if len(body) >= _declared_length(request) else b""
    if hasattr(request, "environ") and not request.META.get("CONTENT_LENGTH"):
        return read_body(request.environ, limit)  # in chunks: under WSGI Django does not look at those
    return b""


def _written_as_form(request: Any) -> bytes:
    """Return the fields that Django's own parser finds; its test client and a browser's FormData send such bodies."""
    try:
        text: str = request.POST.urlencode()
    except (MultiPartParserError, OSError):
        return b""
    return text.encode()


def _declared_length(request: Any) -> int:
    text = request.META.get("CONTENT_LENGTH") or ""
    return int(text[:_DIGITS]) if text.isascii() and text.isdigit() else 0


def as_response(answer: Answer) -> HttpResponse:
    """Return an answer in Django's words."""
    return HttpResponse(answer.body, status=answer.status, headers=dict(response_headers(answer)))
