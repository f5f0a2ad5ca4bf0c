"""A caller that is interrupted (Ctrl-C, Celery's soft time limit, RQ's alarm), at every line of the way in turn."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from itertools import count
from linecache import getline
from types import FrameType
from typing import Any

from broadcastkit.delivery import Inline
from broadcastkit.drivers.base import Sent
from broadcastkit.errors import ConnectionLostError
from tests.delivery.held import SECONDS, Held, message

FILES = ("delivery/inline.py", "delivery/batching.py")
CLEANING_UP = frozenset({"_leave", "repaired"})  # which a second interruption may spoil


class Interrupted(BaseException):
    pass


@contextmanager
def interrupted_at(line: int) -> Iterator[Callable[[], bool]]:
    """Interrupt this thread at the so-manieth line of the delivery; gives a function that says whether it was."""
    seen = 0
    raised = False

    def each(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal seen, raised
        if raised or not frame.f_code.co_filename.endswith(FILES) or frame.f_code.co_name in CLEANING_UP:
            return None
        # a tracer could come between the end of a block and the lock's release, where no signal can
        if event == "line" and not getline(frame.f_code.co_filename, frame.f_lineno).strip().startswith("with "):
            seen += 1
            if seen == line:
                raised = True
                raise Interrupted
        return each

    before = sys.gettrace()
    sys.settrace(each)
    try:
        yield lambda: raised
    finally:
        sys.settrace(before)


def test_an_interrupted_caller_keeps_no_channel_busy() -> None:
    line = 0
    for line in count(1):
        inline, driver = Inline(), Held(released=True)
        with interrupted_at(line) as happened, suppress(Interrupted):
            inline.deliver("main", driver, [message("interrupted", "room")])
        with ThreadPoolExecutor(1) as pool:
            following = pool.submit(inline.deliver, "main", driver, [message("next", "room")])
            assert following.result(SECONDS) == [Sent(1)], line
        if not happened():
            break
    assert line > 20


def test_an_interrupted_caller_keeps_nobody_waiting_who_shares_its_request_or_comes_after() -> None:
    line = 0
    for line in count(1):
        inline, driver = Inline(), Held()

        def lead(line: int = line, inline: Inline = inline, driver: Held = driver) -> bool:
            with interrupted_at(line) as happened, suppress(Interrupted):
                inline.deliver("main", driver, [message("a", "room")])
            return happened()

        with ThreadPoolExecutor(4) as pool:
            leading = pool.submit(lead)
            others = [pool.submit(inline.deliver, "main", driver, [message(event, "room")]) for event in "bcd"]
            driver.release(10)
            happened = leading.result(SECONDS)
            for other in others:
                error = other.exception(SECONDS)
                assert error is None or isinstance(error, ConnectionLostError), line
        if not happened:
            break
    assert line > 20
