"""Which transport a driver gets, and what it may be given."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import trio

from broadcastkit.drivers.pusher import AsyncPusherDriver, PusherDriver
from broadcastkit.drivers.pusher.http import TransportOptions
from broadcastkit.drivers.pusher.http.base import Timeouts
from broadcastkit.drivers.pusher.wire import HttpReply
from broadcastkit.errors import ConfigurationError
from tests.drivers.http.wires import OURS
from tests.drivers.talk import message

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.drivers.http.wires import Wire
    from tests.drivers.scripted import ScriptedServer

    Scripted = Callable[..., ScriptedServer]

APP: dict[str, Any] = {"app_id": "app-1", "key": "key-1", "secret": "secret-1"}
# Sends, and prints which HTTP libraries it took.
SENDING = """
import asyncio, sys
from broadcastkit.core.message import Message
from broadcastkit.drivers.pusher import AsyncPusherDriver, PusherDriver

messages = [Message("ping", ("news",), "{}")]
if sys.argv[1] == "sync":
    driver = PusherDriver.from_url(sys.argv[2])
    (outcome,) = driver.send(messages)
    driver.close()
else:
    async def main():
        driver = AsyncPusherDriver.from_url(sys.argv[2])
        outcomes = await driver.send(messages)
        await driver.aclose()
        return outcomes
    (outcome,) = asyncio.run(main())
assert outcome.requests == 1, outcome
print(sorted({"h11", "httpx", "httpcore"} & sys.modules.keys()))
"""


@pytest.mark.parametrize("colour", ["sync", "async"])
@pytest.mark.parametrize(("proxy", "taken"), [(False, ["h11"]), (True, ["h11", "httpcore", "httpx"])])
def test_httpx_is_for_proxies_and_not_even_imported_without_one(
    scripted: Scripted, colour: str, proxy: bool, taken: list[str]
) -> None:
    server = scripted()
    environment = {"http_proxy": server.url} if proxy else {}
    url = f"http://key-1:secret-1@127.0.0.1:{server.port}/apps/app-1"

    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", SENDING, colour, url],
        env=environment,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )

    assert (result.stdout, result.stderr) == (f"{taken}\n", "")
    assert len(server.heard) == 1


def test_an_event_loop_that_is_not_asyncios(scripted: Scripted) -> None:
    server = scripted()

    async def send() -> list[Any]:
        driver = AsyncPusherDriver(**APP, host="127.0.0.1", port=server.port, scheme="http")
        outcomes = [await driver.send([message()]) for _ in range(2)]
        await driver.aclose()
        return outcomes

    assert [outcome.requests for (outcome,) in trio.run(send)] == [1, 1]
    assert [heard.connection for heard in server.heard] == [1, 1]


def test_a_client_of_the_other_colour_is_refused() -> None:
    with httpx.Client() as blocking, pytest.raises(ConfigurationError, match="client must be an async client"):
        AsyncPusherDriver(**APP, client=blocking)
    with pytest.raises(ConfigurationError, match="client must be a blocking client"):
        PusherDriver(**APP, client=httpx.AsyncClient())


@pytest.mark.parametrize("seconds", [0, -1, "10", True, None, float("nan")])
def test_a_timeout_that_is_none(seconds: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"timeout must be a number of seconds over 0, or an httpx\.Timeout"):
        PusherDriver(**APP, timeout=seconds)


@pytest.mark.parametrize("ours", OURS, indirect=True, ids=str)
def test_no_time_limit(ours: Wire, scripted: Scripted) -> None:
    transport = ours.to(scripted().url, timeout=httpx.Timeout(None))

    assert ours.ask(transport) == ours.ask(transport) == HttpReply(200, b"{}")


def test_each_phase_may_have_its_own() -> None:
    options = TransportOptions("http://x:80", timeout=httpx.Timeout(connect=1, read=2, write=3, pool=4), verify=True)

    assert options.timeouts == Timeouts(connect=1, read=2, write=3, pool=4)
    assert TransportOptions("http://x:80", timeout=5, verify=True).timeouts == Timeouts(5, 5, 5, 5)
