"""The shared behaviour over real HTTP: Starlette and Litestar behind uvicorn, Flask behind gunicorn that forks."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from subprocess import Popen
from typing import Any

import anyio.lowlevel
import httpx
import pytest
from litestar.concurrency import set_asyncio_executor

from broadcastkit.integrations.answers import BODY_LIMIT
from broadcastkit.server import App, EmbeddedServer
from tests.integrations.application import TIMEOUT, Site, client_of
from tests.integrations.behaviour import (
    AUTH,
    FORM,
    MALFORMED_HEADERS,
    AuthorizeBehaviour,
    SignInBehaviour,
    SocketIdBehaviour,
    as_user,
    asking,
)
from tests.integrations.test_litestar import InLitestar
from tests.integrations.test_starlette import InStarlette
from tests.interop.clients import PusherJsClient
from tests.interop.servers import PusherServer, asgi_server, free_port, running

pytestmark = pytest.mark.real

ROOT = Path(__file__).parents[2]


class _Rerouted(httpx.AsyncHTTPTransport):
    """Sends what is meant for `http://site.test` to a port of this machine."""

    def __init__(self, port: int) -> None:
        super().__init__(limits=httpx.Limits(max_connections=None))
        self._port = port

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        request.url = request.url.copy_with(host="127.0.0.1", port=self._port)
        # no space around a value reaches the wire: h11 refuses to send it
        request.headers = httpx.Headers([(name, value.strip()) for name, value in request.headers.raw])
        return await super().handle_async_request(request)


class OverHttp(AuthorizeBehaviour):
    """What is seen of the same behaviour from outside of the server's process."""

    async def test_an_error_in_a_rule_is_the_applications(self, client: httpx.AsyncClient) -> None:
        assert (await client.post(AUTH, data=asking("private-broken"), headers=as_user("ada"))).status_code == 500

    async def test_a_body_in_chunks_is_read_no_further_than_the_limit(self, client: httpx.AsyncClient) -> None:
        # one byte too many: a client that is cut off while it sends more may not see why
        async def too_much() -> AsyncIterator[bytes]:
            for _ in range(BODY_LIMIT // 1024):
                yield b"x" * 1024
            yield b"x"

        answer = await client.post(AUTH, content=too_much(), headers={"Content-Type": FORM})

        assert answer.status_code == 413


# -- uvicorn -----------------------------------------------------------------------------------------------------------


class OverUvicorn:
    """One server, behind which each site takes the place of the one before."""

    def __init__(self, inside: InStarlette | InLitestar) -> None:
        self.places = inside.places
        self.port = 0
        self._inside = inside
        self._app: Any = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            raise RuntimeError("sites come and go while the server runs")
        await self._app(scope, receive, send)

    def transport(self, site: Site) -> httpx.AsyncBaseTransport:
        self._app = self._inside.app(site)
        return _Rerouted(self.port)


starlette, litestar = OverUvicorn(InStarlette()), OverUvicorn(InLitestar())


@pytest.fixture(scope="module", autouse=True)
def _uvicorn() -> Iterator[None]:
    with ThreadPoolExecutor(20) as threads, asgi_server(starlette) as one, asgi_server(litestar) as other:
        starlette.port, litestar.port = one, other
        set_asyncio_executor(threads)  # Litestar's: by itself it has fewer than requests that wait for each other
        yield
        set_asyncio_executor(None)


class _SocketIdOverHttp(SocketIdBehaviour):
    async def test_background_work_of_the_request_knows_it(self) -> None:
        site = Site()
        async with client_of(self.integration, site) as client:
            for count, headers in enumerate([{"X-Socket-ID": "1.2"}, {}], start=1):
                await client.get("/socket-id/background", headers=headers)
                # it runs once the answer is out
                with anyio.fail_after(TIMEOUT):
                    while len(site.noted) < count:
                        await anyio.lowlevel.checkpoint()

        assert site.noted == ["1.2", None]

    @pytest.mark.parametrize("value", [value for value in MALFORMED_HEADERS if value == value.strip()], ids=ascii)
    async def test_a_malformed_one_is_none(self, client: httpx.AsyncClient, value: bytes) -> None:
        assert await self._asked(client, "endpoint", value) is None


class TestStarletteAuthorize(OverHttp):
    integration = starlette


class TestStarletteSignIn(SignInBehaviour):
    integration = starlette


class TestStarletteSocketId(_SocketIdOverHttp):
    integration = starlette


class TestLitestarAuthorize(OverHttp):
    integration = litestar


class TestLitestarSignIn(SignInBehaviour):
    integration = litestar


class TestLitestarSocketId(_SocketIdOverHttp):
    integration = litestar


# -- gunicorn ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=["soketi", "embedded"])
def service(request: pytest.FixtureRequest) -> Iterator[tuple[PusherServer, str]]:
    """A server of the Pusher protocol, and the name of its profile."""
    if request.param == "soketi":
        yield request.getfixturevalue("soketi"), "soketi"
        return
    app = App("1001", "app-key", "app-secret")
    with asgi_server(EmbeddedServer(app)) as port:
        yield PusherServer("127.0.0.1", port, app.id, app.key, app.secret), "pusher"


@contextmanager
def gunicorn(server: PusherServer, profile: str, log: Path) -> Iterator[tuple[int, Popen[bytes]]]:
    """Run two workers, forked from a parent that has broadcast; yields their port."""
    port = free_port()
    command = [sys.executable, "-m", "gunicorn", "--preload", "--workers", "2", "--bind", f"127.0.0.1:{port}"]
    command += ["--no-control-socket", "--chdir", str(ROOT), "tests.integrations.prefork:app"]
    environment = {"SERVICE_URL": server.url, "SERVICE_PROFILE": profile, "PYTHONPATH": str(ROOT)}
    with running(command, port=port, log=log, ready="/up", env=environment) as process:
        yield port, process


@pytest.fixture(scope="module")
def prefork(service: tuple[PusherServer, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, Path]]:
    """gunicorn's port and log."""
    log = tmp_path_factory.mktemp("gunicorn") / "log"
    with gunicorn(*service, log) as (port, _):
        yield port, log


class OverGunicorn:
    """A site in processes of its own: it is always the same one, and nobody sees into it."""

    places: frozenset[str] = frozenset()
    port = 0

    def transport(self, site: Site) -> httpx.AsyncBaseTransport:
        return _Rerouted(self.port)


flask = OverGunicorn()


class TestFlaskAuthorize(OverHttp):
    integration = flask

    @pytest.fixture(autouse=True)
    def _server(self, prefork: tuple[int, Path]) -> None:
        flask.port, self._log = prefork

    async def test_anything_but_a_clear_yes_is_one_and_the_same_no(self, client: httpx.AsyncClient) -> None:  # type: ignore[override]
        denied = await client.post(AUTH, data=asking("private-user.2"), headers=as_user("ada"))

        assert (denied.status_code, denied.json()) == (403, {"error": "forbidden"})
        assert "own_channel said no" in self._log.read_text()

    # nobody sees into the processes
    test_without_a_broadcaster_the_configured_one_answers = None  # type: ignore[assignment]
    test_each_is_asked_for_by_itself_and_once = None  # type: ignore[assignment]


@pytest.fixture
def site_url(prefork: tuple[int, Path]) -> str:
    return f"http://127.0.0.1:{prefork[0]}"


def test_every_worker_broadcasts_and_leaves_out_who_asked(
    service: tuple[PusherServer, str], site_url: str, pusher_js: Callable[[], PusherJsClient]
) -> None:
    clients = [pusher_js() for _ in range(2)]
    for client, user in zip(clients, ("ada", "bob"), strict=True):
        client.connect(service[0], auth_endpoint=f"{site_url}/live/auth", headers={"X-User": user})
        client.subscribe("private-lobby")
    sender, other = clients

    def tell(name: str, headers: dict[str, str]) -> int:
        answer = httpx.post(f"{site_url}/broadcast", params={"name": name}, headers=headers, timeout=TIMEOUT)
        assert answer.status_code == 200, answer.text
        pid: int = answer.json()["pid"]
        return pid

    with ThreadPoolExecutor(2) as pool:
        workers = {*pool.map(lambda _: tell("fence", {}), range(2))}
        assert len(workers) == 2
        for client in clients:
            assert {client.next_event()["data"]["pid"] for _ in range(2)} == workers
        for _ in range(3):
            assert {*pool.map(lambda _: tell("told", {"X-Socket-ID": sender.socket_id}), range(2))} == workers
            assert {other.next_event()["data"]["pid"] for _ in range(2)} == workers
        assert {*pool.map(lambda _: tell("fence", {}), range(2))} == workers

    assert sender.events_until("fence") == []


def test_the_workers_are_not_the_parent(site_url: str) -> None:
    found = httpx.get(f"{site_url}/up").json()

    assert found["pid"] != found["parent"] != os.getpid()
