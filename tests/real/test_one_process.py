"""An application of one process: FastAPI with the embedded server inside, and no HTTP between the two."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager

import httpx
import pytest
from fastapi import FastAPI

from broadcastkit import AnonymousEvent, AsyncBroadcaster, Broadcaster, ChannelRegistry
from broadcastkit.integrations.fastapi import SocketIdMiddleware, broadcasting_lifespan, broadcasting_router
from broadcastkit.server import App, AsyncEmbeddedDriver, EmbeddedDriver, EmbeddedServer
from tests.interop.clients import PusherJsClient
from tests.interop.servers import PusherServer, asgi_server
from tests.real.chat import MASTER_KEY, current_user, make_rules
from tests.real.conftest import Place

pytestmark = pytest.mark.real


def make_app(server: EmbeddedServer, channels: ChannelRegistry) -> FastAPI:
    blocking = Broadcaster(EmbeddedDriver(server, encryption_master_key=MASTER_KEY))
    awaited = AsyncBroadcaster(AsyncEmbeddedDriver(server, encryption_master_key=MASTER_KEY), channels=channels)

    @asynccontextmanager
    async def own_lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
        await server.aclose()

    app = FastAPI(lifespan=broadcasting_lifespan(awaited, own_lifespan))
    app.add_middleware(SocketIdMiddleware)
    app.include_router(broadcasting_router(awaited, user=current_user))

    @app.post("/awaited")
    async def tell_awaited(channel: str, name: str) -> int:
        await awaited.broadcast(AnonymousEvent(name, {"by": "awaited"}, on=channel)).to_others()
        return len(await awaited.users_info("presence-room.2"))

    @app.post("/blocking")
    def tell_blocking(channel: str, name: str) -> int:
        blocking.broadcast(AnonymousEvent(name, {"by": "blocking"}, on=channel)).to_others()
        return len(blocking.users_info("presence-room.2"))

    @app.post("/blocking-in-the-loop")
    async def tell_blocking_in_the_loop(channel: str, name: str) -> int:
        return tell_blocking(channel, name)

    app.mount("/", server)
    return app


@pytest.fixture
def place() -> Iterator[Place]:
    app = App("one", "one-key", "one-secret")
    with asgi_server(make_app(EmbeddedServer(app), make_rules())) as port:
        server = PusherServer("127.0.0.1", port, app.id, app.key, app.secret)
        yield Place(server, "pusher", f"http://127.0.0.1:{port}")


@pytest.mark.parametrize("channel", ["news", "private-conversation.1", "presence-room.1", "private-encrypted-vault.1"])
@pytest.mark.parametrize("path", ["awaited", "blocking", "blocking-in-the-loop"])
def test_a_page_and_its_server_are_one(
    place: Place, visit: Callable[..., PusherJsClient], path: str, channel: str
) -> None:
    ada, bob = visit(place, "ada"), visit(place, "bob")
    for client in (ada, bob):
        client.subscribe(channel)
        client.subscribe("presence-room.2")

    def tell(name: str, headers: dict[str, str]) -> int:
        asked = {"channel": channel, "name": name}
        answer = httpx.post(f"{place.url}/{path}", params=asked, headers=headers)
        present: int = answer.json()
        return present

    assert tell("told", {"X-Socket-ID": ada.socket_id}) == 2
    assert tell("fence", {}) == 2

    assert ada.events_until("fence") == []
    by = "awaited" if path == "awaited" else "blocking"
    assert bob.events_until("fence") == [{"type": "event", "channel": channel, "event": "told", "data": {"by": by}}]
