"""Signing in and out, and registering: `/auth`."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from examples.patient_chat.api.common import allowed, count_address, form, ok, services, visitor
from examples.patient_chat.models import User
from examples.patient_chat.schemas import Registration, SignIn, UserView, dump, iso
from examples.patient_chat.seed import PASSWORD, PEOPLE

__all__ = ["routes"]


async def register(request: Request) -> Response:
    """A patient's account; whoever treats him, the practice says."""
    await count_address(request, "register")
    return signed_in(request, await services(request).accounts.register(await form(request, Registration)), 201)


async def login(request: Request) -> Response:
    asked = await form(request, SignIn)
    await count_address(request, "sign in")
    await services(request).limits.check("sign in", f"account:{asked.email}")
    return signed_in(request, await services(request).accounts.sign_in(asked), 200)


def signed_in(request: Request, user: User, status: int) -> Response:
    token, expires_at = services(request).accounts.issue(user)
    shown = dump(UserView.model_validate(user)) | {"status": user.status}
    return ok({"token": token, "expiresAt": iso(expires_at), "user": shown}, status)


@allowed()
async def me(request: Request) -> Response:
    user = visitor(request).user
    return ok(dump(UserView.model_validate(user)) | {"status": user.status})


@allowed()
async def logout(request: Request) -> Response:
    """End the token, and every connection by it."""
    found = visitor(request)
    await services(request).accounts.sign_out(found)
    await services(request).sockets.sign_out(found)
    return ok(None)


async def demo_accounts(request: Request) -> Response:
    """Who can sign in, for the demo's page; anywhere else nobody is named."""
    if not services(request).settings.demo:
        return ok(None)
    people = [{"fullname": one.fullname, "email": one.email, "role": one.role} for one in PEOPLE]
    return ok({"password": PASSWORD, "accounts": people})


routes = [
    Route("/register", register, methods=["POST"]),
    Route("/login", login, methods=["POST"]),
    Route("/me", me),
    Route("/logout", logout, methods=["POST"]),
    Route("/demo-accounts", demo_accounts),
]
