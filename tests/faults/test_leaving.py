"""Processes that end while their background has work: all of it is sent, or told of, unless they are killed."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests.faults.actions import late, stalled_before
from tests.faults.ledger import Report, Row, row_of
from tests.faults.proxy import Action, Proxy
from tests.faults.witness import Witness
from tests.interop.servers import LOOPBACK, PusherServer

pytestmark = pytest.mark.real

ROOT = Path(__file__).parents[2]
COUNT = 30
SECONDS = 30.0


@pytest.fixture
def left(
    soketi: PusherServer,
    proxies: Callable[..., Proxy],
    listener: Witness,
    channels: Sequence[str],
    ledger: Callable[[Row], None],
) -> Callable[..., Row]:
    def leave(fault: str, how: str, does: Action, drain: float) -> Row:
        proxy = proxies(soketi.port)
        proxy.does([], then=does)
        proxy.open()
        listener.listen(channels)
        there = f"http://{soketi.key}:{soketi.secret}@{LOOPBACK}:{proxy.port}/apps/{soketi.app_id}"
        process = subprocess.run(
            [sys.executable, "-m", "tests.faults.leaving", how],
            env={"SERVICE_URL": there, "CHANNELS": " ".join(channels), "DRAIN": str(drain)},
            cwd=ROOT,
            stdout=subprocess.PIPE,
            timeout=SECONDS,
            check=how != "killed",
        )
        proxy.settled()
        told = dict(json.loads(line) for line in process.stdout.splitlines())
        report = Report(dict.fromkeys(range(COUNT), "queued"), told)
        row = row_of(fault, "Background", range(COUNT), report, listener.heard(channels))
        ledger(row)
        return row

    return leave


@pytest.mark.parametrize("how", ["end", "child"])
def test_what_waits_is_sent(how: str, left: Callable[..., Row]) -> None:
    fault = "a forked process ends" if how == "child" else "the process ends"
    row = left(f"{fault}, and its queue is full", how, late, SECONDS)

    assert (row.delivered, row.told, row.doubled) == (COUNT, {}, 0), row
    assert row.in_order


@pytest.mark.parametrize("how", ["end", "child", "awaited"])
def test_what_cannot_be_sent_in_time_is_told_of(how: str, left: Callable[..., Row]) -> None:
    row = left(f"the process ends, and the service stalls ({how})", how, stalled_before, 0.1)

    assert (row.delivered, row.lost) == (0, 0), row
    assert sum(row.told.values()) == COUNT


def test_what_waits_when_it_is_killed_is_lost(left: Callable[..., Row]) -> None:
    row = left("the process is killed (SIGKILL)", "killed", late, SECONDS)

    assert row.lost > 0
    assert (row.doubled, row.told) == (0, {})
