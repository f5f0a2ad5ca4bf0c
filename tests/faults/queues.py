"""The task queues as deliveries of the suite: each with a Redis and a worker of its own, both real."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

from redis import Redis

from tests.delivery.queues.stages import STAGES, Stage
from tests.faults import queue_worker
from tests.faults.deliveries import DELIVERIES, Scene, error_of, event, saw
from tests.faults.ledger import Report
from tests.faults.queue_worker import FAILED, SENT, SERVICE, TOLD
from tests.faults.rq_jobs import JOB
from tests.interop.redis_servers import RedisServer, redis_server, wait_until

__all__ = ["EVERY", "QUEUES", "UNORDERED", "Deliveries", "Queue", "queue"]

QUEUES = {"Celery": "celery", "RQ": "rq", "Taskiq": "taskiq", "Dramatiq": "dramatiq"}
EVERY = (*DELIVERIES, *QUEUES)
"""The names of all deliveries."""
UNORDERED = {"50 threads", *QUEUES}
SECONDS = 40.0
BACKOFF = 0.05
TRIES, TRIES_IN_VAIN = 20, 2
"""Of an event: where the fault ends, and where it does not."""


class Queue:
    """One queue, which broadcasts what a scene says."""

    def __init__(self, name: str, stage: Stage, server: RedisServer, options: Sequence[str]) -> None:
        self.stage = stage
        self._notes = Redis.from_url(stage.environment["NOTES_REDIS"])
        self._prefix = stage.environment["NOTES_PREFIX"]
        self._server = server
        self._of_redis = options
        self._options: dict[str, Any] = {"job": JOB} if name == "RQ" else {}

    def __call__(self, scene: Scene) -> Report:
        """Broadcast, and wait until the worker has sent each event, or has given it up."""
        report = self.broadcast(scene)
        if scene.refused is not None:
            wait_until(lambda: self._notes.exists(self._key(FAILED)), "the worker was refused", SECONDS)
            scene.refused()
        self.wait(scene)
        return self.account(report)

    def broadcast(self, scene: Scene) -> Report:
        """Have the worker send there, and put events into its queue."""
        self._notes.delete(*map(self._key, (SENT, FAILED, TOLD)))
        self._notes.set(self._key(SERVICE), json.dumps(dict(scene.service)))
        return self.more(scene)

    def more(self, scene: Scene) -> Report:
        """Put further events into the queue."""
        report = Report()
        tries = TRIES if scene.ends else TRIES_IN_VAIN
        events = [event(number, scene.channels) for number in scene.numbers]
        told = self.stage.broadcast_each(events, tries=tries, backoff=BACKOFF, **self._options)
        for number, one in zip(scene.numbers, told, strict=True):
            if isinstance(one, Exception):
                error_of(report, number, one)
            else:
                report.saw[number] = saw(one)
        return report

    def wait(self, scene: Scene, report: Report | None = None) -> None:
        """Wait until the worker has said something of each event; of those that were not queued, it cannot."""
        wanted = set(scene.numbers) - set(report.told if report else ())
        wait_until(lambda: self._done() >= wanted, "the worker is done", SECONDS)

    def _done(self) -> set[int]:
        sent: Any = self._notes.smembers(self._key(SENT))
        return {int(number) for number in sent} | self._told().keys()

    def _told(self) -> dict[int, str]:
        told: Any = self._notes.lrange(self._key(TOLD), 0, -1)
        return dict(json.loads(one) for one in told)

    def account(self, report: Report) -> Report:
        """Add what the worker's hook was told."""
        report.told |= self._told()
        return report

    def _key(self, name: str) -> str:
        return f"{self._prefix}{name}"

    def close(self) -> None:
        """Forget what was noted of it."""
        self._notes.delete(*map(self._key, (SERVICE, SENT, FAILED, TOLD)))
        self._notes.close()

    def kill(self) -> None:
        """Kill its Redis."""
        os.kill(self._server.pid, signal.SIGKILL)

    def again(self) -> contextlib.AbstractContextManager[RedisServer]:
        """Start it anew, with what it has kept."""
        return redis_server(self.stage.folder, *self._of_redis, port=self._server.port)


@contextlib.contextmanager
def queue(name: str, folder: Path, notes: RedisServer, *options: str) -> Iterator[Queue]:
    """Run a queue's Redis; its worker is the caller's to run. `notes` is another one; `options` are Redis' own."""
    environment = {"QUEUE_OPTIONS": queue_worker.__name__, "NOTES_REDIS": notes.url, "NOTES_PREFIX": f"{uuid4()}:"}
    with (
        redis_server(folder, *options) as server,
        contextlib.closing(STAGES[QUEUES[name]](server.url, folder, environment)) as stage,
        contextlib.closing(Queue(name, stage, server, options)) as one,
    ):
        yield one


class Deliveries:
    """All of them, by name; a queue's worker is started when it is first needed, and serves until the end."""

    def __init__(self, folder: Callable[[str], Path], notes: RedisServer) -> None:
        self._folder = folder
        self._notes = notes
        self._queues: dict[str, Queue] = {}
        self._workers: list[subprocess.Popen[bytes]] = []
        self._running = contextlib.ExitStack()

    def __call__(self, name: str, scene: Scene) -> Report:
        """Broadcast what a scene says."""
        return DELIVERIES[name](scene) if name in DELIVERIES else self.started(name)(scene)

    def started(self, name: str) -> Queue:
        """Return a queue that has a worker."""
        if name not in self._queues:
            one = self._running.enter_context(queue(name, self._folder(name), self._notes))
            self._workers.append(self._running.enter_context(one.stage.worker()))
            self._queues[name] = one
        return self._queues[name]

    def close(self) -> None:
        """Stop the workers, all at once: some take seconds."""
        for worker in self._workers:
            worker.terminate()
        self._running.close()
