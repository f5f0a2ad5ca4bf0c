"""What takes webhooks in every framework, to be run by a server of its own: `wsgi_site` and `asgi_site`.

Each path begins with the name of a framework. A handler fails for the user `nobody`.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.asgi import get_asgi_application
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse
from django.urls import path
from fastapi import FastAPI
from flask import Flask
from litestar import Litestar
from starlette.applications import Starlette
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from broadcastkit.integrations import asgi, fastapi, flask, litestar, starlette, wsgi
from broadcastkit.integrations.django.webhooks import webhook_view
from broadcastkit.integrations.webhooks import AsyncWebhookReceiver, WebhookReceiver
from broadcastkit.webhooks import MemberAdded, WebhookHandlers
from tests.integrations.receivers import LIMIT, PATH
from tests.webhooks.tools import KEY, SECRET

__all__ = ["asgi_site", "urlpatterns", "wsgi_site"]

handlers = WebhookHandlers()


@handlers.on(MemberAdded)
def came(event: MemberAdded) -> None:
    if event.user_id == "nobody":
        raise LookupError


blocking = WebhookReceiver(handlers, keys=(KEY, SECRET), body_limit=LIMIT)
awaited = AsyncWebhookReceiver(handlers, keys=(KEY, SECRET), body_limit=LIMIT)

settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], SECRET_KEY="nobody's")
urlpatterns = [
    path("up", lambda _: HttpResponse("up")),
    path(f"django{PATH}", webhook_view(blocking)),
    path(f"django-async{PATH}", webhook_view(awaited)),
]

flask_app = Flask("site")
flask_app.register_blueprint(flask.webhook_blueprint(blocking))
wsgi_site = DispatcherMiddleware(get_wsgi_application(), {"/wsgi": wsgi.WebhookApp(blocking), "/flask": flask_app})

fastapi_app = FastAPI()
fastapi_app.include_router(fastapi.webhook_router(awaited, path=f"/fastapi{PATH}"))
_asgi_apps: dict[str, Any] = {
    "asgi": asgi.WebhookApp(awaited),
    "fastapi": fastapi_app,
    "litestar": Litestar([litestar.webhook_router(awaited, path=f"/litestar{PATH}")], logging_config=None),
    "starlette": Starlette(routes=[starlette.webhook_route(awaited, path=f"/starlette{PATH}")]),
}
_django = get_asgi_application()


async def asgi_site(scope: asgi.Scope, receive: asgi.Receive, send: asgi.Send) -> None:
    """Serve each framework by the first part of the path."""
    await _asgi_apps.get(scope["path"].split("/")[1], _django)(scope, receive, send)
