"""Each extra by itself: the wheel with it, in an environment that holds nothing else, does what the extra is for."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
import venv
from pathlib import Path
from textwrap import dedent

import pytest

from tests.packaging.conftest import ROOT

pytestmark = [pytest.mark.real, pytest.mark.timeout(300)]

# what programs share: a driver without a service, a broadcast, and how an ASGI app is asked for a subscription
COMMON = """
import asyncio
import httpx
from broadcastkit import AnonymousEvent, AsyncBroadcaster, Broadcaster, aio, broadcast, configure
from broadcastkit.drivers.memory import MemoryDriver

event = AnonymousEvent("order.shipped", {"id": 7}, on="orders")
asking = {"socket_id": "1.2", "channel_name": "private-orders"}

async def status_of(app):
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        return (await client.post("/broadcasting/auth", data=asking)).status_code
"""
QUEUED = "assert broadcast(event).to_everyone().queued"
PROGRAMS = {
    "cli": """
        import sys
        from broadcastkit.cli import main
        sys.argv[1:] = ["send", "--event", "ping", "--channel", "news", "--json", "--url", "memory://"]
        main()
    """,
    "server": """
        import sys
        from broadcastkit.cli import main
        sys.argv[1:] = ["serve", "--help"]
        main()
    """,
    "celery": f"""
        from celery import Celery
        from broadcastkit.delivery.queues import CeleryDelivery
        configure(Broadcaster.from_url("memory://", delivery=CeleryDelivery(Celery("shop", broker="memory://"))))
        {QUEUED}
    """,
    "django": """
        import django
        from django.conf import settings
        urls = "broadcastkit.integrations.django.urls"
        settings.configure(
            BROADCASTING="memory://", ROOT_URLCONF=urls, ALLOWED_HOSTS=["testserver"],
            INSTALLED_APPS=["broadcastkit.integrations.django"],
        )
        django.setup()
        from django.test import Client
        assert Client().post("/auth", asking).status_code == 403
        assert broadcast(event).to_everyone().delivered
    """,
    "dramatiq": f"""
        from dramatiq.brokers.stub import StubBroker
        from broadcastkit.delivery.queues import DramatiqDelivery
        configure(Broadcaster.from_url("memory://", delivery=DramatiqDelivery(StubBroker())))
        {QUEUED}
    """,
    "encryption": """
        from broadcastkit.drivers.pusher import PusherDriver
        from broadcastkit import ChannelRegistry
        channels = ChannelRegistry()
        channels.authorize("private-encrypted-notes", guest=True)(lambda user: True)
        keys = {"app_id": "1", "key": "app-key", "secret": "app-secret", "encryption_master_key": "eHh4" * 10 + "eHg="}
        broadcaster = Broadcaster(PusherDriver(**keys), channels=channels)
        answer = broadcaster.authorize_channel(socket_id="1.2", channel_name="private-encrypted-notes", user=None)
        assert "shared_secret" in answer.as_dict()
    """,
    "fast": """
        import hiredis, pyreqwest.client, uvloop
        from broadcastkit.drivers.pusher import AsyncPusherDriver
        from broadcastkit.drivers.redis import AsyncRedisDriver
        from broadcastkit.errors import ConnectError

        async def send():
            async with pyreqwest.client.ClientBuilder().build() as client:
                app = {"app_id": "1", "key": "app-key", "secret": "app-secret", "scheme": "http"}
                service = AsyncPusherDriver(**app, host="127.0.0.1", port=9, client=client)
                for driver in (service, AsyncRedisDriver(port=9)):
                    receipt = await AsyncBroadcaster(driver, on_error="report").broadcast(event).to_everyone()
                    assert isinstance(receipt.error, ConnectError), receipt
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(send())
        reader = hiredis.Reader()
        reader.feed(b":1\\r\\n")
        assert reader.gets() == 1
    """,
    "fastapi": """
        from fastapi import FastAPI
        from broadcastkit.integrations.fastapi import broadcasting_router
        app = FastAPI()
        app.include_router(broadcasting_router(AsyncBroadcaster.from_url("memory://"), user=lambda: None))
        assert asyncio.run(status_of(app)) == 403
    """,
    "flask": """
        from flask import Flask
        from broadcastkit.integrations.flask import Broadcasting
        app = Flask("shop")
        app.config["BROADCASTING"] = "memory://"
        Broadcasting(user=lambda: None).init_app(app)
        assert app.test_client().post("/broadcasting/auth", data=asking).status_code == 403
    """,
    "limits": """
        from broadcastkit.integrations.rate_limits import AsyncFixedWindow, FixedWindow
        window = FixedWindow("1/hour")
        assert window.hit("ann") is None and window.hit("ann") > 0
        AsyncFixedWindow("1/hour")
    """,
    "litestar": """
        from litestar import Litestar
        from broadcastkit.integrations.litestar import BroadcastingPlugin
        plugin = BroadcastingPlugin(AsyncBroadcaster.from_url("memory://"), user=lambda: None)
        assert asyncio.run(status_of(Litestar([], plugins=[plugin]))) == 403
    """,
    "opentelemetry": """
        from broadcastkit.observability.opentelemetry import OpenTelemetryHooks
        configure(Broadcaster(MemoryDriver(), hooks=OpenTelemetryHooks()))
        assert broadcast(event).to_everyone().delivered
    """,
    "outbox": """
        from sqlalchemy import MetaData, create_engine
        from broadcastkit.delivery.outbox import Outbox, Relay
        from broadcastkit.delivery.outbox.sqlalchemy import outbox_table
        tables = MetaData()
        outbox_table(tables)
        engine = create_engine("sqlite:///outbox.db")
        tables.create_all(engine)
        configure(Broadcaster(MemoryDriver(), delivery=Outbox()))
        with engine.begin() as connection:
            assert broadcast(event).after_commit(connection).to_everyone().queued
        driver = MemoryDriver()
        assert Relay(engine, Broadcaster(driver)).run_once() == 1 == len(driver.messages)
    """,
    "prometheus": """
        from prometheus_client import generate_latest
        from broadcastkit.observability.prometheus import PrometheusHooks
        configure(Broadcaster(MemoryDriver(), hooks=PrometheusHooks()))
        assert broadcast(event).to_everyone().delivered
        assert b"broadcast" in generate_latest()
    """,
    "redis": """
        from broadcastkit.errors import ConnectError
        configure(Broadcaster.from_url("redis+sentinel://127.0.0.1:9/orders"))
        try:
            broadcast(event).to_everyone()
        except ConnectError as error:
            print(error)
        else:
            raise AssertionError("who listens on the port called discard?")
    """,
    "rq": """
        from redis import Redis
        from broadcastkit.delivery.queues import RQDelivery
        Broadcaster.from_url("memory://", delivery=RQDelivery(Redis(port=9)))
    """,
    "settings": """
        from broadcastkit.settings import BroadcastSettings
        configure(BroadcastSettings(broadcast_connection="memory").broadcaster())
        assert broadcast(event).to_everyone().delivered
    """,
    "socketio": """
        import socketio
        from broadcastkit.drivers.socketio import AsyncSocketIODriver
        server = socketio.AsyncServer(async_mode="asgi")
        configure(AsyncBroadcaster(AsyncSocketIODriver(server=server)))
        async def send():
            return await aio.broadcast(event).to_everyone()
        assert asyncio.run(send()).delivered
        assert Broadcaster.from_url("socketio+redis://127.0.0.1:9")
    """,
    "sqlalchemy": """
        from sqlalchemy import create_engine
        from sqlalchemy.orm import Session
        driver = MemoryDriver()
        configure(Broadcaster(driver))
        with Session(create_engine("sqlite://")) as session, session.begin():
            broadcast(event).after_commit(session).to_everyone()
            assert driver.messages == []
        assert len(driver.messages) == 1
    """,
    "starlette": """
        from starlette.applications import Starlette
        from broadcastkit.integrations.starlette import broadcasting_routes
        routes = broadcasting_routes(AsyncBroadcaster.from_url("memory://"), user=lambda request: None)
        assert asyncio.run(status_of(Starlette(routes=routes))) == 403
    """,
    "taskiq": """
        from taskiq import InMemoryBroker
        from broadcastkit.delivery.queues import TaskiqDelivery
        broker = InMemoryBroker()
        configure(AsyncBroadcaster.from_url("memory://", delivery=TaskiqDelivery(broker)))
        async def send():
            await broker.startup()
            receipt = await aio.broadcast(event).to_everyone()
            await broker.wait_all()
            return receipt
        assert asyncio.run(send()).queued
    """,
    "testing": """
        import pathlib, pytest
        pathlib.Path("test_shop.py").write_text('''
from broadcastkit import AnonymousEvent, broadcast

def test_it(broadcasts):
    broadcast(AnonymousEvent("order.shipped", on="orders")).to_everyone()
    broadcasts.assert_broadcast("order.shipped", on="orders")
''')
        raise SystemExit(pytest.main(["-q", "test_shop.py"]))
    """,
}


def test_every_extra_is_tried() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

    # two are others together, and one is what the tests need
    assert PROGRAMS.keys() | {"all", "demo", "dev"} == project["optional-dependencies"].keys()


@pytest.mark.parametrize("extra", sorted(PROGRAMS))
def test_an_extra_by_itself_is_enough(extra: str, wheel: Path, tmp_path: Path) -> None:
    venv.create(tmp_path / "environment", with_pip=False)
    python = tmp_path / "environment" / "bin" / "python"
    install = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-compile"]
    subprocess.run([*install, "-c", str(ROOT / "constraints.txt"), f"{wheel}[{extra}]"], check=True)
    program = f"{COMMON}\n{dedent(PROGRAMS[extra])}\nprint('done')"

    done = subprocess.run(
        [python, "-c", program],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
