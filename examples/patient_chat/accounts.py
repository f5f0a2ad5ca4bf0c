"""Who somebody is: passwords, and the JSON Web Tokens that stand for them on the API and on the socket."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import jwt
from anyio import to_thread
from argon2 import PasswordHasher
from argon2.exceptions import VerificationError
from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError

from examples.patient_chat.database import Sessions
from examples.patient_chat.errors import Problem
from examples.patient_chat.models import Role, SignedOut, User, now
from examples.patient_chat.schemas import Registration, SignIn

__all__ = ["Accounts", "Visitor"]

ALGORITHM = "HS256"


@dataclass(frozen=True)
class Visitor:
    """A user, by a token."""

    user: User
    token_id: str
    expires_at: datetime


class Accounts:
    def __init__(self, sessions: Sessions, secret: str, lifetime: timedelta, hasher: PasswordHasher) -> None:
        self._sessions = sessions
        self._secret = secret
        self._lifetime = lifetime
        self._hasher = hasher
        self._nobodys = hasher.hash(secrets.token_hex())

    async def register(self, form: Registration, role: Role = Role.PATIENT) -> User:
        """Make an account. Whoever registers is a patient: doctors are made by `manage`."""
        password = await to_thread.run_sync(self._hasher.hash, form.password)
        user = User(fullname=form.fullname, email=form.email, password=password, role=role)
        try:
            async with self._sessions() as session, session.begin():
                session.add(user)
        except IntegrityError:
            raise Problem(409, "There is an account with this email address already") from None
        return user

    async def sign_in(self, form: SignIn) -> User:
        async with self._sessions() as session:
            user = await session.scalar(select(User).where(User.email == form.email))
        # with nobody's hash it takes as long: the answer does not tell which addresses have accounts
        known = await to_thread.run_sync(self._fits, user.password if user else self._nobodys, form.password)
        if user is None or not known:
            raise Problem(401, "Wrong email address or password")
        return user

    def _fits(self, hashed: str, password: str) -> bool:
        try:
            return self._hasher.verify(hashed, password)
        except VerificationError:
            return False

    # -- tokens --------------------------------------------------------------------------------------------------------

    def issue(self, user: User) -> tuple[str, datetime]:
        """Return a token, and when it ends. The role is not in it: it is read from the database each time."""
        expires_at = (now() + self._lifetime).replace(microsecond=0)
        claims = {"sub": user.id, "jti": secrets.token_hex(16), "iat": now(), "exp": expires_at}
        return jwt.encode(claims, self._secret, ALGORITHM), expires_at

    async def visitor(self, token: object) -> Visitor:
        """Return whom a token stands for: it is ours, has not ended, was not signed out, and the user exists."""
        if not isinstance(token, str) or not token:
            raise Problem(401, "Sign in first: there is no token")
        try:
            claims = jwt.decode(token, self._secret, [ALGORITHM], options={"require": ["sub", "jti", "exp"]})
        except jwt.ExpiredSignatureError:
            raise Problem(401, "Token expired: sign in again") from None
        except jwt.InvalidTokenError:
            raise Problem(401, "Invalid token: sign in again") from None
        async with self._sessions() as session:
            user = await session.get(User, claims["sub"])
            ended = await session.get(SignedOut, claims["jti"])
        if user is None or ended is not None:
            raise Problem(401, "Invalid token: sign in again")
        return Visitor(user, claims["jti"], datetime.fromtimestamp(claims["exp"], UTC))

    async def sign_out(self, visitor: Visitor) -> None:
        async with self._sessions() as session, session.begin():
            await session.execute(delete(SignedOut).where(SignedOut.expires_at < now()))
            await session.merge(SignedOut(token_id=visitor.token_id, expires_at=visitor.expires_at))
