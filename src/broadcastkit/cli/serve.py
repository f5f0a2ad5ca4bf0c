"""`broadcastkit serve`: the embedded server as a process of its own."""

from __future__ import annotations

import contextlib
import ipaddress
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from broadcastkit.cli.connections import JsonOption
from broadcastkit.cli.output import show_json
from broadcastkit.errors import ConfigurationError, MissingDependencyError
from broadcastkit.server import App, EmbeddedServer, Limits

if TYPE_CHECKING:
    import uvicorn

__all__ = ["parse_app", "serve"]

_DEFAULTS = Limits()
_SHUTDOWN_TIMEOUT = 10


def serve(
    *,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 picks a free one.")] = 6001,
    app: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ID:KEY:SECRET",
            help="An app; may be repeated. Without it: PUSHER_APP_ID, PUSHER_APP_KEY and PUSHER_APP_SECRET, "
            "which other users of the machine cannot see.",
        ),
    ] = None,
    client_events: Annotated[bool, typer.Option(help="Let members of a channel send client events.")] = True,
    allow_origin: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ORIGIN", help="Pages that may connect, such as example.org; may be repeated. Any, unless given."
        ),
    ] = None,
    max_connections: Annotated[int, typer.Option(min=1, help="Connections to one app.")] = _DEFAULTS.connections,
    max_data: Annotated[int, typer.Option(min=1, help="Bytes of one event's data.")] = _DEFAULTS.event_data_size,
    max_members: Annotated[int, typer.Option(min=1, help="Users in a presence channel.")] = _DEFAULTS.presence_members,
    activity_timeout: Annotated[
        float, typer.Option(min=1, help="Seconds of silence until a client is pinged.")
    ] = _DEFAULTS.activity_timeout,
    as_json: JsonOption = False,
    app_id: Annotated[str | None, typer.Option(envvar="PUSHER_APP_ID", hidden=True)] = None,
    app_key: Annotated[str | None, typer.Option(envvar="PUSHER_APP_KEY", hidden=True)] = None,
    app_secret: Annotated[str | None, typer.Option(envvar="PUSHER_APP_SECRET", hidden=True)] = None,
) -> None:
    """Serve the Pusher protocol and HTTP API, for one process of clients: pusher-js, Laravel Echo and others."""
    parts = [parse_app(text) for text in app or ()] or [_from_environment(app_id, app_key, app_secret)]
    limits = Limits(
        connections=max_connections,
        event_data_size=max_data,
        # what a client may send has to fit into a frame, what a server may publish into a request
        frame_size=max(_DEFAULTS.frame_size, 3 * max_data),
        request_size=max(_DEFAULTS.request_size, 60 * max_data),
        presence_members=max_members,
        activity_timeout=activity_timeout,
        allowed_origins=tuple(allow_origin) if allow_origin else None,
    )
    apps = [App(*part, client_events="members" if client_events else "none") for part in parts]
    _run(EmbeddedServer(apps, limits=limits), host, port, as_json=as_json)


def parse_app(text: str) -> tuple[str, str, str]:
    """Take `id:key:secret` apart; a secret may hold colons. No error shows any of it."""
    parts = text.split(":", 2)
    if len(parts) != 3 or not all(parts):  # noqa: PLR2004 - as many as the message says
        raise ConfigurationError("takes id:key:secret, three parts with colons between", setting="--app")
    return parts[0], parts[1], parts[2]


def _from_environment(*parts: str | None) -> tuple[str, str, str]:
    app_id, key, secret = parts
    if not app_id or not key or not secret:
        raise ConfigurationError(
            "no app to serve: give --app id:key:secret, or set PUSHER_APP_ID, PUSHER_APP_KEY and PUSHER_APP_SECRET"
        )
    return app_id, key, secret


# -- running ---------------------------------------------------------------------------------------------------------


def _run(server: EmbeddedServer, host: str, port: int, *, as_json: bool) -> None:
    with _listen(host, port) as listener:
        address = _address(listener)
        if not _is_loopback(listener.getsockname()[0]):
            typer.echo(
                f"Warning: {address} can be reached from other machines, without encryption. "
                "Put a proxy with TLS before it, and consider --allow-origin.",
                err=True,
            )
        runner = _runner(server, lambda: _say_so(server, listener, as_json=as_json))
        # uvicorn has shut down in order, and passes the signal on
        with contextlib.suppress(KeyboardInterrupt):
            runner.run(sockets=[listener])


def _say_so(server: EmbeddedServer, listener: socket.socket, *, as_json: bool) -> None:
    if as_json:
        host, port = listener.getsockname()[:2]
        show_json({"host": host, "port": port, "apps": [{"id": app.id, "key": app.key} for app in server.apps]})
        return
    keys = ", ".join(f"{app.id} (key {app.key})" for app in server.apps)
    typer.echo(f"Serving {keys} at ws://{_address(listener)}; stop with Ctrl-C.")


def _runner(server: EmbeddedServer, started: Callable[[], None]) -> uvicorn.Server:
    try:
        import uvicorn
        import websockets as _  # noqa: F401 - uvicorn imports it only when the first client comes
    except ImportError as error:
        raise MissingDependencyError(error.name or "uvicorn", "server", "broadcastkit serve") from None

    class Runner(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            if self.started:
                started()

        async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
            await server.aclose()  # before uvicorn cuts the connections: clients are told to come back
            await super().shutdown(sockets)

    config = uvicorn.Config(
        server,
        ws="websockets-sansio",
        ws_max_size=server.limits.frame_size,
        # small frames gain little, and each client costs a compressor
        ws_per_message_deflate=False,
        lifespan="on",
        log_level="warning",
        server_header=False,
        proxy_headers=False,  # nothing here asks where a client comes from
        timeout_graceful_shutdown=_SHUTDOWN_TIMEOUT,
    )
    return Runner(config)


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        raise ConfigurationError(f"cannot listen on {host} port {port}: {error.strerror}") from None
    # asyncio does this only for sockets that say they are TCP, and without it a small answer waits 40 ms for an ACK
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def _address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _is_loopback(host: str) -> bool:
    return ipaddress.ip_address(host).is_loopback
