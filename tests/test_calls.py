"""Callables of the application that are async, that are not, and that do not look so."""

from __future__ import annotations

import threading
from contextvars import ContextVar
from datetime import UTC, datetime
from functools import partial
from typing import Any

import anyio
import pytest

from broadcastkit import AsyncBroadcaster, ChannelRegistry
from broadcastkit.calls import in_worker_thread, is_async
from broadcastkit.drivers.pusher import AsyncPusherDriver
from broadcastkit.webhooks import Webhook, WebhookHandlers

BOTH = pytest.mark.parametrize("anyio_backend", ["asyncio", "trio"])

tenant: ContextVar[str] = ContextVar("tenant")


async def later(*arguments: Any, **named: Any) -> Any:
    await anyio.lowlevel.checkpoint()
    return arguments, named, threading.current_thread(), tenant.get()


def at_once(*arguments: Any, **named: Any) -> Any:
    return arguments, named, threading.current_thread(), tenant.get()


def hidden(call: Any) -> Any:
    """Return a function around another that does not look async; a lambda is what one mostly sees."""

    def around(*arguments: Any, **named: Any) -> Any:
        return call(*arguments, **named)

    return around


class Callables:
    async def __call__(self) -> None: ...

    def blocking(self) -> None: ...


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (later, True),
        (partial(later, 1), True),
        (Callables(), True),
        (hidden(later), False),
        (at_once, False),
        (Callables().blocking, False),
    ],
)
def test_async_is_told_without_calling(call: Any, expected: bool) -> None:
    assert is_async(call) is expected


@BOTH
async def test_what_may_block_runs_in_a_thread_with_the_callers_context(anyio_backend: str) -> None:
    token = tenant.set("acme")
    arguments, named, thread, of = await in_worker_thread(at_once, 1, key=2)
    tenant.reset(token)

    assert (arguments, named, of) == ((1,), {"key": 2}, "acme")
    assert thread is not threading.current_thread()


@BOTH
async def test_what_turns_out_to_be_awaitable_is_awaited_here(anyio_backend: str) -> None:
    token = tenant.set("acme")
    arguments, named, thread, of = await in_worker_thread(hidden(later), 1, key=2)
    tenant.reset(token)

    assert (arguments, named, of) == ((1,), {"key": 2}, "acme")
    assert thread is threading.current_thread()


@BOTH
async def test_a_lambda_around_a_coroutine_function_is_a_rule(anyio_backend: str) -> None:
    async def own(user: str) -> bool:
        await anyio.lowlevel.checkpoint()
        return user == "ann"

    channels = ChannelRegistry()
    channels.authorize("private-notes")(hidden(own))
    driver = AsyncPusherDriver(app_id="1", key="app-key", secret="app-secret")
    broadcaster = AsyncBroadcaster(driver, channels=channels)

    answer = await broadcaster.authorize_channel(socket_id="1.2", channel_name="private-notes", user="ann")

    assert answer.as_dict()["auth"].startswith("app-key:")


@BOTH
async def test_a_lambda_around_a_coroutine_function_handles_webhooks(anyio_backend: str) -> None:
    handled: list[Webhook] = []

    async def note(webhook: Webhook) -> None:
        await anyio.lowlevel.checkpoint()
        handled.append(webhook)

    handlers = WebhookHandlers()
    handlers.on(Webhook)(hidden(note))
    webhook = Webhook(key="app-key", time=datetime.now(UTC), events=())
    await handlers.ahandle(webhook)

    assert handled == [webhook]
