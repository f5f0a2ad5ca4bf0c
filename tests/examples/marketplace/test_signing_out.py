"""Who signs out hears no more, on whatever connection; where a token still holds, one comes back."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from litestar import Litestar
from litestar.exceptions import WebSocketDisconnect
from litestar.testing import TestClient, WebSocketTestSession

from examples.marketplace.app import create_app
from tests.examples.marketplace.conftest import Someone, signed_in
from tests.examples.marketplace.test_live import LARAVEL_WEBSOCKETS
from tests.interop.servers import free_port


@contextmanager
def listening(someone: Someone) -> Iterator[WebSocketTestSession]:
    """A connection on which somebody has signed in and listens to conversation 1, as Laravel Echo does it."""
    with someone.client.websocket_connect("/ws/app/marketplace-key?protocol=7") as socket:
        socket_id = json.loads(socket.receive_json()["data"])["socket_id"]
        fields = {"socket_id": socket_id}
        signed = someone.client.post("/broadcasting/user-auth", data=fields, headers=someone.headers).json()
        socket.send_json({"event": "pusher:signin", "data": signed})
        assert socket.receive_json()["event"] == "pusher:signin_success"
        granted = someone.subscribe("private-conversation.1", socket_id).json()
        socket.send_json({"event": "pusher:subscribe", "data": {"channel": "private-conversation.1", **granted}})
        assert socket.receive_json()["event"] == "pusher_internal:subscription_succeeded"
        yield socket


def is_ended(socket: WebSocketTestSession) -> bool:
    assert socket.receive_json()["event"] == "pusher:error"
    with pytest.raises(WebSocketDisconnect) as ended:
        socket.receive_json()
    # with this one a client does not come back unasked
    return ended.value.code == 4009


def heard(socket: WebSocketTestSession) -> Any:
    return json.loads(socket.receive_json()["data"])["content"]


def test_all_connections_of_who_signs_out_end(
    client: TestClient[Litestar], database_url: str, ada: Someone, ben: Someone
) -> None:
    phone = signed_in(client, database_url, "ben")
    with listening(ben) as first, listening(phone) as second, listening(ada) as hers:
        assert ben.post("/api/logout").status_code == 204
        assert is_ended(first)
        assert is_ended(second)
        # the other token still holds, and nobody else noticed anything
        with listening(phone) as again:
            ada.write(1, "Ten is fine.")
            assert heard(again) == heard(hers) == "Ten is fine."
    assert ben.subscribe("private-conversation.1").status_code == 401


def test_the_dashboard_has_no_error_of_that(ben: Someone, root: Someone) -> None:
    with listening(ben) as socket:
        ben.post("/api/logout")
        assert is_ended(socket)
    assert root.get("/laravel-websockets/statistics").json()["errors"] == []


@pytest.mark.parametrize("driver", [{"BROADCAST_DRIVER": "log"}, LARAVEL_WEBSOCKETS], ids=["nobody can", "no answer"])
def test_connections_that_cannot_be_ended_keep_nobody_signed_in(
    environ: dict[str, str], database_url: str, caplog: pytest.LogCaptureFixture, driver: dict[str, str]
) -> None:
    environ = {**environ, **driver, "PUSHER_PORT": str(free_port())}
    with TestClient(create_app(environ)) as client, caplog.at_level(logging.WARNING, "marketplace"):
        ben = signed_in(client, database_url, "ben")
        assert ben.post("/api/logout").status_code == 204
        assert ben.get("/api/user").status_code == 401
    assert "the connections of user 2 were not ended" in caplog.text
