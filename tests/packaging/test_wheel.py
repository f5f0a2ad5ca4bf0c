"""The wheel, in an environment that holds nothing else: what a user gets with `pip install broadcastkit`."""

from __future__ import annotations

import os
import subprocess
import zipfile
from pathlib import Path

import pytest

pytestmark = [pytest.mark.real, pytest.mark.timeout(300)]

# The line that the README prints, and a broadcast over the log driver.
PROGRAM = """
import logging
from broadcastkit import (
    Event, Channel, PrivateChannel, PresenceChannel, EncryptedChannel, broadcast,
    MessageSent, JobUpdated, NotificationSent, PlanSubmitted,
)
logging.basicConfig(level=logging.INFO, format="%(message)s")
receipt = broadcast(
    NotificationSent(id=1, type="info", title="Hi", message="Hello", created_at="2026-01-01T00:00:00Z", user_id=3)
).to_others()
assert receipt.delivered and list(receipt.channels) == ["private-user.3"], receipt
"""

SENT = """
from broadcastkit import AnonymousEvent, Broadcaster
Broadcaster.from_url("{url}").broadcast(AnonymousEvent("ping", on="news")).to_everyone()
"""
ENCRYPTED = """
from broadcastkit import AnonymousEvent, Broadcaster, EncryptedChannel
from broadcastkit.drivers.pusher import PusherDriver
driver = PusherDriver(app_id="1", key="k", secret="s", encryption_master_key="eHh4" * 10 + "eHg=")
Broadcaster(driver).broadcast(AnonymousEvent("ping", on=EncryptedChannel("news"))).to_everyone()
"""


def test_the_wheel_holds_the_package_and_its_marker_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert "broadcastkit/py.typed" in names
    assert {name.partition("/")[0].partition("-")[0] for name in names} == {"broadcastkit"}
    assert any(name.endswith("licenses/LICENSE") for name in names)


def test_an_empty_environment_broadcasts_with_the_log_driver(python: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "BROADCAST_CONNECTION": "log"}
    done = subprocess.run([python, "-c", PROGRAM], capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    assert "broadcast notification.sent on private-user.3" in done.stderr
    assert "Hello" not in done.stderr


def test_the_pusher_driver_needs_no_extra(python: Path) -> None:
    program = "from broadcastkit.drivers.pusher import PusherDriver; PusherDriver(app_id='1', key='k', secret='s')"
    subprocess.run([python, "-c", program], check=True)


@pytest.mark.parametrize(
    ("program", "extra"),
    [
        ("import broadcastkit.integrations.django", "django"),
        ("import broadcastkit.integrations.fastapi", "fastapi"),
        ("import broadcastkit.integrations.flask", "flask"),
        ("import broadcastkit.integrations.litestar", "litestar"),
        ("import broadcastkit.integrations.starlette", "starlette"),
        ("from broadcastkit.integrations.rate_limits import FixedWindow; FixedWindow('1/second')", "limits"),
        ("from broadcastkit.delivery.queues import CeleryDelivery", "celery"),
        ("from broadcastkit.delivery.queues import DramatiqDelivery", "dramatiq"),
        ("from broadcastkit.delivery.queues import RQDelivery", "rq"),
        ("from broadcastkit.delivery.queues import TaskiqDelivery", "taskiq"),
        ("import broadcastkit.delivery.outbox.sqlalchemy", "outbox"),
        ("import broadcastkit.delivery.transactions.sqlalchemy", "sqlalchemy"),
        ("import broadcastkit.cli; broadcastkit.cli.main()", "cli"),
        ("import broadcastkit.observability.opentelemetry", "opentelemetry"),
        ("from broadcastkit.observability.prometheus import PrometheusHooks; PrometheusHooks()", "prometheus"),
        ("import broadcastkit.settings", "settings"),
        (SENT.format(url="redis+sentinel://127.0.0.1:9/orders"), "redis"),
        (SENT.format(url="socketio+redis://127.0.0.1"), "socketio"),
        (ENCRYPTED, "encryption"),
    ],
)
def test_what_needs_an_extra_says_which(python: Path, program: str, extra: str) -> None:
    done = subprocess.run([python, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert f"pip install 'broadcastkit[{extra}]'" in done.stderr + done.stdout
