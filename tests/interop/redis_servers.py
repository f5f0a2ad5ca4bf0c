"""Real Redis servers, alone, as a cluster and watched by a sentinel; and laravel-echo-server, which listens to one."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import shutil
import time
from typing import TYPE_CHECKING, Any

import httpx
import redis
from redis.exceptions import AuthenticationError, RedisError

from tests.interop.servers import LOOPBACK, NODE_MODULES, free_port, running

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

__all__ = ["EchoServer", "RedisServer", "echo_server", "redis_cluster", "redis_sentinel", "redis_server", "wait_until"]

WAIT = 15.0
CLUSTER_SLOTS = 16384


@dataclasses.dataclass(frozen=True, slots=True)
class RedisServer:
    """Where a Redis server listens."""

    port: int
    host: str = LOOPBACK
    pid: int = 0
    """The process to kill, if it may be killed."""

    @property
    def url(self) -> str:
        """Return the address `RedisDriver.from_url()` takes."""
        return f"redis://{self.host}:{self.port}"

    def client(self, **options: Any) -> redis.Redis:
        """Return a client of redis-py."""
        return redis.Redis(self.host, self.port, decode_responses=True, **options)


@dataclasses.dataclass(frozen=True, slots=True)
class EchoServer:
    """A laravel-echo-server, its one app, and the Redis that it listens to."""

    port: int
    app_id: str
    key: str

    @property
    def url(self) -> str:
        """Return the address that Socket.IO's client takes."""
        return f"http://{LOOPBACK}:{self.port}"

    def subscriptions(self, channel: str) -> int:
        """Return how many connections are subscribed to a channel."""
        url = f"{self.url}/apps/{self.app_id}/channels/{channel}"
        answer = httpx.get(url, params={"auth_key": self.key}, trust_env=False)
        count: int = answer.raise_for_status().json()["subscription_count"]
        return count


def wait_until(condition: Callable[[], object], what: str, timeout: float = WAIT) -> None:
    """Return as soon as a condition holds; asked often, since nobody tells."""
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            message = f"within {timeout} s, not: {what}"
            raise TimeoutError(message)
        time.sleep(0.01)


@contextlib.contextmanager
def redis_server(
    folder: Path, *options: str, port: int | None = None, ready: Callable[[], bool] | None = None
) -> Iterator[RedisServer]:
    """Run a Redis server that keeps nothing; `options` are more of its own (`"--requirepass", "…"`)."""
    server = RedisServer(free_port() if port is None else port)
    alone = ["--port", str(server.port), "--bind", LOOPBACK, "--dir", str(folder), "--save", "", "--appendonly", "no"]
    log = folder / f"redis-{server.port}.log"
    with running(
        [_redis(), *alone, *options], port=server.port, log=log, ready=ready or (lambda: answers(server.client()))
    ) as process:
        yield dataclasses.replace(server, pid=process.pid)


def answers(client: redis.Redis) -> bool:
    """Whether a server is there; one that wants a password is."""
    with contextlib.closing(client):
        try:
            return bool(client.ping())
        except AuthenticationError:
            return True
        except RedisError:
            return False


def _redis() -> str:
    found = shutil.which("redis-server")
    if found is None:
        message = "redis-server is missing: run `make setup`"
        raise FileNotFoundError(message)
    return found


@contextlib.contextmanager
def redis_cluster(folder: Path, count: int = 3) -> Iterator[Sequence[RedisServer]]:
    """Run a cluster of masters."""
    with contextlib.ExitStack() as stack:
        nodes = []
        for number in range(count):
            place = folder / str(number)
            place.mkdir()
            options = ("--cluster-enabled", "yes", "--cluster-port", str(free_port()), "--cluster-node-timeout", "2000")
            nodes.append(stack.enter_context(redis_server(place, *options)))
        clients = [stack.enter_context(contextlib.closing(node.client())) for node in nodes]
        _join(clients, folder)
        wait_until(lambda: all(_is_whole(client, count) for client in clients), "the cluster is whole")
        yield nodes


def _join(clients: list[redis.Redis], folder: Path) -> None:
    """Give each node its share of the slots, and let the first meet the others."""
    share = CLUSTER_SLOTS // len(clients)
    for number, client in enumerate(clients):
        last = CLUSTER_SLOTS if number == len(clients) - 1 else (number + 1) * share
        _cluster(client, "ADDSLOTSRANGE", number * share, last - 1)
        _cluster(client, "SET-CONFIG-EPOCH", number + 1)
    for client in clients[1:]:
        port = client.connection_pool.connection_kwargs["port"]
        bus = client.config_get("cluster-port")["cluster-port"]
        _cluster(clients[0], "MEET", LOOPBACK, port, bus)


def _cluster(client: Any, command: str, *arguments: object) -> None:
    client.execute_command("CLUSTER", command, *arguments)


def _is_whole(client: redis.Redis, count: int) -> bool:
    info = client.cluster("info")
    return bool(info["cluster_state"] == "ok" and int(info["cluster_known_nodes"]) == count)


@contextlib.contextmanager
def redis_sentinel(folder: Path, master: RedisServer, service: str) -> Iterator[RedisServer]:
    """Run a sentinel that watches a server."""
    config = folder / "sentinel.conf"
    config.write_text(f"sentinel monitor {service} {master.host} {master.port} 1\n")
    server = RedisServer(free_port())
    command = [_redis(), str(config), "--sentinel", "--port", str(server.port), "--bind", LOOPBACK]
    log = folder / "sentinel.log"
    with running(command, port=server.port, log=log, ready=lambda: answers(server.client())):
        yield server


@contextlib.contextmanager
def echo_server(folder: Path, listens_to: RedisServer, *, auth_host: str, prefix: str) -> Iterator[EchoServer]:
    """Run laravel-echo-server, which asks `auth_host` at `/broadcasting/auth` who may listen."""
    main = NODE_MODULES / "laravel-echo-server" / "bin" / "server.js"
    server = EchoServer(free_port(), "1001", "echo-key")
    settings = {
        "authHost": auth_host,
        "authEndpoint": "/broadcasting/auth",
        "clients": [{"appId": server.app_id, "key": server.key}],
        "database": "redis",
        "databaseConfig": {"redis": {"host": listens_to.host, "port": listens_to.port, "keyPrefix": prefix}},
        "devMode": True,
        "host": LOOPBACK,
        "port": server.port,
        "protocol": "http",
        "socketio": {},
        "subscribers": {"http": True, "redis": True},
        "apiOriginAllow": {"allowCors": False},
    }
    (folder / "laravel-echo-server.json").write_text(json.dumps(settings))
    command = ["node", str(main), "start", f"--dir={folder}"]
    log = folder / "laravel-echo-server.log"
    with running(command, port=server.port, log=log, ready=lambda: _serves(server, listens_to, prefix)):
        yield server


def _serves(server: EchoServer, listens_to: RedisServer, prefix: str) -> bool:
    """Whether it serves and listens: it does the first before the second."""
    with listens_to.client() as client:
        try:
            return server.subscriptions("nobody") == 0 and client.publish(f"{prefix}nobody", "{}") > 0
        except httpx.HTTPError:
            return False
