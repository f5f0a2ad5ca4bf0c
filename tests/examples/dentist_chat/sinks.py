"""What takes emails, and remembers them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.parser import BytesParser
from email.policy import default
from typing import Any

from aiosmtpd.controller import Controller

__all__ = ["Mails", "Sink", "listening"]

WAIT = 10.0


@dataclass
class Sink:
    """What has arrived, in order; `take` waits for it."""

    arrived: list[Any] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def put(self, one: Any) -> None:
        with self.changed:
            self.arrived.append(one)
            self.changed.notify_all()

    def take(self, count: int) -> list[Any]:
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.arrived) >= count, WAIT), self.arrived
            return self.arrived[:count]


class Mails(Sink):
    async def handle_DATA(self, _: object, __: object, envelope: Any) -> str:  # noqa: N802 - as aiosmtpd has it
        self.put(BytesParser(policy=default).parsebytes(envelope.content))
        return "250 OK"


@contextmanager
def listening(sink: Mails, port: int) -> Iterator[None]:
    controller = Controller(sink, hostname="127.0.0.1", port=port)
    controller.start()
    yield
    controller.stop()
