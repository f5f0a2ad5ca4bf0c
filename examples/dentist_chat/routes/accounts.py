"""Signing in: a bearer token for an app, a session for a browser. And the phones that take push notifications."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Annotated
from urllib.parse import parse_qsl

from fastapi import APIRouter, BackgroundTasks, Depends, HTTPException, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from pydantic import ValidationError
from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from broadcastkit.errors import BroadcastError
from examples.dentist_chat.accounts import Passwords, end_sign_in, start_sign_in
from examples.dentist_chat.database import DatabaseSession
from examples.dentist_chat.identity import (
    SESSION_COOKIE,
    CurrentSignIn,
    CurrentUser,
    check_csrf,
    session_of_page,
)
from examples.dentist_chat.limits import RateLimits, limited, limited_by_address
from examples.dentist_chat.live import Live
from examples.dentist_chat.models import Device, SignIn, User
from examples.dentist_chat.pages import Pages
from examples.dentist_chat.routes.conversation import log
from examples.dentist_chat.schemas import Credentials, DeviceToken, FcmToken, SignedIn, UserView
from examples.dentist_chat.settings import Settings

__all__ = ["router"]

router = APIRouter(tags=["accounts"])
FORM_COOKIE = "ask_dentist_form"
FORM_LIFETIME = 3_600
DEVICES = 10
"""How many phones somebody has."""
WRONG = "This email address and password do not belong together."
REFUSED = {
    403: "This form was open for too long. Please try again.",
    429: "That was tried too often. Please wait a minute.",
}


def app_settings(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings


Configured = Annotated[Settings, Depends(app_settings)]


async def account_of(request: Request, session: DatabaseSession, given: Credentials) -> User | None:
    limits: RateLimits = request.app.state.limits
    # whoever guesses from many addresses guesses at one account
    await limits.check("login", f"account:{given.email.lower()}")
    passwords: Passwords = request.app.state.passwords
    user = await passwords.account(session, given.email, given.password)
    log.info("sign-in of %s", f"user {user.id}" if user else "nobody: wrong email address or password")
    return user


async def end(sign_in: SignIn, request: Request, session: AsyncSession, later: BackgroundTasks) -> None:
    """End a sign-in, and all connections of its user: where he is signed in still, the page comes back by itself."""
    user_id = sign_in.user_id
    await end_sign_in(session, sign_in)
    # after the answer: whoever signs out does not wait for the service
    later.add_task(disconnect, request.app.state.live, user_id)


async def disconnect(live: Live, user_id: int) -> None:
    try:
        await live.broadcaster.terminate_user_connections(str(user_id))
    except BroadcastError as error:
        log.warning("the connections of user %d were not ended: %s", user_id, error)


# -- apps ----------------------------------------------------------------------------------------------------------


@router.post("/api/v2/login", dependencies=[Depends(limited_by_address)])
async def login(given: Credentials, request: Request, session: DatabaseSession, settings: Configured) -> SignedIn:
    user = await account_of(request, session, given)
    if user is None:
        raise HTTPException(401, WRONG, {"WWW-Authenticate": "Bearer"})
    token = await start_sign_in(session, user, timedelta(days=settings.token_days), browser=False)
    return SignedIn(token=token.value, expires_at=token.sign_in.expires_at, user=UserView.model_validate(user))


@router.post("/api/v2/logout", status_code=204)
async def logout(sign_in: CurrentSignIn, request: Request, session: DatabaseSession, later: BackgroundTasks) -> None:
    await end(sign_in, request, session, later)


@router.get("/api/v2/me", response_model=UserView, dependencies=[limited("read")])
async def me(user: CurrentUser) -> User:
    return user


@router.post("/api/v2/devices", status_code=204, dependencies=[limited("write")])
async def add_device(device: DeviceToken, user: CurrentUser, session: DatabaseSession) -> None:
    # a phone that changes hands belongs to whoever signed in on it last
    await session.execute(delete(Device).where(Device.token == device.token))
    session.add(Device(user_id=user.id, token=device.token))
    await session.flush()
    # each gets every notification: the newest few are enough for anybody
    newest = select(Device.id).where(Device.user_id == user.id).order_by(Device.id.desc()).limit(DEVICES)
    await session.execute(delete(Device).where(Device.user_id == user.id, Device.id.not_in(newest)))
    await session.commit()


@router.delete("/api/v2/devices/{token}", status_code=204, dependencies=[limited("write")])
async def remove_device(token: FcmToken, user: CurrentUser, session: DatabaseSession) -> None:
    await session.execute(delete(Device).where(Device.token == token, Device.user_id == user.id))
    await session.commit()


# -- browsers ------------------------------------------------------------------------------------------------------


@router.get("/login", response_class=HTMLResponse, include_in_schema=False)
async def sign_in_page(request: Request, session: DatabaseSession) -> Response:
    if await session_of_page(request, session):
        return RedirectResponse("/chat", 303)
    return _form(request)


@router.post("/login", include_in_schema=False)
async def sign_in(request: Request, session: DatabaseSession, settings: Configured) -> Response:
    try:
        user = await _account_of_form(request, session)
    except HTTPException as refused:
        if refused.status_code not in REFUSED:
            raise
        # a person reads this, with the form still there
        answer = _form(request, wrong=REFUSED[refused.status_code], status_code=refused.status_code)
        answer.headers.update(refused.headers or {})
        return answer
    if user is None:
        return _form(request, wrong=WRONG, status_code=401)
    lifetime = timedelta(hours=settings.session_hours)
    started = await start_sign_in(session, user, lifetime, browser=True)
    answer = RedirectResponse("/chat", 303)
    _set_cookie(answer, SESSION_COOKIE, started.value, settings, int(lifetime.total_seconds()))
    answer.delete_cookie(FORM_COOKIE)
    return answer


async def _account_of_form(request: Request, session: DatabaseSession) -> User | None:
    await limited_by_address(request)
    form = await _fields(request)
    check_csrf(request.cookies.get(FORM_COOKIE), form.get("_token"))
    try:
        given = Credentials.model_validate(form)
    except ValidationError:
        return None
    return await account_of(request, session, given)


@router.post("/logout", include_in_schema=False)
async def sign_out(
    request: Request, session: DatabaseSession, settings: Configured, later: BackgroundTasks
) -> Response:
    found = await session_of_page(request, session)
    if found is not None:
        check_csrf(found.csrf_token, (await _fields(request)).get("_token"))
        await end(found, request, session, later)
    answer = RedirectResponse("/login", 303)
    answer.delete_cookie(SESSION_COOKIE)
    # all pages of the session come to the form now: with the same token, whichever is first
    _set_cookie(answer, FORM_COOKIE, secrets.token_urlsafe(32), settings, FORM_LIFETIME)
    return answer


def _form(request: Request, *, wrong: str = "", status_code: int = 200) -> Response:
    pages: Pages = request.app.state.pages
    token = request.cookies.get(FORM_COOKIE) or secrets.token_urlsafe(32)
    answer = pages.login(token, wrong=wrong, status_code=status_code)
    _set_cookie(answer, FORM_COOKIE, token, pages.settings, FORM_LIFETIME)
    return answer


def _set_cookie(answer: Response, name: str, value: str, settings: Settings, seconds: int) -> None:
    answer.set_cookie(
        name, value, max_age=seconds, httponly=True, samesite="lax", secure=settings.secure_cookies, path="/"
    )


async def _fields(request: Request) -> dict[str, str]:
    """Return the fields of a form as browsers send one without files."""
    try:
        return dict(parse_qsl((await request.body()).decode(), max_num_fields=10))
    except ValueError:
        raise HTTPException(400, "the form cannot be read") from None
