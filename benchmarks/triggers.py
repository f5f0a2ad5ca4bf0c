"""Blocking triggers over loopback, against `pusher.trigger` on the same sink.

python -m benchmarks.triggers
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pusher

from benchmarks.sink import nginx_sink
from benchmarks.timing import table
from broadcastkit import Broadcaster, MessageSent
from broadcastkit.drivers.pusher import PusherDriver

EVENTS = 400
ROUNDS = 9


def per_second(call: Callable[[], object]) -> float:
    """Return how often a call was made in a second."""
    started = time.perf_counter()
    for _ in range(EVENTS):
        call()
    return EVENTS / (time.perf_counter() - started)


def main() -> None:
    """Print events per second."""
    fields: dict[str, Any] = {
        "id": 1,
        "sender_id": 2,
        "recipient_id": 3,
        "content": "Hello there, how are you today?",
        "sender": {"id": 2, "name": "Ann", "avatar": None},
    }
    created_at = datetime(2026, 1, 1, tzinfo=UTC)
    message = MessageSent(**fields, created_at=created_at)
    plain = fields | {"created_at": "2026-01-01T00:00:00Z", "is_read": False, "message_type": "text"}
    with nginx_sink() as port:
        driver = PusherDriver(app_id="1", key="key", secret="secret", host="127.0.0.1", port=port, scheme="http")
        broadcaster = Broadcaster(driver)
        peer = pusher.Pusher("1", "key", "secret", host="127.0.0.1", port=port, ssl=False)
        names = ["private-user.2", "private-user.3"]
        contenders: dict[str, Callable[[], object]] = {
            "broadcastkit": lambda: broadcaster.broadcast(message).to_everyone(),
            "pusher": lambda: peer.trigger(names, "message.sent", plain),
            "broadcastkit, batches of 10": lambda: broadcaster.broadcast_many([message] * 10).to_everyone(),
        }
        samples: dict[str, list[float]] = {name: [] for name in contenders}
        for _ in range(ROUNDS):
            for name, call in contenders.items():
                samples[name].append(per_second(call))
        broadcaster.close()
    rows = {name: statistics.median(values) for name, values in samples.items()}
    rows["broadcastkit, batches of 10"] *= 10
    table("sync trigger, keep-alive, one caller", rows, "events/s", better="more", pairs=[("broadcastkit", "pusher")])


if __name__ == "__main__":
    main()
