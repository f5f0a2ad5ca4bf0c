"""The embedded server: Pusher's protocol and HTTP API as one ASGI app, for one process."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence

from broadcastkit.core.message import Message
from broadcastkit.errors import ConfigurationError
from broadcastkit.server import asgi
from broadcastkit.server.effects import Close
from broadcastkit.server.handshake import refuse_handshake
from broadcastkit.server.http_api import Request, Response, json_response, text_response
from broadcastkit.server.live import LiveApp
from broadcastkit.server.refusal import RefusedRequestError
from broadcastkit.server.session import refuse, run_session
from broadcastkit.server.settings import App, Limits
from broadcastkit.server.telling import Teller
from broadcastkit.webhooks import WebhookHandlers

__all__ = ["EmbeddedServer"]

_RESTARTING = Close(4200, "Server closed, reconnect")
_NO_PATH = Close(4005, "Path not found: connect to /app/{key}")
_HEALTH_PATHS = frozenset({"/", "/up"})
_CLOSE_TIMEOUT = 5.0


class EmbeddedServer:
    """An ASGI app that speaks the Pusher protocol: WebSockets at `/app/{key}`, the HTTP API at `/apps/{id}/…`.

    Serve it by itself, or mount it in another app, also under a prefix. State is in memory: one process serves all
    clients of an app. `GET /up` says that it runs.

    Examples:
        >>> server = EmbeddedServer(App("app-id", "app-key", "app-secret"))
        >>> # fastapi_app.mount("/ws", server); clients then connect with wsPath "/ws"

    Args:
        apps: the apps to serve, each with an id and a key of its own.
        limits: what strangers may take.
        webhooks: handlers for what a service would tell by webhooks, called in this process: on the event loop that
            serves the clients, or in a worker thread if they are not `async`. What one raises is logged.
        now: the time of day in seconds, which request signatures and cached events are held against.
    """

    def __init__(
        self,
        apps: App | Sequence[App],
        *,
        limits: Limits | None = None,
        webhooks: WebhookHandlers | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        every = (apps,) if isinstance(apps, App) else tuple(apps)
        self._check(every)
        self.limits: Limits = limits or Limits()
        # Starlette's test client runs every WebSocket on a loop of its own
        self._sessions: set[asyncio.Task[None]] = set()
        given: object = webhooks
        if given is not None and not isinstance(given, WebhookHandlers):
            raise ConfigurationError(f"must be WebhookHandlers, not {type(given).__name__}", setting="webhooks")
        lives = [
            LiveApp(app, self.limits, now=now, teller=None if webhooks is None else Teller(webhooks, app.key, now=now))
            for app in every
        ]
        self._by_id = {live.app.id: live for live in lives}
        self._by_key = {live.app.key: live for live in lives}
        self._closing = False

    @property
    def apps(self) -> tuple[App, ...]:
        """The apps that are served."""
        return tuple(live.app for live in self._by_id.values())

    def live(self, app_id: str | None = None) -> LiveApp:
        """Return an app as it is served; without an id, the only one.

        Raises:
            ConfigurationError: there is no such app, or more than one to choose from.
        """
        if app_id is None and len(self._by_id) == 1:
            return next(iter(self._by_id.values()))
        try:
            return self._by_id[app_id or ""]
        except KeyError:
            has = ", ".join(self._by_id)
            raise ConfigurationError(
                f"must be one of this server's apps ({has}), not {app_id!r}", setting="app_id"
            ) from None

    def publish(self, app_id: str, *messages: Message) -> None:
        """Queue messages for their subscribers, from any thread. They are taken as valid: drivers check them."""
        self.live(app_id).publish(messages)

    async def aclose(self) -> None:
        """Close every connection with 4200, on which clients come back at once, and refuse new ones."""
        self._closing = True
        for live in self._by_id.values():
            live.close_all(_RESTARTING)
        loop = asyncio.get_running_loop()
        here = [session for session in list(self._sessions) if session.get_loop() is loop]
        if here:
            await asyncio.wait(here, timeout=_CLOSE_TIMEOUT)
        for live in self._by_id.values():
            if live.teller is not None:
                await live.teller.settle(_CLOSE_TIMEOUT)

    async def __call__(self, scope: asgi.Scope, receive: asgi.Receive, send: asgi.Send) -> None:
        """Serve one connection, request or lifespan."""
        match scope["type"]:
            case "websocket":
                await self._websocket(scope, receive, send)
            case "http":
                await self._http(scope, receive, send)
            case "lifespan":
                await self._lifespan(receive, send)
            case other:
                raise RuntimeError(f"EmbeddedServer is no app for ASGI scope {other!r}")

    # -- WebSockets ------------------------------------------------------------------------------------------

    async def _websocket(self, scope: asgi.Scope, receive: asgi.Receive, send: asgi.Send) -> None:
        await receive()  # websocket.connect
        live, refusal = self._admit(scope)
        if live is None or refusal is not None:
            await refuse(send, refusal or _NO_PATH)
            return
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - an ASGI app runs in one
        self._sessions.add(task)
        try:
            await run_session(live, receive, send)
        finally:
            self._sessions.discard(task)

    def _admit(self, scope: asgi.Scope) -> tuple[LiveApp | None, Close | None]:
        if self._closing:
            return None, _RESTARTING
        match asgi.route_path(scope).split("/"):
            case ["", "app", key]:
                live = self._by_key.get(key)
            case _:
                return None, _NO_PATH
        query, origin = asgi.query_parameters(scope), asgi.header(scope, b"origin")
        app, count = (live.app, live.connection_count) if live else (None, 0)
        return live, refuse_handshake(app, self.limits, query, origin, connections=count)

    # -- HTTP ------------------------------------------------------------------------------------------------

    async def _http(self, scope: asgi.Scope, receive: asgi.Receive, send: asgi.Send) -> None:
        try:
            response = await self._respond(scope, receive)
        except RefusedRequestError as refused:
            response = text_response(refused.status, refused.text, (*refused.headers, ("connection", "close")))
        if response is not None:
            await asgi.respond(send, response)

    async def _respond(self, scope: asgi.Scope, receive: asgi.Receive) -> Response | None:
        path, method = asgi.route_path(scope), scope["method"]
        if path in _HEALTH_PATHS:
            allow = (("allow", "GET, HEAD"),)
            return (
                json_response({"health": "OK"}) if method in {"GET", "HEAD"} else text_response(405, "use GET", allow)
            )
        match path.split("/", 3):
            case ["", "apps", app_id, _]:
                live = self._by_id.get(app_id)
            case _:
                return json_response({"error": "not found"}, 404)
        if live is None:
            return text_response(404, "there is no app with this id here")
        body = await asgi.read_body(scope, receive, self.limits)
        if body is None:
            return None
        query = scope.get("query_string", b"").decode("latin-1")
        return live.handle(Request(method, path, query, body, asgi.signed_paths(scope)))

    # -- lifespan --------------------------------------------------------------------------------------------

    async def _lifespan(self, receive: asgi.Receive, send: asgi.Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                self._closing = False
                await send({"type": "lifespan.startup.complete"})
            else:
                await self.aclose()
                await send({"type": "lifespan.shutdown.complete"})
                return

    @staticmethod
    def _check(apps: Iterable[App]) -> None:
        ids, keys = [app.id for app in apps], [app.key for app in apps]
        if not ids:
            raise ConfigurationError("an embedded server needs at least one app")
        if len(set(ids)) < len(ids) or len(set(keys)) < len(keys):
            raise ConfigurationError("two apps of an embedded server have the same id or key")
