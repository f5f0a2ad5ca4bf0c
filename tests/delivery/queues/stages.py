"""Each queue on a stage: a real Redis, real worker processes, and the side that broadcasts."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import redis
from rq import Queue
from rq.registry import StartedJobRegistry

from broadcastkit import AsyncBroadcaster, Broadcaster
from broadcastkit.delivery.queues import CeleryDelivery, DramatiqDelivery, RQDelivery, TaskiqDelivery
from broadcastkit.delivery.repeats import AsyncRedisRepeats, RedisRepeats
from broadcastkit.drivers.null import AsyncNullDriver, NullDriver
from broadcastkit.errors import BroadcastError
from tests.delivery.queues import celery_worker, dramatiq_worker, taskiq_worker
from tests.interop.redis_servers import wait_until
from tests.interop.servers import running

if TYPE_CHECKING:
    import subprocess
    from collections.abc import AsyncIterator, Iterator, Sequence

    from broadcastkit import Receipt
    from broadcastkit.events import Broadcastable

__all__ = ["STAGES", "RQStage", "Stage"]

ROOT = Path(__file__).parents[3]
BIN = Path(sys.executable).parent


class Stage:
    """What the tests do with a queue. `url` is its Redis, `environment` what its workers see."""

    ready = "ready"
    """What a worker prints when it begins to listen."""
    repeats: type[RedisRepeats | AsyncRedisRepeats] = RedisRepeats
    """Of this side's color."""

    def __init__(self, url: str, folder: Path, environment: dict[str, str]) -> None:
        self.url = url
        self.redis = redis.Redis.from_url(url)
        self.folder = folder
        self.environment = {"QUEUE_REDIS": url, "PYTHONPATH": str(ROOT)} | environment
        self.logs: list[Path] = []
        self.sender: dict[str, Any] = {}
        """More options of this side's broadcaster."""

    def command(self, queue: str | None, *, forks: bool) -> Sequence[str]:
        """Return what starts a worker."""
        raise NotImplementedError

    def broadcaster(self, **options: Any) -> Broadcaster:
        """Make the broadcaster of this side. Its driver sends nothing: only a worker can have sent what arrives."""
        return Broadcaster({"pusher": NullDriver()}, delivery=self.delivery(**options), **self.sender)

    def broadcast(self, event: Broadcastable, *, exclude: str | None = None, **options: Any) -> Receipt:
        """Broadcast from here."""
        pending = self.broadcaster(**options).broadcast(event)
        return pending.to_everyone() if exclude is None else pending.to_others(exclude)

    def broadcast_each(self, events: Sequence[Broadcastable], **options: Any) -> Sequence[Receipt | BroadcastError]:
        """Broadcast one after the other; returns what the caller of each was told."""
        broadcaster = self.broadcaster(**options)
        return [_told(broadcaster, event) for event in events]

    def delivery(self, **options: Any) -> Any:
        """Make the adapter, as the application has it."""
        raise NotImplementedError

    @contextlib.contextmanager
    def worker(
        self, queue: str | None = None, *, forks: bool = False, **environment: str
    ) -> Iterator[subprocess.Popen[bytes]]:
        """Run a worker, of a queue; one that forks has children for its tasks."""
        log = self.folder / f"worker-{len(self.logs)}.log"
        self.logs.append(log)
        env = self.environment | environment
        with running(
            self.command(queue, forks=forks), port=0, log=log, env=env, ready=lambda: self.ready in log.read_text()
        ) as one:
            yield one

    def wait_for_log(self, text: str) -> None:
        """Wait until a worker has printed something."""
        wait_until(lambda: text in self.printed, f"a worker prints {text!r}")

    @property
    def printed(self) -> str:
        """All that the workers have printed."""
        return "".join(log.read_text(errors="replace") for log in self.logs)

    def failures(self) -> list[str]:
        """Return what the queue itself keeps of what failed for good."""
        raise NotImplementedError

    def kill(self, worker: subprocess.Popen[bytes]) -> None:
        """Kill a worker with all that belongs to it, and let the time pass after which its queue gives it up."""
        os.killpg(worker.pid, signal.SIGKILL)
        worker.wait()
        self.let_time_pass()

    def let_time_pass(self) -> None:
        """Have what Redis knows of the worker be of long ago."""
        raise NotImplementedError

    def _age(self, key: str) -> None:
        members: list[Any] = list(self.redis.zrange(key, 0, -1))
        assert members
        self.redis.zadd(key, dict.fromkeys(members, 1))

    def close(self) -> None:
        self.redis.close()
        for store in self.sender.values():
            if isinstance(store, RedisRepeats):
                store.close()


class CeleryStage(Stage):
    ready = " ready."

    def command(self, queue: str | None, *, forks: bool) -> Sequence[str]:
        pool = "prefork" if forks else "solo"
        app = "tests.delivery.queues.celery_worker"
        options = [f"--pool={pool}", "--concurrency=1", "--loglevel=INFO", "--without-gossip", "--without-mingle"]
        return [str(BIN / "celery"), "-A", app, "worker", *options, *(["-Q", queue] if queue else [])]

    def delivery(self, **options: Any) -> CeleryDelivery:
        return CeleryDelivery(celery_worker.create(self.url), **options)

    def failures(self) -> list[str]:
        found = [json.loads(self.redis.get(key) or b"null") for key in self.redis.keys("celery-task-meta-*")]
        return [one["result"]["exc_type"] for one in found if one["status"] == "FAILURE"]

    def let_time_pass(self) -> None:
        self._age("unacked_index")


