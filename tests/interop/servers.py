"""Real servers for tests, each on a free loopback port and gone when the test is."""

from __future__ import annotations

import contextlib
import dataclasses
import http.client
import json
import os
import re
import signal
import socket
import socketserver
import subprocess
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import uvicorn

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
    from wsgiref.types import WSGIApplication

__all__ = [
    "SOKETI_LOG",
    "PusherServer",
    "asgi_server",
    "free_port",
    "running",
    "soketi_app",
    "soketi_server",
    "tail",
    "wsgi_server",
]

LOOPBACK = "127.0.0.1"
INTEROP = Path(__file__).parent
NODE_MODULES = INTEROP / "node_modules"
START_TIMEOUT = 20.0
STOP_TIMEOUT = 5.0
LOG_TAIL = 4000
# With the last one, a server of ours that runs under `coverage run` is measured too.
PASSED_ON = re.compile("PATH$|HOME$|COVERAGE_")
SOKETI_LOG = "soketi.log"


@dataclasses.dataclass(frozen=True, slots=True)
class PusherServer:
    """Where a server of the Pusher protocol listens, and one app on it."""

    host: str
    port: int
    app_id: str
    key: str
    secret: str = dataclasses.field(repr=False)
    pid: int = 0
    """The process to kill, if it may be killed."""

    @property
    def url(self) -> str:
        """Return the address `PusherDriver.from_url()` takes."""
        return f"http://{self.key}:{self.secret}@{self.host}:{self.port}/apps/{self.app_id}"


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    """Return a loopback port that nobody listens on (`SOCK_DGRAM` for UDP)."""
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def tail(log: Path) -> str:
    """Return the end of what a server printed."""
    return log.read_text(errors="replace")[-LOG_TAIL:]


@contextlib.contextmanager
def running(
    command: Sequence[str],
    *,
    port: int,
    log: Path,
    ready: str | Callable[[], bool] = "/",
    env: Mapping[str, str] | None = None,
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server until the block ends, which starts once `GET ready` on `port` answers 200, or `ready()` is true.

    The server sees `env` and little else, so that no setting of the developer's reaches it. What it prints
    goes to `log`, and into the error if it does not start or if the block fails.
    """
    with log.open("wb") as output:
        process = subprocess.Popen(
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={name: value for name, value in os.environ.items() if PASSED_ON.match(name)} | dict(env or {}),
            # Its own process group: what the server starts is stopped with it.
            start_new_session=True,
        )
        try:
            _wait_until_ready(process, port, ready)
            yield process
        except BaseException as error:
            error.add_note(f"{command[0]} printed:\n{tail(log)}")
            raise
        finally:
            _stop(process)


def _wait_until_ready(process: subprocess.Popen[bytes], port: int, ready: str | Callable[[], bool]) -> None:
    deadline = time.monotonic() + START_TIMEOUT
    while not (_answers(port, ready) if isinstance(ready, str) else ready()):
        if time.monotonic() > deadline:
            asked = f"GET {ready}" if isinstance(ready, str) else "at all"
            message = f"nothing answered {asked} on port {port} within {START_TIMEOUT} s"
            raise TimeoutError(message)
        with contextlib.suppress(subprocess.TimeoutExpired):
            # Not a sleep: this returns at once when the process dies.
            code = process.wait(timeout=0.05)
            message = f"the server stopped with code {code} before it was ready"
            raise RuntimeError(message)


def _answers(port: int, path: str) -> bool:
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=1)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _stop(process: subprocess.Popen[bytes]) -> None:
    for how in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, how)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=STOP_TIMEOUT)
            return


def soketi_app(
    app_id: str, key: str, secret: str, *, users: bool = False, webhooks: Sequence[Mapping[str, object]] = ()
) -> dict[str, object]:
    """Return the settings of one app on soketi; each of `webhooks` has `url` and `event_types`."""
    return {
        "id": app_id,
        "key": key,
        "secret": secret,
        "enabled": True,
        "enableClientMessages": True,
        # An app with this on closes every connection that has not signed in after 30 s.
        "enableUserAuthentication": users,
        "maxConnections": -1,
        "maxBackendEventsPerSecond": -1,
        "maxClientEventsPerSecond": -1,
        "maxReadRequestsPerSecond": -1,
        "webhooks": list(webhooks),
    }


SOKETI_APPS = (
    # Letters in the id on purpose: the services allow them, and clients which expect digits break here.
    soketi_app("app-id", "app-key", "app-secret"),
    # The PyPI package `pusher` is such a client: it refuses an id that is not all digits.
    soketi_app("1001", "numeric-key", "numeric-secret"),
    soketi_app("users-app", "users-key", "users-secret", users=True),
)


@contextlib.contextmanager
def soketi_server(
    folder: Path, apps: Sequence[Mapping[str, object]] = SOKETI_APPS, *, port: int | None = None, **options: object
) -> Iterator[tuple[PusherServer, ...]]:
    """Run soketi, with its configuration and log in `folder`; yields one value per app.

    `options` are more of its settings, by their dotted names with `__` for each dot.
    """
    main = NODE_MODULES / "@soketi" / "soketi" / "bin" / "server.js"
    if not main.exists():
        message = f"{main} is missing: run `make setup`"
        raise FileNotFoundError(message)
    port = free_port() if port is None else port
    settings = {
        "host": LOOPBACK,
        "port": port,
        "metrics.host": LOOPBACK,
        "metrics.port": free_port(),
        "cluster.address": LOOPBACK,
        "cluster.unicast": LOOPBACK,
        "cluster.port": free_port(socket.SOCK_DGRAM),
        "shutdownGracePeriod": 0,
        "appManager.array.apps": apps,
        **{name.replace("__", "."): value for name, value in options.items()},
    }
    config = folder / "soketi.json"
    config.write_text(json.dumps(settings))
    command = ["node", str(main), "start", f"--config={config}"]
    with running(command, port=port, log=folder / SOKETI_LOG, ready="/ready") as process:
        yield tuple(
            PusherServer(LOOPBACK, port, str(app["id"]), str(app["key"]), str(app["secret"]), process.pid)
            for app in apps
        )


class _AnnouncedServer(uvicorn.Server):
    """uvicorn, which sets an event when it accepts connections."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.accepting = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.accepting.set()


@contextlib.contextmanager
def asgi_server(app: Callable[..., Awaitable[None]]) -> Iterator[int]:
    """Serve an ASGI app from a thread of this process, as `broadcastkit serve` would; yields its port."""
    with socket.create_server((LOOPBACK, 0)) as listener:
        # asyncio does this only for sockets that say they are TCP, and without it small answers wait 40 ms
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        server = _AnnouncedServer(uvicorn.Config(app, ws="websockets-sansio", log_level="warning"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        try:
            if not server.accepting.wait(START_TIMEOUT):
                message = "the ASGI app did not start: its log says why"
                raise RuntimeError(message)
            yield listener.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join(STOP_TIMEOUT)


class _ThreadingServer(socketserver.ThreadingMixIn, WSGIServer):
    """wsgiref, with a thread for each request."""


class _QuietHandler(WSGIRequestHandler):
    def log_message(self, *_: Any, **__: Any) -> None:
        """Print nothing, where it would print every request."""


@contextlib.contextmanager
def wsgi_server(app: WSGIApplication) -> Iterator[int]:
    """Serve a WSGI app from threads of this process; yields its port."""
    with make_server(LOOPBACK, 0, app, _ThreadingServer, _QuietHandler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join(STOP_TIMEOUT)
