"""A soak of `Background`: a million events to a sink that counts them and checks their order; memory is watched.

python -m benchmarks.soak             # about a minute
python -m benchmarks.soak 20000
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.event import APP
from broadcastkit import AnonymousEvent, Broadcaster
from broadcastkit.delivery import Background
from broadcastkit.drivers.pusher import PusherDriver

__all__ = ["Heard", "Soaked", "counting_sink", "soak"]

CHANNELS = 100
SAMPLES = 20
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


class Heard(NamedTuple):
    """What a sink has heard: events, and how many of them were not the next of their channel."""

    events: int
    out_of_order: int


class Soaked(NamedTuple):
    """What came of it."""

    sent: int
    heard: Heard
    seconds: float
    kilobytes: list[int]
    """Memory of the process, sampled while it sent; the first sample is taken after the first part."""

    @property
    def growth(self) -> float:
        """By how much the memory of the second half is over that of the first, as a part of it."""
        half = len(self.kilobytes) // 2
        return max(self.kilobytes[half:]) / max(self.kilobytes[:half]) - 1


class _Sink(asyncio.Protocol):
    """Takes `POST /events` and `/batch_events`, as fast as Python can."""

    def __init__(self, heard: dict[str, int], wrong: list[str]) -> None:
        self._heard, self._wrong = heard, wrong
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while True:
            head, separator, rest = self._buffer.partition(b"\r\n\r\n")
            length = _LENGTH.search(head) if separator else None
            if length is None or len(rest) < int(length[1]):
                return
            self._take(rest[: int(length[1])])
            self._buffer = rest[int(length[1]) :]
            self._transport.write(ANSWER)

    def _take(self, body: bytes) -> None:
        read = json.loads(body)
        for event in read.get("batch", [read]):
            channel, number = event["channel"], int(event["data"])
            if number != self._heard.get(channel, 0):
                self._wrong.append(channel)
            self._heard[channel] = number + 1


def _serve(parent: Connection) -> None:
    heard: dict[str, int] = {}
    wrong: list[str] = []

    async def run() -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: _Sink(heard, wrong), "127.0.0.1", 0)
        parent.send(server.sockets[0].getsockname()[1])
        await loop.run_in_executor(None, parent.recv)
        server.close()

    asyncio.run(run())
    parent.send(Heard(sum(heard.values()), len(wrong)))


class CountingSink:
    """A sink in a process of its own."""

    def __init__(self, port: int, child: Connection) -> None:
        self.port = port
        self._child = child

    def heard(self) -> Heard:
        """Stop it, and return what it has heard."""
        self._child.send(None)
        heard: Heard = self._child.recv()
        return heard


@contextmanager
def counting_sink() -> Iterator[CountingSink]:
    """Run one for the block."""
    context = multiprocessing.get_context("spawn")
    parent, child = context.Pipe()
    process = context.Process(target=_serve, args=(child,), daemon=True)
    process.start()
    try:
        yield CountingSink(parent.recv(), parent)
    finally:
        parent.close()
        process.terminate()
        process.join(timeout=10)


def resident_kilobytes() -> int:
    """Return the memory of this process; Linux."""
    found = re.search(r"VmRSS:\s+(\d+)", Path("/proc/self/status").read_text())
    return int(found[1]) if found else 0


def soak(events: int) -> Soaked:
    """Broadcast numbered events on many channels in turn, and wait until all were answered for."""
    with counting_sink() as sink:
        driver = PusherDriver(**APP, host="127.0.0.1", port=sink.port, scheme="http")
        background = Background(size=5000)
        kilobytes: list[int] = []
        began = time.perf_counter()
        with Broadcaster(driver, delivery=background) as broadcaster:
            for number in range(events):
                event = AnonymousEvent("counted", number // CHANNELS, on=f"private-soak.{number % CHANNELS}")
                broadcaster.broadcast(event).to_everyone()
                if number % (events // SAMPLES) == events // SAMPLES - 1:
                    kilobytes.append(resident_kilobytes())
            background.flush()
            seconds = time.perf_counter() - began
            sent = background.statistics().sent
        return Soaked(sent, sink.heard(), seconds, kilobytes)


def main() -> bool:
    """Print what came of it; returns whether nothing was lost, reordered or kept."""
    events = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    sent, heard, seconds, kilobytes = found = soak(events)
    print(f"\n{events:,} events through Background in {seconds:.1f} s, {events / seconds:,.0f} a second")
    print(f"  sent {sent:,}, heard {heard.events:,}, out of order {heard.out_of_order}")
    print(f"  memory in MB: {', '.join(f'{one / 1024:.1f}' for one in kilobytes)}")
    print(f"  the second half over the first: {found.growth:+.1%}")
    return sent == heard.events == events and not heard.out_of_order and found.growth < 0.05


if __name__ == "__main__":
    sys.exit(not main())
