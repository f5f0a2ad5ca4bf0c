"""Programs that run to their end, and what they still send then: over a named host, each in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

BEGINNING = """
import asyncio, atexit, sys, threading
from broadcastkit import AnonymousEvent, AsyncBroadcaster, Broadcaster, Event
from broadcastkit.delivery import Background
from broadcastkit.drivers.pusher import AsyncPusherDriver, PusherDriver

def over(start=threading.Thread.start):
    def refuse(self):
        if not threading.main_thread().is_alive():
            raise RuntimeError("can't create new thread at interpreter shutdown")
        start(self)
    threading.Thread.start = refuse

if sys.argv[2] == "no thread":  # as Python 3.12.0 to 3.12.2 are by themselves
    over()

URL = f"http://key:secret@localhost:{sys.argv[1]}/apps/1"

class Saved(Event, debounce=60.0):
    n: int

    def broadcast_on(self):
        return "news"

def ping(event, broadcaster=None):
    (broadcaster or here).broadcast(AnonymousEvent(event, on="news")).to_everyone()

def make(**options):
    return Broadcaster(PusherDriver.from_url(URL), **{"delivery": Background(), **options})
"""

PROGRAMS = {
    "a background": """
here = make()
for number in range(15):
    ping(f"e{number}")
""",
    "what was debounced": """
here = make(delivery=None)
for n in range(3):
    here.broadcast(Saved(n=n)).to_everyone()
""",
    "what was debounced, in a background": """
here = make()
for n in range(3):
    here.broadcast(Saved(n=n)).to_everyone()
""",
    "called before the background ends": """
here = make()
atexit.register(ping, "late")
""",
    "called after the background has ended": """
atexit.register(lambda: ping("late"))
here = make()
ping("early")
""",
    "debounced after the end": """
atexit.register(lambda: here.broadcast(Saved(n=2)).to_everyone())
here = make()
here.broadcast(Saved(n=1)).to_everyone()
""",
    "made at the end": """
made = []
atexit.register(lambda: made[0]())
first = make()

def last():
    ping("last", make())
    make().broadcast(Saved(n=1)).to_everyone()

made.append(last)
""",
    "a thread that goes on": """
here = make()

def go_on():
    threading.main_thread().join()
    ping("one")
    ping("two")

threading.Thread(target=go_on).start()
""",
    "a failure hook's other connection": """
def failed(connection, message, error):
    here.broadcast(AnonymousEvent("instead", on="news")).via("other").to_everyone()

nowhere = PusherDriver.from_url("http://key:secret@127.0.0.1:1/apps/1")
here = Broadcaster(
    {"main": nowhere, "other": PusherDriver.from_url(URL)},
    default="main",
    delivery=Background(patience=0, on_failed=failed),
)
ping("e")
""",
    "an event loop of its own": """
async def main():
    async with AsyncBroadcaster(AsyncPusherDriver.from_url(URL), delivery=Background()) as there:
        await there.broadcast(AnonymousEvent("awaited", on="news")).to_everyone()

atexit.register(lambda: asyncio.run(main()))
""",
}

ARRIVES = {
    "a background": [f"e{number}" for number in range(15)],
    "what was debounced": ["saved"],
    "what was debounced, in a background": ["saved"],
    "called before the background ends": ["late"],
    "called after the background has ended": ["early", "late"],
    "debounced after the end": ["saved", "saved"],
    "made at the end": ["last", "saved"],
    "a thread that goes on": ["one", "two"],
    "a failure hook's other connection": ["instead"],
    "an event loop of its own": ["awaited"],
}


@pytest.fixture
def service() -> Iterator[ThreadingHTTPServer]:
    """Takes events, and closes each connection after one request, as soketi and Reverb do."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            arrived.extend(event["name"] for event in body.get("batch", [body]))
            self.send_response(200)
            self.send_header("Connection", "close")
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: Any, **__: Any) -> None:
            """Print nothing."""

    arrived: list[str] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.arrived = arrived  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("threads", ["threads", "no thread"])
@pytest.mark.parametrize("program", PROGRAMS)
def test_it_arrives(service: ThreadingHTTPServer, program: str, threads: str) -> None:
    command = [sys.executable, "-c", BEGINNING + PROGRAMS[program], str(service.server_port), threads]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)

    assert (done.returncode, done.stderr) == (0, "")
    assert service.arrived == ARRIVES[program]  # type: ignore[attr-defined]
