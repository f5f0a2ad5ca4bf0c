"""RQ, with its workers in this process and in others; it has no broker but Redis."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pytest
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from rq import Queue, SimpleWorker
from rq.job import Job

from broadcastkit import Broadcaster, Event
from broadcastkit.delivery.queues import RQDelivery
from broadcastkit.delivery.queues.rq import send
from broadcastkit.drivers.null import NullDriver
from broadcastkit.errors import BadCredentialsError, ConfigurationError, ConnectError
from tests.delivery.held import Held
from tests.delivery.queues import rq_jobs
from tests.delivery.queues.callers import EVENT, broadcast
from tests.interop.redis_servers import redis_server
from tests.interop.servers import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Urgent(Event, queue="high", tries=2):
    def broadcast_on(self) -> str:
        return "a"


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[Redis]:
    with redis_server(tmp_path) as server, Redis(server.host, server.port) as client:
        yield client


def work(redis: Redis, queue: str = "default", serializer: Any = None) -> None:
    """Work until nothing is left that need not wait."""
    SimpleWorker([Queue(queue, connection=redis, serializer=serializer)], connection=redis, serializer=serializer).work(
        burst=True
    )


def jobs(redis: Redis, ids: list[str]) -> list[Job]:
    return [Job.fetch(job_id, connection=redis) for job_id in ids]


@pytest.mark.real
@pytest.mark.parametrize("serializer", [None, "json"])
def test_a_job_that_is_done_leaves_nothing_and_shows_nothing(
    redis: Redis, service: Held, serializer: Any, caplog: pytest.LogCaptureFixture
) -> None:
    service.once["shipped"] = ConnectError("down", delivered=("a",))
    with caplog.at_level(logging.DEBUG):
        broadcast(RQDelivery(redis, backoff=0, serializer=serializer))
        work(redis, serializer=serializer)
    assert service.requests == [["shipped"]] * 2
    assert list(redis.scan_iter("rq:job:*")) == []
    assert "<Message 'shipped' on 2 channel(s), 20 characters>" in caplog.text
    assert "t0psecret" not in caplog.text


@pytest.mark.real
def test_what_is_tried_again_waits_for_the_scheduler_and_has_what_is_left(redis: Redis, service: Held) -> None:
    service.once["shipped"] = ConnectError("down", delivered=("a",))
    broadcast(RQDelivery(redis, backoff=60))
    work(redis)
    (job,) = jobs(redis, Queue(connection=redis).scheduled_job_registry.get_job_ids())
    assert '"channels":["b"]' in job.meta["broadcast"]
    assert job.ended_at is not None
    due = Queue(connection=redis).scheduled_job_registry.get_scheduled_time(job)
    assert 29 <= (due - job.ended_at).total_seconds() <= 61


@pytest.mark.real
@pytest.mark.parametrize(("error", "tries"), [(BadCredentialsError("no", status=401), 1), (ConnectError("down"), 2)])
def test_what_failed_for_good_is_with_the_failed_jobs(
    redis: Redis, service: Held, error: Exception, tries: int
) -> None:
    service.outcomes["urgent"] = error  # type: ignore[assignment]
    broadcast(RQDelivery(redis, backoff=0), Urgent())
    work(redis, "high")
    assert len(service.requests) == tries
    (job,) = jobs(redis, Queue("high", connection=redis).failed_job_registry.get_job_ids())
    result = job.latest_result()
    assert result is not None
    assert type(error).__name__ in str(result.exc_string)

    # `rq requeue` tries once more
    job.requeue()
    service.outcomes.clear()
    work(redis, "high")
    assert len(service.requests) == tries + 1


@pytest.mark.real
def test_a_job_of_the_applications_says_whose_connections(
    redis: Redis, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    port = free_port()
    monkeypatch.setenv("SHOP_BROADCASTS", f"http://key:secret@127.0.0.1:{port}/apps/1")
    monkeypatch.setattr(rq_jobs, "told", rq_jobs.told[:0])
    delivery = RQDelivery(redis, job=rq_jobs.JOB, tries=1)
    assert Broadcaster({"pusher": NullDriver()}, delivery=delivery).broadcast(EVENT).to_everyone().queued
    with caplog.at_level(logging.CRITICAL, "rq.worker"):
        work(redis)
    assert rq_jobs.told == [("pusher", "shipped", "ConnectError")]


@pytest.mark.parametrize("option", [{"on_failed": rq_jobs.on_failed}, {"broadcaster": rq_jobs.broadcaster}])
def test_what_is_for_a_task_of_this_process_needs_its_name(option: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=r"RQDelivery on_failed= and broadcaster= are .* job="):
        RQDelivery(Redis(), **option)


def test_its_function_is_for_workers() -> None:
    with pytest.raises(ConfigurationError, match="is for jobs that were broadcast"):
        send()


def test_a_broker_that_is_not_there_is_the_callers_error() -> None:
    with pytest.raises(ConnectError, match=r"^not queued: .*refused"):
        broadcast(RQDelivery(Redis(port=free_port(), retry=Retry(NoBackoff(), 0))))
