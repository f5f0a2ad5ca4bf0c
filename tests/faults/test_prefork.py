"""gunicorn with four workers that were forked after the broadcaster was made: each event arrives exactly once."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.faults.actions import late
from tests.faults.ledger import Report, Row, row_of
from tests.faults.proxy import Action, Proxy, Talk, passed
from tests.faults.witness import Witness
from tests.interop.servers import LOOPBACK, PusherServer, free_port, running

pytestmark = pytest.mark.real

PARENTS = 5  # events of prefork.py's own
COUNT = 205
CALLERS = 8
WORKERS = 4


@pytest.mark.parametrize("delivery", ["Inline", "Background"])
def test_each_event_arrives_once(  # noqa: PLR0917 - fixtures
    delivery: str,
    tmp_path: Path,
    soketi: PusherServer,
    proxies: Callable[..., Proxy],
    listener: Witness,
    channels: Sequence[str],
    ledger: Callable[[Row], None],
) -> None:
    forked = threading.Event()
    proxy = proxies(soketi.port)
    # while it forks, the parent of the background has one request on its way, and the others wait
    proxy.does([_until(forked)] if delivery == "Background" else [], then=passed)
    proxy.open()
    listener.listen(channels)
    report = Report()
    port = free_port()
    pids: set[str] = set()
    there = f"http://{soketi.key}:{soketi.secret}@{LOOPBACK}:{proxy.port}/apps/{soketi.app_id}"
    environment = {"SERVICE_URL": there, "DELIVERY": delivery, "CHANNELS": " ".join(channels), "PYTHONPATH": "."}
    command = [sys.executable, "-m", "gunicorn", "--preload", f"--workers={WORKERS}", "--no-control-socket"]
    command += ["--bind", f"{LOOPBACK}:{port}", "tests.faults.prefork:app"]
    with running(command, port=port, log=tmp_path / "gunicorn.log", env=environment):  # noqa: SIM117 - whose end counts
        with httpx.Client(trust_env=False, timeout=20) as client, ThreadPoolExecutor(CALLERS) as callers:

            def ask(number: int) -> None:
                pids.add(client.get(f"http://{LOOPBACK}:{port}/", params={"n": number}).raise_for_status().text)
                report.saw[number] = "queued" if delivery == "Background" else "delivered"

            half = range(PARENTS, COUNT // 2)
            list(callers.map(ask, half))
            forked.set()
            # what is broadcast last still waits when gunicorn is stopped
            proxy.then = late if delivery == "Background" else passed
            list(callers.map(ask, range(COUNT // 2, COUNT)))
    proxy.settled()

    row = row_of("four workers of gunicorn", delivery, range(COUNT), report, listener.heard(channels))
    ledger(row)
    assert (row.delivered, row.lost, row.doubled) == (COUNT, 0, 0), row
    assert len(pids) > 1


def _until(event: threading.Event) -> Action:
    async def held(talk: Talk) -> None:
        await talk.until(event)
        await passed(talk)

    return held
