"""Who is asking: passwords, and sign-ins that end. Flask-Login keeps the token of a sign-in in the session cookie."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import NoReturn, cast

import click
from flask import Flask, current_app, session
from flask_login import LoginManager, current_user, login_user, logout_user
from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from werkzeug.exceptions import Unauthorized
from werkzeug.security import check_password_hash, generate_password_hash

from examples.team_rooms.models import SignIn, User, db, utc_now

__all__ = ["LIFETIME", "add_user", "init_app", "me", "sign_in", "sign_out"]

LIFETIME = timedelta(days=7)
SHORTEST_PASSWORD = 8


def init_app(app: Flask) -> None:
    login_manager = LoginManager(app)
    login_manager.user_loader(_user_of)
    # to compare with where there is no such account, so that the time taken does not tell
    app.extensions["nobodys_password"] = generate_password_hash(secrets.token_hex(), app.config["PASSWORD_METHOD"])
    login_manager.unauthorized_handler(_unauthorized)
    app.cli.command("add-user")(add_user_command)


def _unauthorized() -> NoReturn:
    raise Unauthorized("sign in first")


def _user_of(token: str) -> User | None:
    found = db.session.get(SignIn, SignIn.hash_of(token))
    if found is None or found.expires_at <= utc_now():
        return None
    found.user.sign_in_token = token
    return found.user


def add_user(email: str, name: str, password: str) -> User:
    password_hash = generate_password_hash(password, current_app.config["PASSWORD_METHOD"])
    user = User(email=email, name=name, password_hash=password_hash)
    db.session.add(user)
    return user


@click.argument("email")
@click.argument("name")
@click.password_option()
def add_user_command(email: str, name: str, password: str) -> None:
    """Add an account; the password is asked for."""
    if len(password) < SHORTEST_PASSWORD:
        raise click.ClickException(f"a password has at least {SHORTEST_PASSWORD} characters")
    add_user(email.strip().lower(), name.strip(), password)
    try:
        db.session.commit()
    except IntegrityError:
        db.session.rollback()
        raise click.ClickException("there is an account with this email or name") from None


def me() -> User:
    """Return who is asking, in a view that is for people who have signed in."""
    # the user itself, as Flask-Login documents it
    return cast("User", current_user._get_current_object())  # noqa: SLF001


def sign_in(email: str, password: str) -> User | None:
    """Sign this browser in, if the password is right."""
    user: User | None = db.session.scalar(select(User).where(User.email == email))
    password_hash = user.password_hash if user else current_app.extensions["nobodys_password"]
    if not check_password_hash(password_hash, password) or user is None:
        return None
    session.clear()
    session.permanent = True
    user.sign_in_token = secrets.token_urlsafe(32)
    now = utc_now()
    db.session.execute(delete(SignIn).where(SignIn.user_id == user.id, SignIn.expires_at <= now))
    db.session.add(SignIn(token_hash=SignIn.hash_of(user.sign_in_token), user=user, expires_at=now + LIFETIME))
    db.session.commit()
    login_user(user)
    return user


def sign_out(user: User) -> None:
    """End this sign-in: a copy of the cookie is of no use any more."""
    token_hash = SignIn.hash_of(user.sign_in_token)
    logout_user()
    session.clear()
    db.session.execute(delete(SignIn).where(SignIn.token_hash == token_hash))
    db.session.commit()
