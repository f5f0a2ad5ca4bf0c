"""50 and 500 awaiting callers where a service takes a while to answer, as over any network: `python -m benchmarks.far`.

On loopback, with a sink that answers at once, the sender's processor is all there is to wait for. Here it is the
service: a process of its own, which answers each request after so many milliseconds.
"""

from __future__ import annotations

import asyncio
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.event import APP, FIELDS
from broadcastkit import AsyncBroadcaster, MessageSent
from broadcastkit.drivers.pusher import AsyncPusherDriver

DELAYS = (1.0, 5.0, 20.0)
FEW, MANY = 50, 500
ROUNDS, SECONDS = 5, 1.0
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"


async def answer_late(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seconds: float) -> None:
    """Answer the requests of a connection, each after a while."""
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"content-length: (\d+)", head.lower())
            assert length is not None
            await reader.readexactly(int(length[1]))
            await asyncio.sleep(seconds)
            writer.write(ANSWER)
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


async def serve(seconds: float) -> None:
    """Be the service; prints the port."""
    server = await asyncio.start_server(lambda reader, writer: answer_late(reader, writer, seconds), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


@contextmanager
def service(milliseconds: float) -> Iterator[int]:
    """Run the service for the block; gives its port."""
    command = [sys.executable, "-m", "benchmarks.far", str(milliseconds / 1000)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.terminate()


async def rate(broadcaster: AsyncBroadcaster, events: list[MessageSent], callers: int) -> float:
    """Return the events per second of so many callers, who broadcast for a second."""
    sent = 0
    end = time.perf_counter() + SECONDS

    async def caller(event: MessageSent) -> None:
        nonlocal sent
        while time.perf_counter() < end:
            await broadcaster.broadcast(event).to_everyone()
            sent += 1

    began = time.perf_counter()
    await asyncio.gather(*(caller(events[number % len(events)]) for number in range(callers)))
    return sent / (time.perf_counter() - began)


def measure(port: int, channels: int) -> tuple[float, float]:
    """Return the medians of both, in turns."""
    found: dict[int, list[float]] = {FEW: [], MANY: []}
    events = [MessageSent(FIELDS | {"conversation_id": number, "created_at": 0}) for number in range(channels)]
    with asyncio.Runner() as runner:
        ours = AsyncBroadcaster(AsyncPusherDriver(**APP, host="127.0.0.1", port=port, scheme="http"))
        for _ in range(ROUNDS):
            for callers, rates in found.items():
                rates.append(runner.run(rate(ours, events, callers)))
        runner.run(ours.aclose())
    return statistics.median(found[FEW]), statistics.median(found[MANY])


def main() -> None:
    """Print the table."""
    print(f"| the service answers after | channels | {FEW} callers, events/s | {MANY} callers | times |")
    print("|---|---|---:|---:|---:|")
    for milliseconds in DELAYS:
        with service(milliseconds) as port:
            for words, channels in (("one for all", 1), ("each its own", MANY)):
                few, many = measure(port, channels)
                print(f"| {milliseconds:g} ms | {words} | {few:,.0f} | {many:,.0f} | {many / few:.2f}x |", flush=True)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        asyncio.run(serve(float(sys.argv[1])))
    else:
        main()
