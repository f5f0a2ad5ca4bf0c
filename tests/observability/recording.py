"""Hooks that remember what they were told, and what they are to be told of."""

from __future__ import annotations

import threading
from collections.abc import Callable

from broadcastkit import Broadcaster
from broadcastkit.observability import Drop, Hooks, Sending
from tests.delivery.held import Held
from tests.interop.redis_servers import wait_until

__all__ = ["Recorded", "share_a_request"]


class Recorded(Hooks):
    def __init__(self) -> None:
        self.sent: list[Sending] = []
        self.failed: list[tuple[Sending, Exception]] = []
        self.dropped: list[Drop] = []

    def on_sent(self, sending: Sending) -> None:
        self.sent.append(sending)

    def on_failed(self, sending: Sending, error: Exception) -> None:
        self.failed.append((sending, error))

    def on_dropped(self, drop: Drop) -> None:
        self.dropped.append(drop)


def share_a_request(broadcaster: Broadcaster, driver: Held, call: Callable[[str], None]) -> None:
    """Have three threads call: while `a` has the first request, `b` and `c` wait, and share the second."""
    threads = [threading.Thread(target=call, args=(name,)) for name in ("a", "b", "c")]
    threads[0].start()
    driver.wait_for(1)
    for thread in threads[1:]:
        thread.start()
    line = next(iter(broadcaster._delivery._lines.values()))  # type: ignore[attr-defined]
    wait_until(lambda: len(line._batcher) == 2, "both wait")
    driver.release(2)
    for thread in threads:
        thread.join()
