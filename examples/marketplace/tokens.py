"""Bearer tokens in Sanctum's form, `id|secret`: hashed in the database, and for a time."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.datastructures import State
from litestar.exceptions import NotAuthorizedException, PermissionDeniedException
from litestar.handlers import BaseRouteHandler
from litestar.middleware import AbstractAuthenticationMiddleware, AuthenticationResult
from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncSession

from examples.marketplace.models import ApiToken, Role, User, now
from examples.marketplace.rules import LARGEST_ID

__all__ = [
    "OwnRequest",
    "TokenAuthentication",
    "find_token",
    "issue",
    "no_admins",
    "only_admins",
    "only_monitoring",
    "only_sellers",
]

OwnRequest: TypeAlias = Request[User, ApiToken, State]
"""A request of somebody who has signed in."""

AnyConnection: TypeAlias = ASGIConnection[Any, Any, Any, Any]


async def issue(db: AsyncSession, user: User, lifetime: timedelta) -> tuple[str, datetime]:
    """Make a token, and forget the user's that have expired; only now can its text be read."""
    await db.execute(delete(ApiToken).where(ApiToken.user_id == user.id, ApiToken.expires_at <= now()))
    secret, expires_at = secrets.token_urlsafe(30), now() + lifetime
    token = ApiToken(user_id=user.id, token_hash=_digest(secret), expires_at=expires_at)
    db.add(token)
    await db.flush()
    return f"{token.id}|{secret}", expires_at


async def find_token(db: AsyncSession, text: str) -> ApiToken | None:
    """Return the token with this text, also one that has expired."""
    number, _, secret = text.partition("|")
    if not (number.isascii() and number.isdigit()) or len(number) > len(str(LARGEST_ID)) or int(number) > LARGEST_ID:
        return None
    token = await db.get(ApiToken, int(number))
    if token is None or not secrets.compare_digest(token.token_hash, _digest(secret)):
        return None
    return token


def _digest(secret: str) -> str:
    # fast on purpose: it is of 240 random bits, which nobody guesses
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


class TokenAuthentication(AbstractAuthenticationMiddleware):
    """Sets `request.user` and `request.auth` from `Authorization: Bearer …`; without either the answer is 401."""

    async def authenticate_request(self, connection: AnyConnection) -> AuthenticationResult:
        token = await _own_token(connection)
        return AuthenticationResult(user=token.user, auth=token)


async def _own_token(connection: AnyConnection) -> ApiToken:
    async with connection.app.state.sessions() as db:
        token = await find_token(db, _bearer(connection))
    if token is None:
        raise _unauthorized("Sign in first.")
    if token.expires_at <= now():
        raise _unauthorized("Your session has ended: sign in again.")
    return token


def _bearer(connection: AnyConnection) -> str:
    kind, _, text = connection.headers.get("Authorization", "").partition(" ")
    return text.strip() if kind.lower() == "bearer" else ""


def _unauthorized(text: str) -> NotAuthorizedException:
    return NotAuthorizedException(text, headers={"WWW-Authenticate": "Bearer"})


# -- what only some may do -------------------------------------------------------------------------------------------


def only_sellers(connection: AnyConnection, _: BaseRouteHandler) -> None:
    if connection.user.role is not Role.SELLER:
        raise PermissionDeniedException("Only sellers can do that.")


def no_admins(connection: AnyConnection, _: BaseRouteHandler) -> None:
    if connection.user.role is Role.ADMIN:
        raise PermissionDeniedException("Administrators neither buy nor sell.")


def only_admins(connection: AnyConnection, _: BaseRouteHandler) -> None:
    _check_admin(connection.user)


async def only_monitoring(connection: AnyConnection, _: BaseRouteHandler) -> None:
    """Let in who has METRICS_TOKEN, and administrators. Where it stands, nobody has been asked who he is yet."""
    expected = connection.app.state.metrics_token
    if expected and secrets.compare_digest(expected.encode(), _bearer(connection).encode()):
        return
    _check_admin((await _own_token(connection)).user)


def _check_admin(user: User) -> None:
    if user.role is not Role.ADMIN:
        raise PermissionDeniedException("Only administrators can see that.")
