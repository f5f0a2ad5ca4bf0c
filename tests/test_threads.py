"""Threads of our own: started, or not, and what is called when the program ends."""

from __future__ import annotations

import subprocess
import sys
import threading
from typing import TYPE_CHECKING

from broadcastkit.threads import at_exit, started

if TYPE_CHECKING:
    import pytest

SECONDS = 10.0


def test_a_thread_has_its_name_and_is_not_waited_for_at_the_end() -> None:
    ran = threading.Event()

    thread = started(ran.set, "ours")

    assert thread is not None
    assert (thread.name, thread.daemon, ran.wait(SECONDS)) == ("ours", True, True)
    thread.join(SECONDS)


def test_where_none_can_be_started_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def start(thread: threading.Thread) -> None:
        raise RuntimeError("can't create new thread at interpreter shutdown")

    monkeypatch.setattr(threading.Thread, "start", start)

    assert started(lambda: None, "ours") is None


PROGRAM = """
import atexit, threading
from broadcastkit.threads import at_exit

def other():
    threading.main_thread().join()
    print("another thread that goes on", at_exit())

atexit.register(lambda: print("atexit", at_exit()))
print("before", at_exit())
threading.Thread(target=other).start()
"""


def test_only_what_atexit_calls_is_at_exit() -> None:
    assert not at_exit()
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout.splitlines() == ["before False", "another thread that goes on False", "atexit True"]
