"""Who is asking: apps send a bearer token, browsers a session cookie and, to change something, a CSRF token."""

from __future__ import annotations

import hmac
from typing import Annotated, Any

from fastapi import Depends, HTTPException, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from examples.dentist_chat.accounts import find_sign_in
from examples.dentist_chat.database import DatabaseSession
from examples.dentist_chat.models import Role, SignIn, User
from examples.dentist_chat.rules import Listener

__all__ = [
    "SESSION_COOKIE",
    "CurrentSignIn",
    "CurrentUser",
    "check_csrf",
    "current_listener",
    "current_sign_in",
    "has_role",
    "session_of_page",
]

SESSION_COOKIE = "ask_dentist_session"
CSRF_HEADER = "X-CSRF-TOKEN"
_SAFE = {"GET", "HEAD", "OPTIONS"}
Credentials = Annotated[HTTPAuthorizationCredentials | None, Depends(HTTPBearer(auto_error=False))]


async def current_sign_in(request: Request, session: DatabaseSession, credentials: Credentials) -> SignIn:
    """Return the sign-in that the request shows; 401 without one."""
    if "Authorization" in request.headers:
        found = await find_sign_in(session, credentials.credentials, browser=False) if credentials else None
    else:
        found = await session_of_page(request, session)
        if found is not None and request.method not in _SAFE:
            check_csrf(found.csrf_token, request.headers.get(CSRF_HEADER))
    if found is None:
        raise HTTPException(401, "sign in first", {"WWW-Authenticate": "Bearer"})
    return found


async def session_of_page(request: Request, session: DatabaseSession) -> SignIn | None:
    """Return the browser's session, for pages, which have somewhere to send a guest to."""
    cookie = request.cookies.get(SESSION_COOKIE)
    return await find_sign_in(session, cookie, browser=True) if cookie else None


def check_csrf(expected: str | None, given: object) -> None:
    if not expected or not isinstance(given, str) or not hmac.compare_digest(expected.encode(), given.encode()):
        raise HTTPException(403, "the CSRF token is missing or wrong: reload the page")


CurrentSignIn = Annotated[SignIn, Depends(current_sign_in)]


async def current_user(sign_in: CurrentSignIn) -> User:
    return sign_in.user


CurrentUser = Annotated[User, Depends(current_user)]


async def current_listener(user: CurrentUser, session: DatabaseSession) -> Listener:
    """Return whom the rules of channels are asked about."""
    return Listener(user.id, user, session)


def has_role(*roles: Role) -> Any:
    """Return a dependency on somebody who has one of these roles; 403 for others."""

    async def checked(user: CurrentUser) -> User:
        if user.role not in roles:
            raise HTTPException(403, f"this is for a {' or '.join(roles)}")
        return user

    return Depends(checked)
