"""One driver in several processes, threads and event loops."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

from broadcastkit.drivers.base import Sent
from broadcastkit.drivers.pusher import AsyncPusherDriver, PusherDriver
from tests.drivers.scripted import Answer, answer
from tests.drivers.talk import message

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.drivers.scripted import ScriptedServer

    Scripted = Callable[..., ScriptedServer]

CONNECTIONS = 8
# With the last one, a run under `coverage run` measures these too.
PASSED_ON = re.compile("PATH$|PYTHONPATH$|COVERAGE_")
FORKING = """
import os, sys
from broadcastkit.core.message import Message
from broadcastkit.drivers.pusher import PusherDriver

driver = PusherDriver.from_url(sys.argv[1])

def send(name):
    (outcome,) = driver.send([Message(name, ("news",), "{}")])
    assert outcome.requests == 1, outcome

send("before")
child = os.fork()
if not child:
    send("child")
    send("child again")
    driver.close()
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0, "the child could not send"
send("parent")
driver.close()
"""
LOOPS_AFTER_FORK = """
import asyncio, os, sys
from broadcastkit.core.message import Message
from broadcastkit.drivers.pusher import AsyncPusherDriver

driver = AsyncPusherDriver.from_url(sys.argv[1])

async def send(name):
    (outcome,) = await driver.send([Message(name, ("news",), "{}")])
    assert outcome.requests == 1, outcome
    await driver.aclose()

asyncio.run(send("before"))
child = os.fork()
if not child:
    asyncio.run(send("child"))
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0, "the child could not send"
asyncio.run(send("parent"))
"""


def url(server: ScriptedServer) -> str:
    return f"http://key-1:secret-1@127.0.0.1:{server.port}/apps/app-1"


def run(code: str, server: ScriptedServer) -> None:
    environment = {name: value for name, value in os.environ.items() if PASSED_ON.match(name)}
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", code, url(server)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (result.returncode, result.stderr) == (0, "")


def names(server: ScriptedServer) -> list[tuple[str, int]]:
    return [(heard.asked.body["name"], heard.connection) for heard in server.heard]


def test_a_child_sends_over_a_connection_of_its_own_and_leaves_the_parents_alone(scripted: Scripted) -> None:
    server = scripted()

    run(FORKING, server)

    assert names(server) == [("before", 1), ("child", 2), ("child again", 2), ("parent", 1)]


def test_an_awaited_driver_sends_in_a_child(scripted: Scripted) -> None:
    server = scripted()

    run(LOOPS_AFTER_FORK, server)

    assert names(server) == [("before", 1), ("child", 2), ("parent", 3)]


def test_one_awaited_driver_in_several_event_loops_one_after_another(scripted: Scripted) -> None:
    server = scripted()
    driver = AsyncPusherDriver.from_url(url(server))

    async def send(name: str) -> list[Any]:
        outcomes = [*await driver.send([message(name)]), *await driver.send([message(f"{name} again")])]
        await driver.aclose()
        return outcomes

    for name in ("first", "second", "third"):
        assert asyncio.run(send(name)) == [Sent(1), Sent(1)]

    assert names(server) == [
        ("first", 1),
        ("first again", 1),
        ("second", 2),
        ("second again", 2),
        ("third", 3),
        ("third again", 3),
    ]


def test_one_awaited_driver_in_two_event_loops_at_once(scripted: Scripted) -> None:
    server = scripted()
    driver = AsyncPusherDriver.from_url(url(server))
    both = threading.Barrier(2)
    found: dict[str, list[Any]] = {}

    async def send(name: str) -> None:
        outcomes = [*await driver.send([message(f"{name}.1")])]
        await asyncio.to_thread(both.wait, 10)
        outcomes += await driver.send([message(f"{name}.2")])
        await driver.aclose()
        found[name] = outcomes

    threads = [threading.Thread(target=lambda n=name: asyncio.run(send(n))) for name in ("a", "b")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)

    assert found == {"a": [Sent(1)] * 2, "b": [Sent(1)] * 2}
    by_name = dict(names(server))
    assert by_name["a.1"] == by_name["a.2"] != by_name["b.1"] == by_name["b.2"]


def test_an_event_loop_that_ends_without_closing_the_driver_does_not_spoil_the_next(scripted: Scripted) -> None:
    # the service closes after every answer, so nothing is left open that could warn
    server = scripted(*[answer(then="close", connection="close")] * 2)
    driver = AsyncPusherDriver.from_url(url(server))

    for _ in range(2):
        assert asyncio.run(driver.send([message()])) == [Sent(1)]


async def test_sends_that_are_cancelled_leave_the_driver_usable(scripted: Scripted) -> None:
    server = scripted(*[Answer(b"", "hang")] * CONNECTIONS)
    driver = AsyncPusherDriver.from_url(url(server))
    sending = [asyncio.create_task(driver.send([message(f"lost.{number}")])) for number in range(2 * CONNECTIONS)]
    await asyncio.to_thread(server.wait_until_heard, CONNECTIONS)

    for task in sending:
        task.cancel()
    outcomes = await asyncio.gather(*sending, return_exceptions=True)

    assert [type(outcome) for outcome in outcomes] == [asyncio.CancelledError] * len(sending)
    # as many at once as there are connections, and more: none was lost
    sent = await asyncio.gather(*(driver.send([message()]) for _ in range(2 * CONNECTIONS)))
    assert sent == [[Sent(1)]] * (2 * CONNECTIONS)
    await driver.aclose()


def test_a_driver_that_was_never_used_is_closed_without_trouble() -> None:
    PusherDriver.from_url("http://k:s@127.0.0.1:1/apps/a").close()
    asyncio.run(AsyncPusherDriver.from_url("http://k:s@127.0.0.1:1/apps/a").aclose())
