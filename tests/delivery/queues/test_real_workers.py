"""Real workers of each queue send what was broadcast elsewhere: to pusher-js, over soketi."""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session

from broadcastkit import AnonymousEvent, Event
from tests.delivery.queues import unique_worker
from tests.delivery.queues.gate import Gate, gate
from tests.delivery.queues.stages import STAGES, RQStage, Stage
from tests.interop.redis_servers import redis_server, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.interop.clients import PusherJsClient
    from tests.interop.servers import PusherServer

pytestmark = pytest.mark.real

PATIENCE = 15.0


@pytest.fixture
def door(soketi: PusherServer) -> Iterator[Gate]:
    with gate(soketi.port) as one:
        yield one


@pytest.fixture(params=STAGES)
def stage(request: pytest.FixtureRequest, tmp_path: Path, soketi: PusherServer, door: Gate) -> Iterator[Stage]:
    environment = {
        "BROADCAST_CONNECTION": "pusher",
        "PUSHER_APP_ID": soketi.app_id,
        "PUSHER_APP_KEY": soketi.key,
        "PUSHER_APP_SECRET": soketi.secret,
        "PUSHER_HOST": soketi.host,
        "PUSHER_PORT": str(door.port),
        "PUSHER_SCHEME": "http",
    }
    with redis_server(tmp_path) as server:
        one = STAGES[request.param](server.url, tmp_path, environment)
        with contextlib.closing(one):
            yield one


@pytest.fixture
def listener(pusher_js: Callable[[], PusherJsClient], soketi: PusherServer) -> Callable[[str], PusherJsClient]:
    def connect(channel: str) -> PusherJsClient:
        client = pusher_js()
        client.connect(soketi)
        client.subscribe(channel)
        return client

    return connect


def test_a_worker_sends_it_once_and_not_to_who_is_left_out(
    stage: Stage, listener: Callable[[str], PusherJsClient], request: pytest.FixtureRequest
) -> None:
    channel = f"queued-{request.node.callspec.id}"
    ann, ben = listener(channel), listener(channel)
    with stage.worker():
        receipt = stage.broadcast(AnonymousEvent("shipped", {"id": 7}, on=channel), exclude=ann.socket_id)
        assert (receipt.queued, receipt.delivered) == (True, False)
        assert ben.next_event(PATIENCE)["data"] == {"id": 7}

        stage.broadcast(AnonymousEvent("fence", on=channel))
        assert ben.events_until("fence", PATIENCE) == ann.events_until("fence", PATIENCE) == []


class OrderShipped(Event, name="shipped", queue="high"):
    id: int
    where: str

    def broadcast_on(self) -> str:
        return self.where


def test_an_event_names_its_queue(
    stage: Stage, listener: Callable[[str], PusherJsClient], request: pytest.FixtureRequest
) -> None:
    channel = f"named-{request.node.callspec.id}"
    ben = listener(channel)
    with stage.worker("high"):
        stage.broadcast(AnonymousEvent("elsewhere", on=channel))  # where this worker does not look
        stage.broadcast(OrderShipped(id=7, where=channel))
        assert ben.next_event(PATIENCE)["data"] == {"id": 7, "where": channel}


def test_a_service_that_comes_back_gets_it(
    stage: Stage, door: Gate, listener: Callable[[str], PusherJsClient], request: pytest.FixtureRequest
) -> None:
    channel = f"down-{request.node.callspec.id}"
    ben = listener(channel)
    door.state = "shut"
    with stage.worker():
        stage.broadcast(AnonymousEvent("shipped", {"text": "t0psecret"}, on=channel), backoff=0.1)
        for _ in range(6):  # more often than a driver tries by itself
            assert door.turned_away.acquire(timeout=PATIENCE)
        door.state = "open"
        assert ben.next_event(PATIENCE)["data"] == {"text": "t0psecret"}
    assert "t0psecret" not in stage.printed


