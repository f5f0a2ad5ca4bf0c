"""Every way of sending an event, ours and others', over HTTP to the same sink; and what was aimed at.

python -m benchmarks.deliveries
"""

from __future__ import annotations

import asyncio
import json
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import httpx
import pusher
import pusher.aiohttp
import uvloop

from benchmarks.event import APP, BODY, CHANNEL, MESSAGE, NAME, PLAIN, two_channels
from benchmarks.sink import nginx_sink
from benchmarks.turns import Contender, Goal, Turn, awaited, blocking, goals_table, medians, table_of
from broadcastkit import AsyncBroadcaster, Broadcaster
from broadcastkit.delivery import Background
from broadcastkit.drivers.pusher import AsyncPusherDriver, PusherDriver
from broadcastkit.drivers.pusher.requests import event_text

ROUNDS = 7
BATCH = 10
MANY = 50
SIZE = 372
FLOOR = "raw socket, bytes made beforehand"
PUSHER, PUSHER_BATCH = "`pusher` 3.3.4", f"`pusher`, batches of {BATCH}"
OURS = "**broadcastkit**"
OURS_MANY, OURS_BACKGROUND = f"{OURS}, `broadcast_many`", f"{OURS}, `Background`"
HANDED = "… of that in the caller's thread, building the event included, two channels"

GOALS = [
    Goal("one blocking caller, CPU, against `pusher`", OURS, PUSHER, 3),
    Goal("`broadcast_many`, CPU, against its batches", OURS_MANY, PUSHER_BATCH, 3),
    Goal("one awaiting caller, CPU, against its aiohttp backend", "ours 1", "pusher 1", 2),
    Goal("50 callers, events per second, against the same", "ours 50", "pusher 50", 8, by_rate=True),
    Goal("50 callers, CPU, against the same (aim)", "ours 50", "pusher 50", 25),
    Goal("50 callers, CPU, against npm's `pusher`", "ours 50", "npm 50", 2.5),
    Goal("500 callers, events per second, against 50", "ours 500", "ours 50", 0.95, by_rate=True),
]


def raw_request(port: int) -> bytes:
    """Return the event as one request, unsigned: what no client can do without."""
    body = event_text(NAME, (CHANNEL,), BODY, None, ()).encode()
    assert len(body) == SIZE
    head = f"POST /apps/1/events?{'s' * 180} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
    return f"{head}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


def send(broadcaster: Any) -> Any:
    """Broadcast the event; the caller awaits it, if it is one of those."""
    return broadcaster.broadcast(MESSAGE).to_everyone()


def blocking_contenders(port: int, stack: ExitStack) -> dict[str, Contender]:
    """Return those that block, one caller."""
    server: dict[str, Any] = {"host": "127.0.0.1", "port": port}
    raw = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
    data, url = raw_request(port), f"http://127.0.0.1:{port}/apps/1/events"
    body = data.partition(b"\r\n\r\n")[2]
    client = stack.enter_context(httpx.Client())
    peer = pusher.Pusher(**APP, **server, ssl=False)
    batch = [{"channel": CHANNEL, "name": NAME, "data": PLAIN}] * BATCH
    ours = stack.enter_context(Broadcaster(PusherDriver(**APP, **server, scheme="http")))
    background = Background()
    behind = Broadcaster(PusherDriver(**APP, **server, scheme="http"), delivery=background)
    stack.enter_context(behind)

    def over_socket() -> None:
        raw.sendall(data)
        raw.recv(4096)

    return {
        FLOOR: blocking(over_socket, 1000),
        "httpx, an unsigned POST": blocking(lambda: client.post(url, content=body), 200),
        PUSHER: blocking(lambda: peer.trigger(CHANNEL, NAME, PLAIN), 200),
        # it replaces the data in the dicts that it is given
        PUSHER_BATCH: blocking(lambda: peer.trigger_batch([dict(one) for one in batch]), 100, each=BATCH),
        OURS: blocking(partial(send, ours), 1000),
        OURS_MANY: blocking(lambda: ours.broadcast_many([MESSAGE] * MANY).to_everyone(), 60, each=MANY),
        OURS_BACKGROUND: blocking(partial(send, behind), 3000, after=background.flush),
    }


def awaited_contenders(port: int, stack: ExitStack) -> dict[str, Contender]:
    """Return those that are awaited, by 1, 50 and 500 callers."""
    server: dict[str, Any] = {"host": "127.0.0.1", "port": port}
    runner = stack.enter_context(asyncio.Runner())
    fast = stack.enter_context(asyncio.Runner(loop_factory=uvloop.new_event_loop))
    url = f"http://127.0.0.1:{port}/apps/1/events"
    body = raw_request(port).partition(b"\r\n\r\n")[2]
    peer = pusher.Pusher(**APP, **server, ssl=False, backend=pusher.aiohttp.AsyncIOBackend)
    session = runner.run(_session())
    client, given = httpx.AsyncClient(), httpx.AsyncClient()
    ours = AsyncBroadcaster(AsyncPusherDriver(**APP, **server, scheme="http"))
    over = AsyncBroadcaster(AsyncPusherDriver(**APP, **server, scheme="http", client=given))
    background = Background()
    behind = AsyncBroadcaster(AsyncPusherDriver(**APP, **server, scheme="http"), delivery=background)
    for close in (session.close, client.aclose, given.aclose, ours.aclose, behind.aclose):
        stack.callback(_run, runner, close)
    stack.callback(_run, fast, ours.aclose)

    async def over_aiohttp() -> None:
        async with session.post(url, data=body) as answer:
            await answer.read()

    def theirs() -> Any:
        return peer.trigger(CHANNEL, NAME, PLAIN)

    mine, many = partial(send, ours), lambda: ours.broadcast_many([MESSAGE] * MANY).to_everyone()
    return {
        "aiohttp 1": awaited(runner, over_aiohttp, 300),
        "httpx 1": awaited(runner, lambda: client.post(url, content=body), 150),
        "pusher 1": awaited(runner, theirs, 150),
        "ours 1": awaited(runner, mine, 800),
        "ours 1, uvloop": awaited(fast, mine, 800),
        "ours many 1": awaited(runner, many, 60, each=MANY),
        "aiohttp 50": awaited(runner, over_aiohttp, 500, callers=50),
        "httpx 50": awaited(runner, lambda: client.post(url, content=body), 50, callers=50),
        "pusher 50": awaited(runner, theirs, 300, callers=50),
        "ours over httpx 50": awaited(runner, partial(send, over), 1000, callers=50),
        "ours 50": awaited(runner, mine, 10_000, callers=50),
        "ours 50, uvloop": awaited(fast, mine, 10_000, callers=50),
        "ours behind 50": awaited(runner, partial(send, behind), 5000, callers=50, after=background.aflush),
        "pusher 500": awaited(runner, theirs, 500, callers=500),
        "ours 500": awaited(runner, mine, 100_000, callers=500),
        "ours 500, uvloop": awaited(fast, mine, 100_000, callers=500),
    }


