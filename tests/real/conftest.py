"""The stage: a server of the Pusher protocol, our FastAPI application before it, clients, and a driver that speaks."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from broadcastkit.server import App, EmbeddedServer
from tests.interop.clients import EchoClient, PusherJsClient
from tests.interop.servers import SOKETI_APPS, PusherServer, asgi_server
from tests.real.chat import make_chat
from tests.real.voices import COLOURS, Voice

_numbers = itertools.count(1)


@dataclasses.dataclass(frozen=True)
class Place:
    """One app on a server, and where the application that authorizes for it listens."""

    server: PusherServer
    profile: str
    url: str

    @property
    def endpoints(self) -> dict[str, str]:
        """Return what clients are told when they connect."""
        return {
            "auth_endpoint": f"{self.url}/broadcasting/auth",
            "user_auth_endpoint": f"{self.url}/broadcasting/user-auth",
        }

    @contextlib.contextmanager
    def authorized_by(self, server: PusherServer) -> Iterator[Place]:
        """Serve another application before the same app, one which signs with other credentials."""
        with asgi_server(make_chat(server, self.profile)) as port:
            yield dataclasses.replace(self, url=f"http://127.0.0.1:{port}")


@contextlib.contextmanager
def _places(apps: tuple[PusherServer, ...], profile: str) -> Iterator[tuple[Place, ...]]:
    with contextlib.ExitStack() as stack:
        ports = [stack.enter_context(asgi_server(make_chat(app, profile))) for app in apps]
        yield tuple(Place(app, profile, f"http://127.0.0.1:{port}") for app, port in zip(apps, ports, strict=True))


@pytest.fixture(scope="session")
def soketi_places(soketi_apps: tuple[PusherServer, ...]) -> Iterator[tuple[Place, ...]]:
    """soketi 1.6.1."""
    with _places(soketi_apps, "soketi") as places:
        yield places


@pytest.fixture(scope="session")
def embedded_places() -> Iterator[tuple[Place, ...]]:
    """Our own server, with the same apps."""
    apps = [App(str(app["id"]), str(app["key"]), str(app["secret"])) for app in SOKETI_APPS]
    with (
        asgi_server(EmbeddedServer(apps)) as port,
        _places(
            tuple(PusherServer("127.0.0.1", port, app.id, app.key, app.secret) for app in apps), "pusher"
        ) as places,
    ):
        yield places


@pytest.fixture(params=["soketi", "embedded"])
def kind(request: pytest.FixtureRequest) -> str:
    """Which server. A test of what only one of them does names it: `@pytest.mark.parametrize("kind", […])`."""
    chosen: str = request.param
    return chosen


@pytest.fixture
def places(kind: str, request: pytest.FixtureRequest) -> tuple[Place, ...]:
    """The apps on the server."""
    found: tuple[Place, ...] = request.getfixturevalue(f"{kind}_places")
    return found


@pytest.fixture
def place(places: tuple[Place, ...]) -> Place:
    """The app `app-id`."""
    return places[0]


@pytest.fixture
def numeric_place(places: tuple[Place, ...]) -> Place:
    """The app `1001`, for clients that want digits."""
    return places[1]


@pytest.fixture
def users_place(places: tuple[Place, ...]) -> Place:
    """The app whose users sign in."""
    return places[2]


@pytest.fixture(params=COLOURS)
def colour(request: pytest.FixtureRequest) -> Callable[..., Voice]:
    """Which driver."""
    return COLOURS[request.param]


@pytest.fixture
def speak(colour: Callable[..., Voice]) -> Iterator[Callable[..., Voice]]:
    """Make drivers that end with the test: `speak(place.server, place.profile, **options)`."""
    with contextlib.ExitStack() as stack:

        def make(server: PusherServer, profile: str, **options: Any) -> Voice:
            return stack.enter_context(contextlib.closing(colour(server, profile, **options)))

        yield make


@pytest.fixture
def voice(place: Place, speak: Callable[..., Voice]) -> Voice:
    """A driver that sends to the app `app-id`."""
    return speak(place.server, place.profile)


@pytest.fixture
def fresh() -> Callable[[], int]:
    """Count up, for names that no other test has used: a client that has gone may still be in a roster."""
    return lambda: next(_numbers)


@pytest.fixture
def visit(pusher_js: Callable[[], PusherJsClient]) -> Callable[..., PusherJsClient]:
    """Connect a pusher-js as a user, or as a guest."""

    def connect(place: Place, user: str | None = None) -> PusherJsClient:
        client = pusher_js()
        client.connect(place.server, **place.endpoints, headers={} if user is None else {"X-User": user})
        return client

    return connect


@pytest.fixture
def visit_with_echo(echo_js: Callable[[], EchoClient]) -> Callable[..., EchoClient]:
    """Connect a Laravel Echo as a user, or as a guest."""

    def connect(place: Place, user: str | None = None) -> EchoClient:
        client = echo_js()
        client.connect(place.server, **place.endpoints, headers={} if user is None else {"X-User": user})
        return client

    return connect
