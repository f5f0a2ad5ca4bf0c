"""Bearer tokens: `Authorization: Bearer …`, in the place of a session."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from examples.artisan_jobs.models import AccessToken, User

__all__ = ["issue", "of_request", "user_of"]


def issue(user: User, name: str = "api") -> tuple[str, AccessToken]:
    """Return a new token and its row; the text itself is nowhere else."""
    AccessToken.objects.filter(user=user, expires_at__lte=timezone.now()).delete()
    text = secrets.token_urlsafe(32)
    expires_at = timezone.now() + timedelta(days=settings.TOKEN_DAYS)
    row = AccessToken.objects.create(
        user=user, name=name, digest=digest(text), auth_hash=user.get_session_auth_hash(), expires_at=expires_at
    )
    return text, row


def of_request(request: HttpRequest) -> AccessToken | None:
    """Return the token that a request carries, if it is one of ours and still good."""
    scheme, _, text = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not text:
        return None
    alive = AccessToken.objects.filter(expires_at__gt=timezone.now(), user__is_active=True)
    token: AccessToken | None = alive.select_related("user").filter(digest=digest(text.strip())).first()
    if token is None or not constant_time_compare(token.auth_hash, token.user.get_session_auth_hash()):
        return None
    return token


def user_of(request: HttpRequest) -> Any:
    """Return who asks, for `/broadcasting/auth` and the API; a wrong token is an error and not a session's user."""
    if "Authorization" not in request.headers:
        return request.user
    token = of_request(request)
    if token is None:
        message = "The token is wrong or has expired."
        return JsonResponse({"message": message}, status=401, headers={"WWW-Authenticate": "Bearer"})
    return token.user


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
