"""How soon a relay sends what was committed, and what that costs writers: `python -m benchmarks.commits`.

On a PostgreSQL of its own, on loopback. The figures of docs/how-to/outbox.md come from here.
"""

from __future__ import annotations

import random
import statistics
import threading
import time
from collections.abc import Callable

from sqlalchemy import Engine, create_engine
from sqlalchemy.orm import Session

from broadcastkit import AnonymousEvent, Broadcaster
from broadcastkit.delivery.outbox import Outbox, Relay
from broadcastkit.delivery.outbox.sqlalchemy import outbox_table
from tests.delivery.outbox.arrivals import Arrivals
from tests.interop.postgres_servers import postgres_folder, postgres_server

EVENTS = 200
TRANSACTIONS = 50
TURNS = 40


def latency(engine: Engine, *, tells: bool) -> list[float]:
    """Return the milliseconds from a commit to the driver, of one event at a time, at moments that no poll knows."""
    arrivals, dice = Arrivals(), random.Random(1)  # noqa: S311 - moments
    relay = Relay(engine, Broadcaster(arrivals), listen=tells)
    thread = threading.Thread(target=relay.run)
    thread.start()
    sender = Broadcaster(arrivals, delivery=Outbox(notify=tells))
    found: list[float] = []
    for number in range(EVENTS):
        time.sleep(dice.uniform(0.0, 0.1))  # so that no commit keeps time with the polls
        with Session(engine) as session:
            sender.broadcast(AnonymousEvent(f"e{number}", on="a")).after_commit(session).to_everyone()
            session.commit()
            committed = time.perf_counter()
        arrivals.wait_for(*[f"e{n}" for n in range(number + 1)])
        found.append((time.perf_counter() - committed) * 1000)
    relay.stop()
    thread.join()
    return found


def cost(engine: Engine, *, tells: bool) -> float:
    """Return the microseconds of a transaction with one event in it."""
    sender = Broadcaster(Arrivals(), delivery=Outbox(notify=tells))
    begun = time.perf_counter()
    for _ in range(TRANSACTIONS):
        with Session(engine) as session:
            sender.broadcast(AnonymousEvent("e", on="a")).after_commit(session).to_everyone()
            session.commit()
    return (time.perf_counter() - begun) / TRANSACTIONS * 1e6


def in_turn(one: Callable[[], float], other: Callable[[], float]) -> tuple[float, float]:
    """Return what each takes, of measurements that take turns: the quickest, where others work, too."""
    pairs = [(one(), other()) for _ in range(TURNS)]
    return min(first for first, _ in pairs), min(second for _, second in pairs)


def main() -> None:
    with postgres_folder() as folder, postgres_server(folder, "fsync=on") as server:
        engine = create_engine(server.url())
        outbox_table().create(engine)
        for tells in (False, True):
            found = sorted(latency(engine, tells=tells))
            words = "told of commits" if tells else "polling each 0.1 s"
            print(f"{words}: {statistics.median(found):.1f} ms, 99 of 100 within {found[-3]:.1f} ms")
        with engine.connect() as listener:
            listener.exec_driver_sql("LISTEN broadcastkit_outbox")
            listener.commit()
            without, told = in_turn(lambda: cost(engine, tells=False), lambda: cost(engine, tells=True))
        print(f"a transaction: {without:.0f} µs, with notify {told:.0f} µs")
        engine.dispose()


if __name__ == "__main__":
    main()
