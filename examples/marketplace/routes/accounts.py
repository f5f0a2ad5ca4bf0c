"""Signing in and out, and who one is."""

from __future__ import annotations

from litestar import Controller, Request, get, post
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.exceptions import NotAuthorizedException
from litestar.params import JSONBody
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from broadcastkit.integrations.rate_limits import client_key
from examples.marketplace.limits import RateLimits, count
from examples.marketplace.live import Live
from examples.marketplace.models import User
from examples.marketplace.passwords import fits
from examples.marketplace.schemas import Account, Credentials, SignedIn
from examples.marketplace.settings import Settings
from examples.marketplace.tokens import OwnRequest, issue

__all__ = ["Accounts"]


class Accounts(Controller):
    path = "/api"

    @post("/login", exclude_from_auth=True)
    async def sign_in(
        self,
        request: Request[None, None, State],
        data: JSONBody[Credentials],
        db: NamedDependency[AsyncSession],
        limits: NamedDependency[RateLimits],
        settings: NamedDependency[Settings],
    ) -> SignedIn:
        email = data.email.lower()
        # one address may try so often, and so may everyone together at one account
        await count(limits.sign_in, client_key(None, request.client.host if request.client else None))
        await count(limits.sign_in, f"email:{email}")
        user = await db.scalar(select(User).where(func.lower(User.email) == email))
        if not await fits(data.password, user.password_hash if user else None) or user is None:
            raise NotAuthorizedException("Email and password do not fit.")
        token, expires_at = await issue(db, user, settings.token_lifetime)
        await db.commit()
        return SignedIn(token=token, expires_at=expires_at, user=Account.model_validate(user))

    @post("/logout", status_code=204)
    async def sign_out(
        self, request: OwnRequest, db: NamedDependency[AsyncSession], live: NamedDependency[Live]
    ) -> None:
        await db.delete(request.auth)
        await db.commit()
        await live.disconnect(request.user.id)

    @get("/user")
    async def me(self, request: OwnRequest) -> Account:
        return Account.model_validate(request.user)
