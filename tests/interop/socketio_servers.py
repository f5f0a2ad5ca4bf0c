"""python-socketio's servers in other processes, and a real socket.io-client 4 for them."""

from __future__ import annotations

import contextlib
import dataclasses
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.interop.clients import NodeClient, NotReportedError
from tests.interop.redis_servers import RedisServer, wait_until
from tests.interop.servers import LOOPBACK, free_port, running

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

__all__ = ["SocketIoClient", "SocketIoServer", "socketio_server"]

ROOT = Path(__file__).parents[2]
CHAT = "tests.interop.socketio_chat"
POLLING = "/socket.io/?EIO=4&transport=polling"


@dataclasses.dataclass(frozen=True, slots=True)
class SocketIoServer:
    """Where the chat listens, and the channel of Redis over which it hears of other processes."""

    port: int
    redis: RedisServer
    channel: str

    @property
    def url(self) -> str:
        """Return the address that clients take."""
        return f"http://{LOOPBACK}:{self.port}"


class SocketIoClient(NodeClient):
    """A real socket.io-client 4. `socket_id` is its connection's."""

    socket_id: str

    def __init__(self) -> None:
        super().__init__("socketio4/client.mjs")

    def connect(
        self,
        url: str,
        user: str | None = None,
        *,
        auth: Mapping[str, str] | None = None,
        transports: Sequence[str] = ("websocket",),
    ) -> str:
        """Connect as a user, or as a guest, and return the socket id."""
        who = {} if user is None else {"user": user}
        self.command("connect", url=url, auth=dict(auth or who), transports=transports)
        self.socket_id = self.expect("connected")["socket_id"]
        return self.socket_id

    def ask(self, event: str, *args: object) -> Any:
        """Emit an event, and return how it is acknowledged."""
        self.command("ask", event=event, args=args)
        return self.expect("answer", event=event)["answer"]

    def subscribe(self, channel: str) -> Any:
        """Ask to come into a channel's room, which must succeed."""
        answer = self.ask("subscribe", channel)
        if not answer["ok"]:
            raise NotReportedError(f"subscribed to {channel}: {answer}")
        return answer

    def heard_until(self, fence: str) -> list[tuple[str, list[Any]]]:
        """Return the events before the one named `fence`, each with its arguments."""
        return [(report["event"], report["args"]) for report in self.events_until(fence)]


@contextlib.contextmanager
def socketio_server(folder: Path, redis: RedisServer, channel: str, *, wsgi: bool = False) -> Iterator[SocketIoServer]:
    """Run the chat, under uvicorn or gunicorn."""
    server = SocketIoServer(free_port(), redis, channel)
    with (
        contextlib.closing(redis.client()) as client,
        running(
            _wsgi(server.port) if wsgi else _asgi(server.port),
            port=server.port,
            log=folder / f"{channel}.log",
            ready=POLLING,
            env={"CHAT_REDIS": redis.url, "CHAT_CHANNEL": channel, "PYTHONPATH": str(ROOT)},
        ),
    ):
        # It answers HTTP before it listens to Redis.
        wait_until(lambda: client.pubsub_numsub(channel)[0][1] > 0, "the chat listens to Redis")
        yield server


def _asgi(port: int) -> list[str]:
    options = ["--host", LOOPBACK, "--port", str(port), "--log-level", "warning"]
    return [sys.executable, "-m", "uvicorn", "--factory", f"{CHAT}:app", *options]


def _wsgi(port: int) -> list[str]:
    options = ["--bind", f"{LOOPBACK}:{port}", "--worker-class", "gthread", "--threads", "20", "--log-level", "warning"]
    return [sys.executable, "-m", "gunicorn", f"{CHAT}:wsgi_app()", *options]
