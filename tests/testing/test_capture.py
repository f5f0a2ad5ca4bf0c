"""Capture blocks: a part of the record, while the record goes on."""

from __future__ import annotations

import asyncio
import threading

import pytest

from broadcastkit import aio, broadcast
from broadcastkit.testing import fake_broadcasts, suppress
from tests.testing.orders import OrderShipped, ping


def numbers(broadcasts: object) -> list[int]:
    return [record.payload["number"] for record in broadcasts.recorded]  # type: ignore[attr-defined]


def test_a_block_has_what_was_broadcast_in_it_and_the_record_goes_on() -> None:
    with fake_broadcasts() as broadcasts:
        broadcast(ping(1)).to_everyone()
        with broadcasts.capture() as captured:
            broadcast(ping(2)).to_others()
            captured.assert_broadcast("ping", times=1, payload={"number": 2})
        broadcast(ping(3)).to_everyone()

    assert numbers(captured) == [2]
    assert numbers(broadcasts) == [1, 2, 3]
    assert captured.recorded[0] is broadcasts.recorded[1]


def test_blocks_may_be_nested_and_one_may_be_in_another_capture() -> None:
    with fake_broadcasts() as broadcasts, broadcasts.capture() as outer:
        broadcast(ping(1)).to_everyone()
        with outer.capture() as of_outer, broadcasts.capture() as inner:
            broadcast(ping(2)).to_everyone()
        broadcast(ping(3)).to_everyone()

    assert numbers(outer) == numbers(broadcasts) == [1, 2, 3]
    assert numbers(of_outer) == numbers(inner) == [2]


def test_blocks_may_overlap_in_any_order() -> None:
    with fake_broadcasts() as broadcasts:
        first, second = broadcasts.capture(), broadcasts.capture()
        one = first.__enter__()
        broadcast(ping(1)).to_everyone()
        two = second.__enter__()
        broadcast(ping(2)).to_everyone()
        first.__exit__(None, None, None)
        broadcast(ping(3)).to_everyone()
        second.__exit__(None, None, None)
        broadcast(ping(4)).to_everyone()

    assert numbers(one) == [1, 2]
    assert numbers(two) == [2, 3]


def test_an_empty_block_says_so_and_clearing_the_record_leaves_it_alone() -> None:
    with fake_broadcasts() as broadcasts:
        with broadcasts.capture() as captured:
            pass
        captured.assert_nothing_broadcast()
        with broadcasts.capture() as captured:
            broadcast(ping()).to_everyone()
            broadcasts.recorded.clear()

    broadcasts.assert_nothing_broadcast()
    captured.assert_broadcast("ping")


async def test_both_colours_threads_and_tasks_are_captured() -> None:
    with fake_broadcasts() as broadcasts, broadcasts.capture() as captured:
        await aio.broadcast(ping(1)).to_everyone()
        await asyncio.create_task(_send(2))
        await asyncio.to_thread(lambda: broadcast(ping(3)).to_everyone())
        worker = threading.Thread(target=lambda: broadcast(ping(4)).to_everyone())
        worker.start()
        await asyncio.to_thread(worker.join, 10)

    assert numbers(captured) == [1, 2, 3, 4]


async def _send(number: int) -> None:
    await aio.broadcast(ping(number)).to_everyone()


def test_the_block_is_left_whatever_happens_in_it() -> None:
    with fake_broadcasts() as broadcasts:
        with pytest.raises(ZeroDivisionError), broadcasts.capture() as captured:
            raise ZeroDivisionError
        broadcast(ping()).to_everyone()

    captured.assert_nothing_broadcast()


def test_what_was_not_sent_in_the_block_explains_its_failures() -> None:
    with fake_broadcasts() as broadcasts:
        broadcast(OrderShipped(order_id=1, note="quiet")).to_everyone()
        with broadcasts.capture() as captured:
            broadcast(OrderShipped(order_id=2, note="quiet")).to_everyone()
            with suppress():
                broadcast(ping()).to_everyone()

    with pytest.raises(AssertionError) as failed:
        captured.assert_broadcast("ping")
    assert str(failed.value).splitlines()[1:] == [
        "nothing was broadcast",
        "asked for and not sent:",
        "  - order.shipped: broadcast_when() said no, or it has no channels",
        "  - ping: broadcast inside suppress()",
    ]
