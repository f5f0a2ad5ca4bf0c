"""QUEUE_CONNECTION=redis: a real worker sends what was broadcast, when there is one."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from examples.marketplace.app import create_app
from tests.examples.marketplace.test_deployment import ROOT
from tests.examples.marketplace.test_guide import Market, by_soketi, tinker
from tests.examples.marketplace.test_live import LARAVEL_WEBSOCKETS
from tests.interop.redis_servers import redis_server, wait_until
from tests.interop.servers import asgi_server, running

pytestmark = pytest.mark.real

WORKER = [sys.executable, "-m", "celery", "--app", "examples.marketplace.worker", "worker", "--pool=solo"]


def test_what_is_broadcast_waits_for_a_worker(tmp_path: Path, database_url: str) -> None:
    with ExitStack() as stack:
        port = stack.enter_context(by_soketi(tmp_path))
        redis = stack.enter_context(redis_server(tmp_path))
        environ = {
            **LARAVEL_WEBSOCKETS,
            "PUSHER_PORT": str(port),
            "QUEUE_CONNECTION": "redis",
            "REDIS_PORT": str(redis.port),
            "DATABASE_URL": database_url,
        }
        served = stack.enter_context(asgi_server(create_app(environ)))
        market = Market(f"http://127.0.0.1:{served}", port, environ, stack)
        ada, ben = market.page("ada"), market.page("ben")
        ada.select(1)
        sent = ben.write("Saturday at ten?")
        told = tinker(environ)
        assert told.stdout == "message.sent: queued to private-conversation.1\n", told.stderr
        with redis.client() as client:
            # message.sent and conversation.updated, and tinker's
            assert client.llen("marketplace") == 3
            assert ada.events == []
            worker = environ | {"PYTHONPATH": str(ROOT)}
            stack.enter_context(running(WORKER, port=0, log=tmp_path / "worker", ready=lambda: True, env=worker))
            assert ada.next_event(15)["data"] == sent
            assert ada.next_event(15)["data"]["id"] == 1
            wait_until(lambda: client.hget("marketplace:figures:sent", "message.sent") == "2", "the worker has counted")
    # no log shows what people write
    assert "Saturday" not in (tmp_path / "worker").read_text()
