"""The dashboard at /laravel-websockets, and what Prometheus reads."""

from __future__ import annotations

from collections.abc import Callable

from litestar import Litestar
from litestar.testing import TestClient

from broadcastkit.errors import ConnectError
from broadcastkit.observability import Drop, Sending
from examples.marketplace.app import create_app
from examples.marketplace.figures import Figures, Trouble
from tests.examples.marketplace.conftest import Someone, signed_in

SOCKET = "/ws/app/marketplace-key?protocol=7"
SEND = Sending(connection="default", system="pusher", events=("message.sent", "conversation.updated"), channels=3)


def test_active_connections_and_channels(client: TestClient[Litestar], ben: Someone, root: Someone) -> None:
    with client.websocket_connect(SOCKET) as socket:
        socket_id = socket.receive_json()["data"].split('"')[3]
        answer = ben.subscribe("presence-online.1", socket_id).json()
        socket.send_json({"event": "pusher:subscribe", "data": {"channel": "presence-online.1", **answer}})
        assert socket.receive_json()["event"] == "pusher_internal:subscription_succeeded"
        seen = root.get("/laravel-websockets/statistics").json()
    assert (seen["driver"], seen["queue"]) == ("embedded", "sync")
    assert seen["connections"] == {"open": 1, "peak": 1, "opened": 1, "frames_sent": 2, "frames_received": 1}
    assert seen["channels"] == [{"name": "presence-online.1", "subscriptions": 1, "users": 1}]


def test_message_statistics(ben: Someone, root: Someone) -> None:
    before = root.get("/laravel-websockets/statistics").json()
    assert (before["messages_last_hour"], before["sent"]) == (6, {})
    ben.write(1, "Hello")
    ben.post("/api/conversations/1/typing")
    ben.post("/api/conversations/1/typing")
    after = root.get("/laravel-websockets/statistics").json()
    assert (after["messages_last_hour"], after["messages_last_day"]) == (7, 7)
    assert after["sent"] == {"message.sent": 1, "conversation.updated": 1, "user.typing": 1}
    assert (after["dropped"], after["failed"]) == ({"user.typing": 1}, {})


def test_connection_errors(client: TestClient[Litestar], root: Someone) -> None:
    with client.websocket_connect("/ws/app/another-key?protocol=7") as socket:
        assert socket.receive_json()["event"] == "pusher:error"
    errors = root.get("/laravel-websockets/statistics").json()["errors"]
    assert [error["what"].partition(":")[0] for error in errors] == ["connection closed with 4001"]


def test_prometheus(ben: Someone, root: Someone) -> None:
    ben.write(1, "Hello")
    answer = root.get("/metrics")
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert 'broadcastkit_sent_messages_total{connection="default"} 2.0' in answer.text


def test_prometheus_has_a_token_that_does_not_end(environ: dict[str, str], database_url: str) -> None:
    with TestClient(create_app({**environ, "METRICS_TOKEN": "scrape"})) as client:
        scraper = Someone(client, {"Authorization": "Bearer scrape"})
        assert scraper.get("/metrics").status_code == 200
        # and it is for nothing else
        assert scraper.get("/laravel-websockets/statistics").status_code == 401
        assert scraper.get("/api/user").status_code == 401
        assert Someone(client, {"Authorization": "Bearer scrap"}).get("/metrics").status_code == 401
        assert signed_in(client, database_url, "ben").get("/metrics").status_code == 403
        assert signed_in(client, database_url, "root").get("/metrics").status_code == 200


def test_figures_of_several_processes_are_one() -> None:
    web, worker = Figures(), Figures()
    web.on_dropped(Drop(None, ("user.typing",), "throttle"))
    worker.on_sent(SEND)
    worker.on_failed(SEND, ConnectError("no answer"))
    worker.errors.append(Trouble("2020-01-01T00:00:00+00:00", "older"))
    both = web.together_with(worker)
    assert both.sent == {"message.sent": 1, "conversation.updated": 1}
    assert (both.failed.total(), both.dropped) == (2, {"user.typing": 1})
    assert [trouble.what for trouble in both.errors] == ["ConnectError: no answer", "older"]


def test_errors_do_not_fill_the_memory() -> None:
    figures = Figures()
    told: Callable[[], None] = lambda: figures.on_failed(SEND, ConnectError("no answer"))  # noqa: E731
    for _ in range(60):
        told()
    assert len(figures.errors) == 50
