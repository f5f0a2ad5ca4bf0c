"""The application: everything the rooms are made of, put together. For gunicorn: `examples.team_rooms:create_app()`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from flask import Flask
from flask_login import current_user
from flask_wtf import CSRFProtect
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.routing import IntegerConverter

from broadcastkit.integrations.flask import Broadcasting, webhook_blueprint
from broadcastkit.integrations.rate_limits import FixedWindow
from broadcastkit.integrations.webhooks import WebhookReceiver
from examples.team_rooms import accounts, limits, presence, seed, views
from examples.team_rooms.live import live_from_env
from examples.team_rooms.models import db
from examples.team_rooms.rules import MOST
from examples.team_rooms.settings import Settings
from examples.team_rooms.views.api import limit_body

__all__ = ["create_app"]


class RowConverter(IntegerConverter):
    """`<row:room_id>`: an id that the database could have given."""

    def __init__(self, url_map: object) -> None:
        super().__init__(url_map, min=1, max=MOST)  # type: ignore[arg-type]


def create_app(settings: Settings | None = None, environ: Mapping[str, str] = os.environ) -> Flask:
    settings = settings or Settings.from_env(environ)
    app = Flask(__name__, static_folder=None, template_folder=None)
    app.config.update(
        SECRET_KEY=settings.secret_key,
        SQLALCHEMY_DATABASE_URI=settings.database_url,
        SESSION_COOKIE_NAME="team_rooms",
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=settings.secure_cookies,
        PERMANENT_SESSION_LIFETIME=accounts.LIFETIME,
        WTF_CSRF_TIME_LIMIT=None,  # as long as the session
        WTF_CSRF_HEADERS=["X-CSRF-Token"],
        UPLOADS=settings.uploads,
        BUNDLE=settings.bundle,
        ROOMS_PRIVATE=settings.rooms_private,
        SHOW_ACCOUNTS=settings.show_accounts,
        PASSWORD_METHOD=settings.password_method,
    )
    app.url_map.converters["row"] = RowConverter
    if settings.trusted_proxies:
        hops = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]

    db.init_app(app)
    accounts.init_app(app)
    limits.init_app(app, settings)
    app.before_request(limit_body)
    csrf = CSRFProtect(app)
    _init_live(app, csrf, settings, environ)
    views.init_app(app)
    with app.app_context():
        _prepare_database(settings)
    return app


def _init_live(app: Flask, csrf: CSRFProtect, settings: Settings, environ: Mapping[str, str]) -> None:
    handlers = presence.webhook_handlers(app)
    live = app.extensions["live"] = live_from_env(environ, handlers)
    rate = FixedWindow(settings.rates.asking, storage=settings.rates_storage, key_prefix="team-rooms:channels")
    broadcasting = Broadcasting(app, live.broadcaster, user=lambda: current_user, rate_limit=rate)
    csrf.exempt(broadcasting.blueprint)  # changes nothing, and answers only who can read the answer
    if live.signer is not None:
        webhooks = webhook_blueprint(WebhookReceiver(handlers, keys=live.signer))
        app.register_blueprint(webhooks)
        csrf.exempt(webhooks)  # they are signed


def _prepare_database(settings: Settings) -> None:
    url = db.engine.url
    if url.drivername == "sqlite" and url.database:
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    db.create_all()
    if settings.show_accounts:
        seed.fill(settings.uploads)
