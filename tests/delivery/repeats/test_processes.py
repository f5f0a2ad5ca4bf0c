"""What waits when a process ends, forks or is killed."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

PROGRAM = """
import os, signal, sys
from broadcastkit import AsyncBroadcaster, Broadcaster, Event
from broadcastkit.delivery import Background
from broadcastkit.drivers.memory import AsyncMemoryDriver, MemoryDriver

class Saved(Event, debounce=60.0):
    n: int
    def broadcast_on(self):
        return "news"

class Telling(MemoryDriver):
    def send(self, messages):
        print(os.getpid() == parent, *(message.data for message in messages), flush=True)
        return super().send(messages)

parent = os.getpid()
broadcaster = Broadcaster(Telling(), **options)

def save(n):
    assert broadcaster.broadcast(Saved(n=n)).to_everyone().queued
"""


def run(text: str, options: str = "{}") -> tuple[int, str, str]:
    program = PROGRAM.replace("**options", f"**{options}") + text
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=30)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("options", ["{}", "{'delivery': Background()}"], ids=["inline", "background"])
@pytest.mark.parametrize("end", ["", "sys.exit(0)", "del broadcaster"])
def test_what_waits_at_the_end_of_the_program_is_sent(options: str, end: str) -> None:
    assert run(f"save(1)\nsave(2)\n{end}", options) == (0, 'True {"n":2}\n', "")


def test_an_error_at_the_end_still_sends_it() -> None:
    code, out, _ = run("save(1)\nsave(2)\n1 / 0")

    assert (code, out) == (1, 'True {"n":2}\n')


def test_what_is_killed_loses_it_as_is_promised() -> None:
    assert run("save(1)\nos.kill(os.getpid(), signal.SIGKILL)") == (-signal.SIGKILL, "", "")


def test_a_child_sends_its_own_and_nothing_of_its_parents() -> None:
    forking = """
save(1)
if not os.fork():
    save(2)
    save(3)
    broadcaster.close()
    os._exit(0)
assert os.wait()[1] == 0
save(4)
"""
    assert run(forking) == (0, 'False {"n":3}\nTrue {"n":4}\n', "")


def test_a_loop_that_ends_without_a_word_loses_it_without_noise() -> None:
    silent = """
import asyncio
async def main():
    broadcaster = AsyncBroadcaster(AsyncMemoryDriver())
    assert (await broadcaster.broadcast(Saved(n=1)).to_everyone()).queued
asyncio.run(main())
"""
    assert run(silent) == (0, "", "")


def test_nothing_of_it_is_imported_before_it_is_needed() -> None:
    program = """
import sys
from broadcastkit import Broadcaster, Event, AnonymousEvent
from broadcastkit.drivers.memory import MemoryDriver
Broadcaster(MemoryDriver()).broadcast(AnonymousEvent("a", on="news")).to_everyone()
print(sorted(name for name in sys.modules if name.startswith("broadcastkit.delivery.repeats.")), "redis" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout == "['broadcastkit.delivery.repeats.base', 'broadcastkit.delivery.repeats.memory'] False\n"