def _run(runner: asyncio.Runner, close: Callable[[], Coroutine[Any, Any, None]]) -> None:
    runner.run(close())


async def _session() -> aiohttp.ClientSession:
    return aiohttp.ClientSession()


@contextmanager
def node_contenders(port: int) -> Iterator[dict[str, Contender]]:
    """Run the client of Node.js for the block."""
    node = shutil.which("node")
    script = Path(__file__).with_name("node_pusher.mjs")
    if node is None or not script.with_name("node_modules").is_dir():
        raise RuntimeError("this benchmark needs Node.js, and `npm ci` in benchmarks/")
    arguments = [str(port), APP["key"], APP["secret"], APP["app_id"], CHANNEL, NAME, json.dumps(PLAIN)]
    with subprocess.Popen(
        [node, str(script), *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    ) as process:
        asked, answered = process.stdin, process.stdout
        assert asked is not None
        assert answered is not None

        def turn(callers: int, events: int) -> Turn:
            asked.write(f"{callers} {events}\n")
            seconds, cpu = map(float, answered.readline().split())
            return Turn(events / seconds, cpu / events * 1e6)

        try:
            yield {"npm 1": partial(turn, 1, 500), "npm 50": partial(turn, 50, 2000)}
        finally:
            asked.close()


def handed_over(port: int, *, turns: int, events: int = 1000) -> float:
    """Return what `Background` costs the caller's thread, in microseconds of its CPU; the best of several turns."""
    background = Background(size=events + 1)
    found: list[float] = []
    with Broadcaster(
        PusherDriver(**APP, host="127.0.0.1", port=port, scheme="http"), delivery=background
    ) as broadcaster:
        for _ in range(turns):
            began = time.thread_time()
            for _ in range(events):
                broadcaster.broadcast(two_channels()).to_everyone()
            found.append((time.thread_time() - began) / events * 1e6)
            background.flush()
    return sorted(found)[len(found) // 2]


def named(rows: dict[str, Turn], *keys: str) -> dict[str, Turn]:
    """Return rows by names that say more."""
    words = {
        "aiohttp": "aiohttp, an unsigned POST",
        "httpx": "httpx, an unsigned POST",
        "pusher": "`pusher`, its aiohttp backend",
        "npm": "npm's `pusher` 5.3.4",
        "ours over httpx": "**broadcastkit**, `client=httpx.AsyncClient()`",
        "ours behind": "**broadcastkit**, `Background`",
        "ours many": "**broadcastkit**, `broadcast_many`",
        "ours": "**broadcastkit**",
    }
    found: dict[str, Turn] = {}
    for key in keys:
        plain, _, loop = key.partition(", ")
        name, _, _ = plain.rpartition(" ")
        if key in rows:
            found[words[name] + (f", {loop}" if loop else "")] = rows[key]
    return found


def main() -> bool:
    """Print what was measured; returns whether every goal was reached."""
    with nginx_sink() as port, ExitStack() as stack:
        node = stack.enter_context(node_contenders(port))
        contenders = blocking_contenders(port, stack) | awaited_contenders(port, stack) | node
        rows = medians(contenders, rounds=ROUNDS)
        handed = handed_over(port, turns=ROUNDS)
    table_of("one caller, blocking", {name: rows[name] for name in list(rows)[:7]})
    print(f"| {HANDED} | | {handed:.1f} |")
    for callers in (1, 50, 500):
        keys = [key for key in rows if key.partition(", ")[0].endswith(f" {callers}")]
        table_of("one caller, awaiting" if callers == 1 else f"{callers} callers, awaiting", named(rows, *keys))
    limits = [
        ("50 callers over a stock `httpx.AsyncClient`", 700.0, rows["ours over httpx 50"].microseconds),
        ("handing over to `Background`, the event built and encoded", 15.0, handed),
    ]
    reached = goals_table(rows, GOALS, limits)
    floor = rows[FLOOR].microseconds
    print(f"\nCPU above the floor, which is {floor:.1f} µs a request, or a tenth of it where ten events share one:")
    for name, key, each in ((OURS, OURS, 1), (OURS_MANY, OURS_MANY, BATCH), ("50 callers", "ours 50", BATCH)):
        print(f"  {name}: {rows[key].microseconds - floor / each:.1f} µs an event")
    return reached


if __name__ == "__main__":
    main()
