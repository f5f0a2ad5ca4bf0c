"""One request for several channels: pusher-js with the package pusher-js-auth, and with the few lines of our page."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.docs.pages import PAGES
from tests.interop.clients import PusherJsClient
from tests.interop.servers import asgi_server
from tests.real.chat import make_chat
from tests.real.conftest import Place

pytestmark = pytest.mark.real

Fresh = Callable[[], int]


@pytest.fixture(params=["pusher-js-auth", "our page"])
def together(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "pusher-js-auth":
        return "pusher-js-auth"
    [page] = [page for page in PAGES if page.name == "docs/how-to/authorize-channels.md"]
    [snippet] = [fence for fence in page.of("javascript") if fence.text.startswith("// together.js")]
    file = tmp_path / "together.mjs"
    file.write_text(snippet.text, encoding="utf-8")
    return str(file)


@contextmanager
def counted(place: Place) -> Iterator[tuple[Place, list[str]]]:
    """Serve another application of the place, which notes the paths that are asked for."""
    app = make_chat(place.server, place.profile)
    asked: list[str] = []

    async def counting(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            asked.append(scope["path"])
        await app(scope, receive, send)

    with asgi_server(counting) as port:
        yield dataclasses.replace(place, url=f"http://127.0.0.1:{port}"), asked


def test_a_page_asks_once_for_all_of_its_channels(
    place: Place, pusher_js: Callable[[], PusherJsClient], together: str, fresh: Fresh
) -> None:
    room, vault = f"presence-room.{fresh()}", f"private-conversation.{fresh()}"
    client = pusher_js()
    with counted(place) as (counting, asked):
        client.connect(place.server, **counting.endpoints, headers={"X-User": "ada"}, together=together)
        found = client.subscribe_all(["private-user.1", "private-user.2", room, vault, "news"])

        assert asked == ["/broadcasting/auth"]
        assert {name: report["type"] for name, report in found.items()} == {
            "private-user.1": "subscribed",
            "private-user.2": "subscription_error",
            room: "subscribed",
            vault: "subscribed",
            "news": "subscribed",
        }
        assert found[room]["members"] == [{"id": "1", "info": {"name": "Ada"}}]
        # one that comes later is asked for by itself, in a list of one
        assert client.subscribe(f"private-conversation.{fresh()}")
        assert asked == ["/broadcasting/auth"] * 2
