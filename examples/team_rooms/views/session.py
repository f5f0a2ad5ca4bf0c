"""Signing in and out, and what pages connect with."""

from __future__ import annotations

from flask import Response, current_app, jsonify, request
from flask_login import current_user
from flask_wtf.csrf import generate_csrf
from werkzeug.exceptions import Unauthorized

from examples.team_rooms import accounts, limits, presence
from examples.team_rooms.schemas import SessionView, SignInForm
from examples.team_rooms.seed import ACCOUNTS
from examples.team_rooms.views.api import answer, api, body

__all__: list[str] = []


def _session() -> SessionView:
    user = accounts.me() if current_user.is_authenticated else None
    shown = ACCOUNTS if current_app.config["SHOW_ACCOUNTS"] and user is None else []
    return SessionView.model_validate({"csrf_token": generate_csrf(), "user": user, "accounts": shown})


@api.get("/session")
def show_session() -> Response:
    return answer(_session())


@api.post("/session")
def sign_in() -> Response:
    form = body(SignInForm)
    limits.count("sign_in", f"address:{request.remote_addr}")
    limits.count("sign_in", f"account:{form.email}")
    if accounts.sign_in(form.email, form.password) is None:
        raise Unauthorized("there is no such account, or it has another password")
    return answer(_session(), 201)


@api.delete("/session")
def sign_out() -> Response:
    user = accounts.me()
    accounts.sign_out(user)
    # what listens with a copy of the cookie is cut off; other browsers of this user come back by themselves
    presence.show_out(user.id)
    return answer(_session())


@api.get("/live")
def live() -> Response:
    return jsonify(current_app.extensions["live"].page_settings(request.host_url))
