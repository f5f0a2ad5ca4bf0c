"""A process that leaves while its background has work: `python -m tests.faults.leaving HOW`.

It prints the number of each event that it is told of as failed.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import signal
import sys

from broadcastkit import AsyncBroadcaster, Broadcaster
from broadcastkit.core.message import Message
from broadcastkit.core.retry import Retry
from broadcastkit.delivery import Background
from broadcastkit.drivers.pusher import AsyncPusherDriver, PusherDriver
from tests.faults.deliveries import event, numbered

COUNT = 30


def on_failed(connection: str, message: Message, error: Exception) -> None:
    print(json.dumps([numbered(message), type(error).__name__]), flush=True)


def broadcast_all() -> None:
    for number in range(COUNT):
        broadcaster.broadcast(event(number, CHANNELS)).to_everyone()


async def broadcast_all_awaited() -> None:
    """End the loop, and close nothing."""
    awaited = AsyncBroadcaster(AsyncPusherDriver.from_url(URL, retry=ONCE), delivery=delivery)
    for number in range(COUNT):
        await awaited.broadcast(event(number, CHANNELS)).to_everyone()


def leave(how: str) -> None:
    if how == "child":
        child = multiprocessing.get_context("fork").Process(target=broadcast_all)
        child.start()
        child.join()
    elif how == "awaited":
        asyncio.run(broadcast_all_awaited())
    else:
        broadcast_all()
        if how == "killed":
            os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    URL, CHANNELS = os.environ["SERVICE_URL"], os.environ["CHANNELS"].split()
    ONCE = Retry(attempts=1)
    delivery = Background(drain=float(os.environ["DRAIN"]), on_failed=on_failed)
    broadcaster = Broadcaster(PusherDriver.from_url(URL, retry=ONCE), delivery=delivery)
    leave(sys.argv[1])
