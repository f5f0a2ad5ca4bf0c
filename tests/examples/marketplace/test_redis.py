"""BROADCAST_DRIVER=redis: laravel-echo-server between, and the queue's workers; Laravel Echo on socket.io-client."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.examples.marketplace.conftest import token_of
from tests.examples.marketplace.test_deployment import ROOT
from tests.interop.clients import EchoSocketIoClient
from tests.interop.redis_servers import EchoServer, RedisServer, echo_server, redis_server, wait_until
from tests.interop.servers import free_port, running

pytestmark = pytest.mark.real

PREFIX = "marketplace_database_"


@dataclass
class Market:
    url: str
    echo: EchoServer
    redis: RedisServer
    environ: dict[str, str]
    folder: Path

    def headers(self, name: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {token_of(self.environ['DATABASE_URL'], name)}"}

    def post(self, name: str, path: str, json: Any = None, **headers: str) -> Any:
        answer = httpx.post(f"{self.url}{path}", json=json, headers=self.headers(name) | headers, trust_env=False)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    def statistics(self) -> Any:
        path = f"{self.url}/laravel-websockets/statistics"
        return httpx.get(path, headers=self.headers("root"), trust_env=False).json()

    def listen(self, client: EchoSocketIoClient, name: str) -> None:
        client.connect(self.echo.url, self.headers(name))
        before = self.echo.subscriptions("private-conversation.1")
        client.open("private", "conversation.1")
        for event in ("message.sent", "user.typing"):
            client.listen("private-conversation.1", f".{event}")
        wait_until(lambda: self.echo.subscriptions("private-conversation.1") > before, f"{name} is subscribed")


@pytest.fixture(params=["sync", "redis"])
def market(request: pytest.FixtureRequest, tmp_path: Path, database_url: str) -> Iterator[Market]:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with ExitStack() as stack:
        redis = stack.enter_context(redis_server(tmp_path))
        echo = stack.enter_context(echo_server(tmp_path, redis, auth_host=url, prefix=PREFIX))
        environ = {
            "BROADCAST_DRIVER": "redis",
            "QUEUE_CONNECTION": request.param,
            "REDIS_HOST": "127.0.0.1",
            "REDIS_PORT": str(redis.port),
            "REDIS_PREFIX": PREFIX,
            "WEBSOCKET_URL": echo.url,
            "DATABASE_URL": database_url,
            "PYTHONPATH": str(ROOT),
            "PORT": str(port),
        }
        command = [sys.executable, "-m", "examples.marketplace"]
        stack.enter_context(running(command, port=port, log=tmp_path / "log", ready="/api/start", env=environ))
        if request.param == "redis":
            worker = [sys.executable, "-m", "celery", "--app", "examples.marketplace.worker", "worker", "--pool=solo"]
            stack.enter_context(running(worker, port=0, log=tmp_path / "worker", ready=lambda: True, env=environ))
        yield Market(url, echo, redis, environ, tmp_path)


def test_buyer_and_seller_hear_each_other(market: Market, echo_socketio: Callable[[], EchoSocketIoClient]) -> None:
    ada, ben = echo_socketio(), echo_socketio()
    market.listen(ada, "ada")
    market.listen(ben, "ben")
    own = {"X-Socket-ID": ben.socket_id}
    market.post("ben", "/api/conversations/1/typing", **own)
    assert ada.next_event(15)["data"] == {"user_id": 2, "user_name": "Ben Okafor"}
    sent = market.post("ben", "/api/conversations/1/messages", {"content": "Saturday at ten?"}, **own)
    assert ada.next_event(15)["data"] == sent
    answer = market.post("ada", "/api/conversations/1/messages", {"content": "Ten."}, **{"X-Socket-ID": ada.socket_id})
    # the first that Ben hears: his own did not come back
    assert ben.next_event(15)["data"] == answer

    wait_until(lambda: market.statistics()["sent"].get("message.sent") == 2, "both were counted")
    seen = market.statistics()
    assert (seen["driver"], seen["queue"]) == ("redis", market.environ["QUEUE_CONNECTION"])
    # Redis knows servers, and not their clients
    assert (seen["connections"], seen["channels"]) == (None, None)


def test_the_echo_server_asks_with_the_users_own_header(
    market: Market, echo_socketio: Callable[[], EchoSocketIoClient]
) -> None:
    for headers, status in ((market.headers("cleo"), 403), ({}, 401), ({"Authorization": "Bearer 1|guessed"}, 401)):
        client = echo_socketio()
        client.connect(market.echo.url, headers)
        client.open("private", "conversation.1")
        assert client.expect("subscription_error", 15)["status"] == status
    assert market.echo.subscriptions("private-conversation.1") == 0


def test_who_is_online(market: Market, echo_socketio: Callable[[], EchoSocketIoClient]) -> None:
    ada, ben = echo_socketio(), echo_socketio()
    for client, name in ((ada, "ada"), (ben, "ben")):
        client.connect(market.echo.url, market.headers(name))
        client.open("presence", "online.1")
        client.expect("here", 15)
    assert ada.expect("joining", 15)["info"] == {"id": 2, "name": "Ben Okafor"}
    ben.close()
    assert ada.expect("leaving", 15)["info"] == {"id": 2, "name": "Ben Okafor"}
