"""The chat of docs/how-to/socketio.md, served as the page says, does what it says to real clients."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from tests.docs.pages import PAGES
from tests.interop.servers import free_port, running
from tests.interop.socketio_servers import POLLING, SocketIoClient

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.real

ANNE, BELL = {"token": "anne's token"}, {"token": "dr. bell's token"}


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    (page,) = (page for page in PAGES if page.name == "docs/how-to/socketio.md")
    (app,) = (fence for fence in page.fences if fence.file == "app.py")
    (tmp_path / "app.py").write_text(app.text, encoding="utf-8")
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "app:app", "--app-dir", str(tmp_path), "--port", str(port)]
    with running(command, port=port, log=tmp_path / "log", ready=POLLING):
        yield f"http://127.0.0.1:{port}"


def test_the_chat(url: str) -> None:
    with SocketIoClient() as anne, SocketIoClient() as bell:
        anne.connect(url, auth=ANNE)
        bell.connect(url, auth=BELL)

        anne.command("ask", event="send_message", args=[{"receiverId": 8, "content": "Hello doctor!"}])
        assert bell.expect("event", event="new_message")["args"] == [
            {"sender_id": 7, "receiver_id": 8, "content": "Hello doctor!"}
        ]
        bell.command("ask", event="send_message", args=[{"receiverId": 7, "content": "Hello Anne!"}])
        # the first that she hears: not her own
        assert anne.next_event()["args"] == [{"sender_id": 8, "receiver_id": 7, "content": "Hello Anne!"}]

        member = {"user_id": "7", "user_info": {"name": "Anne"}}
        assert anne.subscribe("presence-consultation.5")["member"] == member
        assert anne.ask("subscribe", "private-user.8") == {"ok": False, "status": 403, "error": "forbidden"}


def test_who_has_no_token_is_not_connected(url: str) -> None:
    with SocketIoClient() as stranger:
        stranger.command("connect", url=url, auth={}, transports=["websocket"])
        assert "who are you?" in stranger.expect("disconnected")["reason"]
