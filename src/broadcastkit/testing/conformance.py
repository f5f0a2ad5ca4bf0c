"""The suite that every driver passes, ours and yours: `check_driver(make_driver)`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from broadcastkit.core.message import Message
from broadcastkit.drivers.base import AsyncDriver, Driver, Outcome
from broadcastkit.errors import BroadcastError
from broadcastkit.testing.checks import CHECKS, Check
from broadcastkit.testing.suite import (
    AtOnce,
    Close,
    Do,
    Step,
    Steps,
    Suite,
)

__all__ = ["check_async_driver", "check_driver"]


def check_driver(
    make_driver: Callable[[], Driver],
    *,
    received: Callable[[str], Sequence[tuple[str, str, Any]]] | None = None,
    socket_id: str | None = None,
    too_large: int | None = None,
    secrets: Sequence[str] = (),
) -> None:
    """Check that a blocking driver keeps the promises of `broadcastkit.drivers.base.Driver`.

    Needs no test framework. The service behind the driver must be there and accept what is sent; each check makes a
    driver of its own and closes it.

        >>> from broadcastkit.drivers.null import NullDriver
        >>> check_driver(NullDriver)

    Args:
        make_driver: returns a new driver.
        received: for a driver with a service, says what arrived, so that content and order are checked too. Something
            subscribes to CHECKED_CHANNELS before the suite starts. `received(fence)` is called when an event named
            `fence` was sent last on each of them: it waits until that has arrived on each, and returns what has
            arrived since the last call as (event, channel, payload), in order for each channel.
        socket_id: the socket id of that subscriber: what excludes it must not arrive.
        too_large: a number of bytes that is more than the service takes for a payload.
        secrets: what must not be in the driver's repr.

    Raises:
        AssertionError: a promise is broken; the text says which, and what the driver did.
    """
    suite = Suite(listens=received is not None, socket_id=socket_id, too_large=too_large, secrets=secrets)

    def perform(driver: Driver, step: Step) -> Any:
        if isinstance(step, Do):
            return getattr(driver, step.method)(*step.args, **step.options)
        if isinstance(step, Close):
            return driver.close()
        if isinstance(step, AtOnce):
            return _from_threads(driver, step)
        return received(step.fence) if received is not None else ()

    for check in CHECKS:
        driver = suite.driver = make_driver()
        steps, answer = check(suite), None
        try:
            while (step := _next(check, steps, answer)) is not None:
                try:
                    answer = perform(driver, step)
                except BroadcastError as error:
                    answer = error
        finally:
            driver.close()


async def check_async_driver(
    make_driver: Callable[[], AsyncDriver],
    *,
    received: Callable[[str], Awaitable[Sequence[tuple[str, str, Any]]]] | None = None,
    socket_id: str | None = None,
    too_large: int | None = None,
    secrets: Sequence[str] = (),
) -> None:
    """Check that an awaited driver keeps the promises of `broadcastkit.drivers.base.AsyncDriver`.

    The awaited twin of `check_driver`: the same checks and arguments, `received` being awaited. Runs under asyncio
    and trio.
    """
    suite = Suite(listens=received is not None, socket_id=socket_id, too_large=too_large, secrets=secrets)

    async def perform(driver: AsyncDriver, step: Step) -> Any:
        if isinstance(step, Do):
            return await getattr(driver, step.method)(*step.args, **step.options)
        if isinstance(step, Close):
            return await driver.aclose()
        if isinstance(step, AtOnce):
            return await _from_tasks(driver, step)
        return await received(step.fence) if received is not None else ()

    for check in CHECKS:
        driver = suite.driver = make_driver()
        steps, answer = check(suite), None
        try:
            while (step := _next(check, steps, answer)) is not None:
                try:
                    answer = await perform(driver, step)
                except BroadcastError as error:
                    answer = error
        finally:
            await driver.aclose()


def _next(check: Check, steps: Steps, answer: Any) -> Step | None:
    """Hand a check what came of its last step; returns the next one, or None when it has no more."""
    try:
        return steps.send(answer)
    except StopIteration:
        return None
    except AssertionError as error:
        error.args = (f"{check.__doc__ or check.__name__} Here, {error}",)
        raise


def _from_threads(driver: Driver, step: AtOnce) -> list[Sequence[Outcome]]:
    def work(messages: Sequence[Message]) -> Sequence[Outcome]:
        return [outcome for message in messages for outcome in driver.send([message])]

    with ThreadPoolExecutor(len(step.workers)) as pool:
        return list(pool.map(work, step.workers))


async def _from_tasks(driver: AsyncDriver, step: AtOnce) -> list[Sequence[Outcome]]:
    from anyio import create_task_group

    found: dict[int, Sequence[Outcome]] = {}
    failed: list[BroadcastError] = []

    async def work(number: int, messages: Sequence[Message]) -> None:
        try:
            found[number] = [outcome for message in messages for outcome in await driver.send([message])]
        except BroadcastError as error:
            failed.append(error)  # out of a task group it would come as a group

    async with create_task_group() as tasks:
        for number, messages in enumerate(step.workers):
            tasks.start_soon(work, number, messages)
    for error in failed:
        raise error
    return [found[number] for number in range(len(step.workers))]
