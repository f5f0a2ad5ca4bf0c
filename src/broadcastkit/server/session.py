"""One client's connection from handshake to close: the shell around the protocol."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from broadcastkit.server.asgi import Receive, Send
from broadcastkit.server.effects import Close
from broadcastkit.server.frames import error
from broadcastkit.server.link import Link
from broadcastkit.server.live import LiveApp
from broadcastkit.server.protocol import PusherProtocol

__all__ = ["refuse", "run_session"]

_NO_BINARY = Close(1003, "Binary messages are not supported")
_LEAVE_TIME = 5.0


async def refuse(send: Send, close: Close) -> None:
    """Tell a client why it cannot connect: pusher-js hears codes only over an open WebSocket."""
    try:
        async with asyncio.timeout(_LEAVE_TIME):
            await send({"type": "websocket.accept"})
            await send({"type": "websocket.send", "text": error(close.reason, close.code)})
            await send({"type": "websocket.close", "code": close.code, "reason": close.reason})
    except OSError:
        return


async def run_session(live: LiveApp, receive: Receive, send: Send) -> None:
    """Serve a client until it leaves or is closed."""
    loop = asyncio.get_running_loop()
    link = live.connect(loop)  # before anything is awaited: the handshake has just counted the connections
    session = _Session(live, link, PusherProtocol(live.app, live.limits, link, now=loop.time()), loop.time)
    try:
        await send({"type": "websocket.accept"})
        async with asyncio.TaskGroup() as tasks:
            reader = tasks.create_task(session.read(receive))
            session.start()
            await link.write(send)
            reader.cancel()
    finally:
        session.stop()
        live.disconnect(link)


class _Session:
    def __init__(self, live: LiveApp, link: Link, protocol: PusherProtocol, now: Callable[[], float]) -> None:
        self._live = live
        self._link = link
        self._protocol = protocol
        self._now = now
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        self._link.push({"type": "websocket.send", "text": self._protocol.greet()})
        self._wait()

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    async def read(self, receive: Receive) -> None:
        while not self._link.closing:
            message = await receive()
            if message["type"] == "websocket.disconnect":
                self._link.gone()
                return
            text = message.get("text")
            effect = _NO_BINARY if text is None else self._protocol.receive(text, self._now())
            # a connection that was closed while this frame was on its way is no longer served
            if effect is not None and not self._link.closing:
                self._live.perform(self._link, effect)

    # One timer that looks again when it rings: cheaper than moving it with each frame.

    def _wait(self) -> None:
        self._timer = self._link.loop.call_at(self._protocol.deadline, self._ring)

    def _ring(self) -> None:
        effect = self._protocol.timeout(self._now())
        if effect is not None:
            self._live.perform(self._link, effect)
        if not self._link.closing:
            self._wait()
