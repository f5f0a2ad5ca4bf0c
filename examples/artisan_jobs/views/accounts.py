"""Signing in and out, and who there is."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import auth
from django.http import HttpRequest
from django.middleware.csrf import get_token
from pydantic import Field

from broadcastkit.integrations.rate_limits import client_key
from examples.artisan_jobs import seed, tokens
from examples.artisan_jobs.api import ApiError, Body, admit, guest, sign_in_key
from examples.artisan_jobs.live import page_settings
from examples.artisan_jobs.models import Message, User
from examples.artisan_jobs.paging import sought

__all__ = ["login", "logout", "me", "people", "person", "session", "sign_in"]


class Credentials(Body):
    email: str = Field(max_length=254)
    password: str = Field(max_length=200)
    device_name: str = Field("api", max_length=80)


def person(user: User) -> dict[str, Any]:
    """Return of somebody what everybody may know."""
    verified = user.verification == User.Verification.APPROVED
    return {"id": user.pk, "name": user.name, "avatar": user.avatar, "role": user.role, "verified": verified}


def oneself(user: User) -> dict[str, Any]:
    return person(user) | {"email": user.email, "verification": user.verification}


@guest()
def session(request: HttpRequest) -> Any:
    """`GET /api/session`: what the page needs to begin, for people and guests alike; and the cookie with its token."""
    get_token(request)
    user = request.user
    shown = seed.shown() if settings.DEMO else []
    return {"user": None if user.is_anonymous else oneself(user), "echo": page_settings(), "accounts": shown}


@guest()
def sign_in(request: HttpRequest, body: Credentials) -> Any:
    """`POST /api/session`: sign in with a cookie, for the page."""
    user = _checked(request, body)
    auth.login(request, user)
    return oneself(user)


@guest(csrf=False)
def login(request: HttpRequest, body: Credentials) -> Any:
    """`POST /api/login`: sign in with a token, for everything else."""
    user = _checked(request, body)
    text, row = tokens.issue(user, body.device_name)
    return {"token": text, "token_type": "Bearer", "expires_at": row.expires_at, "user": oneself(user)}


def _checked(request: HttpRequest, body: Credentials) -> Any:
    admit(settings.SIGN_IN_LIMIT_OF_ADDRESS, client_key(None, request.META.get("REMOTE_ADDR")))
    admit(settings.SIGN_IN_LIMIT, sign_in_key(request, body.email))
    user = auth.authenticate(request, username=body.email.lower(), password=body.password)
    if user is None:
        # the same words whether there is such a person or not
        raise ApiError(422, "These credentials do not match our records.")
    return user


def logout(request: HttpRequest) -> None:
    """`POST /api/logout`: end the session, or have the token forgotten."""
    token = tokens.of_request(request)
    if token is None:
        auth.logout(request)
    else:
        token.delete()


def me(request: HttpRequest) -> Any:
    """`GET /api/me`."""
    unread = Message.objects.filter(recipient=request.user, is_read=False).count()
    notifications = request.user.notifications.filter(read_at=None).count()
    return oneself(request.user) | {"unread_messages": unread, "unread_notifications": notifications}


def people(request: HttpRequest) -> Any:
    """`GET /api/people?q=`: whom one may write to."""
    found = User.objects.filter(is_active=True, name__icontains=sought(request)).exclude(pk=request.user.pk)
    return {"data": [person(user) for user in found.order_by("name")[:20]]}
