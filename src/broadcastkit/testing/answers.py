"""How a rule is asked in a test, in both colours."""

from __future__ import annotations

import sys

import anyio

from broadcastkit.calls import in_worker_thread
from broadcastkit.errors import DeniedError
from broadcastkit.testing.questions import Question

__all__ = ["answer_to", "awaited_answer_to"]


def answer_to(question: Question) -> object:
    """Ask the rule, if there is one to ask; a denial that it raises is its answer.

    Raises:
        RuntimeError: the rule is `async`, and there is an event loop already.
    """
    rule = question.to_ask
    if rule is None:
        return None
    if rule.is_async:
        if _in_event_loop():
            raise RuntimeError(
                f"{rule.name} is async, and an event loop runs here: await the assertion of broadcastkit.testing.aio"
            )
        return anyio.run(awaited_answer_to, question)
    try:
        return rule.callback(question.user, **question.arguments)
    except DeniedError as error:
        return error


async def awaited_answer_to(question: Question) -> object:
    """Ask the rule where the test runs; one that may block, in a worker thread."""
    rule = question.to_ask
    if rule is None:
        return None
    try:
        if rule.is_async:
            return await rule.callback(question.user, **question.arguments)
        return await in_worker_thread(rule.callback, question.user, **question.arguments)
    except DeniedError as error:
        return error


def _in_event_loop() -> bool:
    asyncio = sys.modules.get("asyncio")
    return asyncio is not None and asyncio._get_running_loop() is not None  # noqa: SLF001
