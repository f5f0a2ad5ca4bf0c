"""Which handlers are called for what, in which order and color, and what becomes of those that fail."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest

from broadcastkit.errors import ConfigurationError
from broadcastkit.webhooks import (
    AnyWebhookEvent,
    CacheMissed,
    ChannelVacated,
    MemberAdded,
    MemberRemoved,
    Webhook,
    WebhookEvent,
    WebhookHandlers,
)

ADDED, REMOVED = MemberAdded(channel="presence-x", user_id="1"), MemberRemoved(channel="presence-x", user_id="1")


def delivery(*events: AnyWebhookEvent) -> Webhook:
    return Webhook("key", datetime(2026, 11, 20, tzinfo=UTC), events)


async def blocking(handlers: WebhookHandlers, webhook: Webhook) -> None:
    handlers.handle(webhook)


async def awaited(handlers: WebhookHandlers, webhook: Webhook) -> None:
    await handlers.ahandle(webhook)


COLORS = pytest.mark.parametrize("handle", [blocking, awaited])
Handle = Callable[[WebhookHandlers, Webhook], Awaitable[None]]


@COLORS
async def test_each_event_goes_to_its_handlers_in_order(handle: Handle) -> None:
    handlers, seen = WebhookHandlers(), list[tuple[str, object]]()

    @handlers.on(Webhook)
    def whole(webhook: Webhook) -> None:
        seen.append(("whole", webhook))

    @handlers.on(MemberAdded)
    def came(event: MemberAdded) -> None:
        seen.append(("came", event))

    @handlers.on(MemberAdded, MemberRemoved)
    def changed(event: MemberAdded | MemberRemoved) -> None:
        seen.append(("changed", event))

    @handlers.on(WebhookEvent)
    def anything(event: WebhookEvent) -> None:
        seen.append(("anything", event))

    webhook = delivery(REMOVED, ADDED)
    await handle(handlers, webhook)

    assert seen == [
        ("changed", REMOVED),
        ("anything", REMOVED),
        ("came", ADDED),
        ("changed", ADDED),
        ("anything", ADDED),
        ("whole", webhook),
    ]


@COLORS
async def test_an_event_that_nobody_asked_for_is_handled(handle: Handle) -> None:
    handlers = WebhookHandlers()
    handlers.on(CacheMissed)(lambda _: pytest.fail("nothing was missed"))

    await handle(handlers, delivery(ChannelVacated(channel="x")))
    await handle(handlers, delivery())


@COLORS
async def test_one_that_fails_does_not_keep_the_others_from_it(handle: Handle) -> None:
    handlers, seen = WebhookHandlers(), list[object]()

    @handlers.on(MemberAdded)
    def fails(event: MemberAdded) -> None:
        raise LookupError(event.user_id)

    handlers.on(WebhookEvent)(seen.append)
    handlers.on(Webhook)(seen.append)
    webhook = delivery(ADDED, ADDED, REMOVED)

    with pytest.raises(ExceptionGroup, match="webhook handlers failed") as caught:
        await handle(handlers, webhook)

    assert seen == [ADDED, ADDED, REMOVED, webhook]
    assert [(type(error), str(error)) for error in caught.value.exceptions] == [(LookupError, "1")] * 2
    (note,) = caught.value.exceptions[0].__notes__
    assert note.startswith("in the webhook handler ")
    assert note.endswith("fails, called for MemberAdded")


async def test_async_handlers_are_awaited_and_others_may_block() -> None:
    handlers, seen = WebhookHandlers(), list[object]()

    @handlers.on(MemberAdded)
    async def here(event: MemberAdded) -> None:
        await asyncio.sleep(0)
        seen.append(threading.current_thread())

    @handlers.on(MemberAdded)
    def elsewhere(event: MemberAdded) -> None:
        seen.append(threading.current_thread())

    handlers.on(MemberAdded)(partial(here))
    handlers.on(MemberAdded)(lambda event: here(event))  # noqa: PLW0108 - it is no coroutine function

    await handlers.ahandle(delivery(ADDED))

    assert [thread is threading.main_thread() for thread in seen] == [True, False, True, True]


async def test_a_cancelled_delivery_stops() -> None:
    handlers, seen = WebhookHandlers(), list[object]()
    started = asyncio.Event()

    @handlers.on(MemberAdded)
    async def waits(event: MemberAdded) -> None:
        started.set()
        await asyncio.Event().wait()

    handlers.on(WebhookEvent)(seen.append)
    task = asyncio.create_task(handlers.ahandle(delivery(ADDED)))
    await asyncio.wait_for(started.wait(), 5)
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
    assert seen == []


def test_what_cannot_be_awaited_is_refused_before_anything_is_called() -> None:
    handlers, seen = WebhookHandlers(), list[object]()
    handlers.on(MemberAdded)(seen.append)

    class Caller:
        async def __call__(self, event: MemberRemoved) -> None: ...

    handlers.on(MemberRemoved)(Caller())

    with pytest.raises(
        ConfigurationError, match=r"^WebhookHandlers\.handle\(\) is sync and cannot await Caller; use def$"
    ):
        handlers.handle(delivery(ADDED))
    assert seen == []


def test_who_cannot_await_refuses_what_comes_later_too() -> None:
    handlers, seen = WebhookHandlers(), list[object]()
    handlers.require_sync("A mailbox")
    handlers.require_sync("Another")  # the first one stays to blame

    async def came(event: MemberAdded) -> None: ...

    with pytest.raises(ConfigurationError, match=r"^A mailbox is sync and cannot await .*came; use def$"):
        handlers.on(MemberAdded)(came)
    handlers.on(MemberAdded)(seen.append)

    handlers.handle(delivery(ADDED))
    assert seen == [ADDED]


def test_blocking_code_may_be_followed_by_async_code() -> None:
    """To handle one delivery is no promise that the next one is not awaited."""
    handlers, seen = WebhookHandlers(), list[object]()
    handlers.handle(delivery(ADDED))

    @handlers.on(MemberAdded)
    async def came(event: MemberAdded) -> None:
        seen.append(event)

    asyncio.run(handlers.ahandle(delivery(ADDED)))
    assert seen == [ADDED]


async def test_a_framework_may_have_threads_of_its_own() -> None:
    handlers, called, seen = WebhookHandlers(), list[object](), list[object]()

    @handlers.on(MemberAdded)
    async def here(event: MemberAdded) -> None:
        seen.append(event)

    handlers.on(MemberAdded)(seen.append)

    async def in_thread(call: Callable[[Any], Any], item: Any) -> Any:
        called.append((call, item))
        return call(item)

    await handlers.ahandle(delivery(ADDED), in_thread=in_thread)

    assert called == [(seen.append, ADDED)]
    assert seen == [ADDED, ADDED]


@pytest.mark.parametrize(
    "kinds", [(), (object,), ("member_added",), (MemberAdded, None), (MemberAdded(channel="x", user_id="1"),)]
)
def test_a_kind_that_is_none(kinds: tuple[Any, ...]) -> None:
    with pytest.raises(ConfigurationError, match=r"^handlers\.on\(\) takes classes of broadcastkit\.webhooks"):
        WebhookHandlers().on(*kinds)


def test_a_handler_stays_what_it_was_and_repr_names_it() -> None:
    handlers = WebhookHandlers()

    def came(event: MemberAdded) -> None: ...

    assert handlers.on(MemberAdded)(came) is came
    assert "came" in repr(handlers)