class RQStage(Stage):
    ready = "Listening on"

    def command(self, queue: str | None, *, forks: bool) -> Sequence[str]:
        how = [] if forks else ["--worker-class", "rq.SimpleWorker"]
        return [str(BIN / "rq"), "worker", "--url", self.url, "--with-scheduler", *how, queue or "default"]

    def delivery(self, **options: Any) -> RQDelivery:
        return RQDelivery(self.redis, **options)

    def failures(self) -> list[str]:
        registry = Queue(connection=self.redis).failed_job_registry
        jobs: list[Any] = [registry.job_class.fetch(job_id, connection=self.redis) for job_id in registry.get_job_ids()]
        return [str(job.latest_result().exc_string) for job in jobs]

    def let_time_pass(self) -> None:
        self._age(StartedJobRegistry(connection=self.redis).key)


class TaskiqStage(Stage):
    ready = "Listening started."
    repeats = AsyncRedisRepeats
    _started = False

    def command(self, queue: str | None, *, forks: bool) -> Sequence[str]:
        del queue, forks  # a broker has one queue: see `worker`
        return [str(BIN / "taskiq"), "worker", "--workers=1", "tests.delivery.queues.taskiq_worker:broker"]

    @contextlib.contextmanager
    def worker(
        self, queue: str | None = None, *, forks: bool = False, **environment: str
    ) -> Iterator[subprocess.Popen[bytes]]:
        with super().worker(forks=forks, **environment, **({"QUEUE_NAME": queue} if queue else {})) as one:
            yield one

    def broadcast(self, event: Broadcastable, *, exclude: str | None = None, **options: Any) -> Receipt:
        async def send() -> Receipt:
            async with self._awaited(**options) as broadcaster:
                pending = broadcaster.broadcast(event)
                return await (pending.to_everyone() if exclude is None else pending.to_others(exclude))

        return asyncio.run(send())

    def broadcast_each(self, events: Sequence[Broadcastable], **options: Any) -> Sequence[Receipt | BroadcastError]:
        async def send() -> list[Receipt | BroadcastError]:
            async with self._awaited(**options) as broadcaster:
                return [await _told_awaited(broadcaster, event) for event in events]

        return asyncio.run(send())

    @contextlib.asynccontextmanager
    async def _awaited(self, **options: Any) -> AsyncIterator[AsyncBroadcaster]:
        broker = taskiq_worker.create(self.url)
        if not self._started:  # it declares the stream's group, which needs Redis
            await broker.startup()
            self._started = True
        try:
            delivery = TaskiqDelivery(broker, **options)
            yield AsyncBroadcaster({"pusher": AsyncNullDriver()}, delivery=delivery, **self.sender)
        finally:
            for store in self.sender.values():
                await store.aclose()
            await broker.shutdown()

    def failures(self) -> list[str]:
        results: list[Any] = [
            self.redis.get(key) for key in self.redis.scan_iter() if self.redis.type(key) == b"string"
        ]
        return [str(one) for one in results if one and b"Error" in one]

    def let_time_pass(self) -> None:
        pending: Any = self.redis.xpending_range("taskiq", "taskiq", "-", "+", 1000)
        ids = [one["message_id"] for one in pending]
        self.redis.xclaim("taskiq", "taskiq", pending[0]["consumer"], min_idle_time=0, message_ids=ids, idle=10**9)


class DramatiqStage(Stage):
    ready = "is ready for action"

    def command(self, queue: str | None, *, forks: bool) -> Sequence[str]:
        del forks
        options = ["--processes=1", "--threads=2", *(["--queues", queue] if queue else [])]
        return [str(BIN / "dramatiq"), "tests.delivery.queues.dramatiq_worker:broker", *options]

    def delivery(self, **options: Any) -> DramatiqDelivery:
        return DramatiqDelivery(dramatiq_worker.create(self.url), queues=["high"], **options)

    def failures(self) -> list[str]:
        return [str(letter) for letter in self.redis.hvals("dramatiq:default.XQ.msgs")]

    def let_time_pass(self) -> None:
        self._age("dramatiq:__heartbeats__")


def _told(broadcaster: Broadcaster, event: Broadcastable) -> Receipt | BroadcastError:
    try:
        return broadcaster.broadcast(event).to_everyone()
    except BroadcastError as error:
        return error


async def _told_awaited(broadcaster: AsyncBroadcaster, event: Broadcastable) -> Receipt | BroadcastError:
    try:
        return await broadcaster.broadcast(event).to_everyone()
    except BroadcastError as error:
        return error


STAGES = {"celery": CeleryStage, "rq": RQStage, "taskiq": TaskiqStage, "dramatiq": DramatiqStage}