def test_what_is_refused_fails_at_once_and_the_queue_keeps_it(stage: Stage) -> None:
    with stage.worker(PUSHER_APP_SECRET="wrong"):
        stage.broadcast(AnonymousEvent("shipped", {"text": "t0psecret"}, on="refused"))
        wait_until(stage.failures, "the queue has seen the failure")
    assert len(stage.failures()) == 1
    assert "BadCredentialsError" in stage.printed
    assert "t0psecret" not in stage.printed


def test_what_a_worker_had_that_was_killed_is_sent_by_another(
    stage: Stage, door: Gate, listener: Callable[[str], PusherJsClient], request: pytest.FixtureRequest
) -> None:
    channel = f"killed-{request.node.callspec.id}"
    ben = listener(channel)
    door.state = "stalled"
    with stage.worker() as worker:
        stage.broadcast(AnonymousEvent("shipped", {"id": 7}, on=channel))
        assert door.held.acquire(timeout=PATIENCE)
        stage.kill(worker)
    door.state = "open"
    with stage.worker():
        # taskiq-redis looks for what nobody has acknowledged when something new comes
        stage.broadcast(AnonymousEvent("fence", on=channel))
        events = [ben.next_event(PATIENCE), ben.next_event(PATIENCE)]
    assert sorted(event["event"] for event in events) == ["fence", "shipped"]


@pytest.mark.parametrize("stage", ["celery", "rq"], indirect=True)
def test_what_a_killed_child_had_is_sent_by_the_next_at_once(
    stage: Stage, door: Gate, listener: Callable[[str], PusherJsClient], request: pytest.FixtureRequest
) -> None:
    channel = f"killed-child-{request.node.callspec.id}"
    ben = listener(channel)
    door.state = "stalled"
    with stage.worker(forks=True) as worker:
        stage.broadcast(AnonymousEvent("shipped", {"text": "t0psecret"}, on=channel))
        assert door.held.acquire(timeout=PATIENCE)
        *_, child = Path(f"/proc/{worker.pid}/task/{worker.pid}/children").read_text().split()
        door.state = "open"
        os.kill(int(child), signal.SIGKILL)
        assert ben.next_event(PATIENCE)["data"] == {"text": "t0psecret"}
    assert "t0psecret" not in stage.printed


class ListChanged(Event, unique=600.0):
    where: str

    def broadcast_on(self) -> str:
        return self.where


@pytest.mark.parametrize("secret", ["app-secret", "wrong"], ids=["sent", "given up"])
def test_what_is_unique_is_pending_until_a_worker_is_done_with_it(stage: Stage, secret: str) -> None:
    stage.environment |= {"QUEUE_OPTIONS": unique_worker.__name__, "PUSHER_APP_SECRET": secret}
    stage.sender = {"repeats": stage.repeats(stage.url)}
    options = {"job": unique_worker.JOB} if isinstance(stage, RQStage) else {}

    def broadcast() -> str | None:
        return stage.broadcast(ListChanged(where="lists"), **options).dropped

    assert [broadcast(), broadcast()] == [None, "unique"], "it waits in the queue"
    with stage.worker():
        wait_until(lambda: not stage.redis.keys("broadcastkit:repeats:*"), "it is free")
    assert [broadcast(), broadcast()] == [None, "unique"]


@pytest.mark.parametrize("stage", ["celery"], indirect=True)
def test_a_commit_queues_it_and_a_rollback_does_not(stage: Stage, listener: Callable[[str], PusherJsClient]) -> None:
    ben = listener("committed")
    broadcaster = stage.broadcaster()
    with stage.worker(), Session(create_engine("sqlite://")) as session:
        for event, end in (("dropped", session.rollback), ("kept", session.commit)):
            session.execute(text("select 1"))
            broadcaster.broadcast(AnonymousEvent(event, on="committed")).after_commit(session).to_everyone()
            broadcaster.broadcast(AnonymousEvent(f"before-{event}", on="committed")).to_everyone()
            assert ben.next_event(PATIENCE)["event"] == f"before-{event}"
            end()
        assert ben.next_event(PATIENCE)["event"] == "kept"
