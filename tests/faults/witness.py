"""Who counts what arrives: a subscriber of soketi over its WebSocket, beside the faults and not behind them."""

from __future__ import annotations

import contextlib
import itertools
import json
import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from broadcastkit.core.message import Message
from broadcastkit.core.retry import Retry
from broadcastkit.drivers.base import Sent
from broadcastkit.drivers.pusher import PusherDriver

if TYPE_CHECKING:
    from tests.interop.redis_servers import RedisServer
    from tests.interop.servers import PusherServer

__all__ = ["EVENT", "Heard", "RedisWitness", "Witness", "witness"]

EVENT = "told"
FENCE = "fence"
SECONDS = 20.0
QUIET = 30.0

Heard = Mapping[str, Sequence[int]]
"""The numbers of the events that arrived, by channel, in the order in which they came."""


class Witness:
    """Hears every channel that it was told of."""

    def __init__(self, server: PusherServer) -> None:
        self._server = server
        self._fences = itertools.count(1)
        self._heard: dict[str, list[int]] = defaultdict(list)
        self._fence_of: dict[str, int] = {}
        self._subscribed: set[str] = set()
        self._changed = threading.Condition()
        self._connect()

    def _connect(self) -> None:
        server = self._server
        url = f"ws://{server.host}:{server.port}/app/{server.key}?protocol=7&client=broadcastkit-tests"
        self._leave = contextlib.ExitStack()
        self._socket = self._leave.enter_context(connect(url, max_size=None, ping_interval=None, proxy=None))
        self._thread = threading.Thread(target=self._listen, args=(self._socket,), daemon=True)
        self._thread.start()

    def _listen(self, socket: ClientConnection) -> None:
        with contextlib.suppress(ConnectionClosed):
            while True:
                try:
                    self._take(json.loads(socket.recv(timeout=QUIET)))
                except TimeoutError:  # as clients do: soketi closes a connection that says nothing for two minutes
                    socket.send(json.dumps({"event": "pusher:ping", "data": {}}))

    def _take(self, frame: dict[str, Any]) -> None:
        event, channel = frame["event"], frame.get("channel", "")
        with self._changed:
            if event == "pusher_internal:subscription_succeeded":
                self._subscribed.add(channel)
            elif event == EVENT:
                self._heard[channel].append(json.loads(frame["data"])["n"])
            elif event == FENCE:
                self._fence_of[channel] = json.loads(frame["data"])["n"]
            self._changed.notify_all()

    def listen(self, channels: Sequence[str]) -> None:
        """Subscribe, and wait until that is done."""
        for channel in channels:
            self._socket.send(json.dumps({"event": "pusher:subscribe", "data": {"channel": channel}}))
        self._await(lambda: self._subscribed.issuperset(channels), f"subscribed to {channels}")

    def again(self) -> None:
        """Do all of it again, where the service has been away."""
        self.close()
        channels, self._subscribed = sorted(self._subscribed), set()
        self._connect()
        self.listen(channels)

    def heard(self, channels: Sequence[str]) -> Heard:
        """Return what has arrived so far, and leave: a fence after all else says that nothing is under way."""
        number = next(self._fences)
        # many channels are more than one request takes
        with contextlib.closing(PusherDriver.from_url(self._server.url, retry=Retry(attempts=1))) as driver:
            outcomes = driver.send([Message(FENCE, tuple(channels), json.dumps({"n": number}))])
        assert isinstance(outcomes[0], Sent), outcomes
        self._await(lambda: all(self._fence_of.get(channel) == number for channel in channels), f"fence {number}")
        for channel in channels:
            self._socket.send(json.dumps({"event": "pusher:unsubscribe", "data": {"channel": channel}}))
        self._subscribed.difference_update(channels)
        return {channel: self._heard.pop(channel, []) for channel in channels}

    def wait_for(self, numbers: Sequence[int], channels: Sequence[str]) -> None:
        """Wait until these events have arrived on one of the channels."""
        wanted = set(numbers)
        self._await(lambda: wanted <= {n for c in channels for n in self._heard[c]}, f"events {sorted(wanted)}")

    def _await(self, condition: Any, what: str) -> None:
        with self._changed:
            assert self._changed.wait_for(condition, SECONDS), f"the witness waits in vain: {what}"

    def close(self) -> None:
        self._leave.close()
        self._thread.join(SECONDS)


@contextlib.contextmanager
def witness(server: PusherServer) -> Iterator[Witness]:
    """Have somebody listen."""
    one = Witness(server)
    try:
        yield one
    finally:
        one.close()


class RedisWitness:
    """A plain subscriber of Redis. What is published to it is there when PUBLISH has been answered."""

    def __init__(self, server: RedisServer) -> None:
        self._heard: dict[str, list[int]] = defaultdict(list)
        self._client = server.client(socket_timeout=SECONDS)
        self._pubsub: Any = self._client.pubsub()  # type: ignore[no-untyped-call]
        self._fences = itertools.count(1)

    def listen(self, channels: Sequence[str]) -> None:
        """Subscribe, and wait until that is done."""
        self._pubsub.subscribe(*channels)
        self._drain(channels[-1])

    def _drain(self, channel: str) -> None:
        """Take what has come, up to a fence."""
        number = next(self._fences)
        # the subscription itself is on its way over another connection
        while not self._client.publish(channel, json.dumps({"event": FENCE, "data": {"n": number}})):
            continue
        for said in self._said():
            if said["event"] == FENCE and said["data"]["n"] == number:
                return

    def _said(self) -> Iterator[dict[str, Any]]:
        for message in self._pubsub.listen():
            if message["type"] == "message":
                said = json.loads(message["data"])
                if said["event"] == EVENT:
                    self._heard[message["channel"]].append(said["data"]["n"])
                yield said
            elif message["type"] == "subscribe":
                yield {"event": "subscribed", "channel": message["channel"]}

    def again(self, channels: Sequence[str]) -> None:
        """Wait until it listens to all of them again, where the server has been away: redis-py sees to it."""
        left = set(channels)
        for said in self._said():
            left.discard(said.get("channel"))
            if not left:
                return

    def heard(self, channels: Sequence[str]) -> Heard:
        """Return what has arrived so far, and leave."""
        self._drain(channels[-1])
        self._pubsub.unsubscribe(*channels)
        return {channel: self._heard.pop(channel, []) for channel in channels}

    def close(self) -> None:
        self._pubsub.close()
        self._client.close()
