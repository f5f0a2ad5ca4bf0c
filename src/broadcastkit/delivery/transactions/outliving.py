"""Sending what was held back, whatever becomes of who waits for it: what it tells of has happened."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias
from weakref import WeakKeyDictionary

from broadcastkit.delivery.transactions.base import Held, Sender
from broadcastkit.delivery.transactions.collecting import by_sender
from broadcastkit.errors import NotSentError

__all__ = ["after_this_task", "finished", "send_all"]

_Groups: TypeAlias = list[tuple[Sender, list[Held]]]
_Failures: TypeAlias = list[tuple[Sender, Exception]]

_running: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[asyncio.Task[None], list[Sender]]] = WeakKeyDictionary()


async def send_all(groups: Iterable[tuple[Sender, list[Held]]], words: str) -> _Failures:
    """Send what was held back by senders of both colors, and return what failed.

    A caller that is cancelled takes nothing along: the rest is sent by a task of its own, and what fails then is
    logged, with these words. On other loops than asyncio's, the caller is cancelled when all is sent.
    """
    failed: _Failures = []
    awaited: _Groups = []
    for sender, held in groups:
        if sender.awaited:
            awaited.append((sender, held))
            continue
        try:
            sender.send_held(held)
        except Exception as error:  # noqa: BLE001 - of a driver or an error policy of somebody else's
            failed.append((sender, error))
    if awaited:
        await _outlive(awaited, failed, words)
    return failed


async def _outlive(left: _Groups, failed: _Failures, words: str) -> None:
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        from anyio import CancelScope

        try:
            with CancelScope(shield=True):
                await _send(left, failed)
        finally:
            _lose(left, words)
        return
    task = _start(loop, left, failed, words)
    try:
        await asyncio.wait([task])
    except BaseException:
        task.add_done_callback(lambda _: _tell(failed, words))  # nobody else will
        raise


def _start(loop: asyncio.AbstractEventLoop, left: _Groups, failed: _Failures, words: str) -> asyncio.Task[None]:
    task = loop.create_task(_send(left, failed))
    running = _running.setdefault(loop, {})
    running[task] = [sender for sender, _ in left]
    task.add_done_callback(running.pop)
    task.add_done_callback(lambda _: _lose(left, words))  # not in the task, which may not even have begun
    return task


async def _send(left: _Groups, failed: _Failures) -> None:
    """Send group by group; what is done with is taken out."""
    while left:
        sender, held = left[0]
        try:
            sending = sender.send_held(held)
            if sending is not None:
                await sending
        except Exception as error:  # noqa: BLE001 - see send_all
            failed.append((sender, error))
        del left[0]


def _lose(left: _Groups, words: str) -> None:
    """Tell of what could not be sent, since the event loop ends."""
    error = NotSentError("the event loop ended while it waited, or was on its way")
    _tell([(sender, error) for sender, _ in left], words)
    for sender, held in left:
        sender.drop_held(held, "unsent")


def _tell(failed: _Failures, words: str) -> None:
    for sender, error in failed:
        sender.failures.log(words, error=error)


def after_this_task(take: Callable[[], Sequence[Held]], words: str) -> Callable[[], object]:
    """Have what is left when the running task ends sent then, by another; returns what calls that off."""
    this = asyncio.current_task()
    if this is None:
        return int

    def ended(_: object) -> None:
        failed: _Failures = []
        left = list(by_sender(take()))
        if left:
            sending = _start(this.get_loop(), left, failed, words)
            sending.add_done_callback(lambda _: _tell(failed, words))

    this.add_done_callback(ended)
    return lambda: this.remove_done_callback(ended)


async def finished(sender: Sender) -> None:
    """Wait until all is sent that a sender's callers have left, in this event loop."""
    try:
        running = _running.get(asyncio.get_running_loop(), {})
    except RuntimeError:
        return
    this = asyncio.current_task()
    while mine := [task for task, senders in running.items() if task is not this and sender in senders]:
        await asyncio.wait(mine)
