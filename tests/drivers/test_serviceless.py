"""The drivers without a service: log, null, memory."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from broadcastkit.authorization import SubscriptionGrant, UserGrant
from broadcastkit.core.message import Message
from broadcastkit.drivers import DRIVERS, driver_class
from broadcastkit.drivers.base import Sent
from broadcastkit.drivers.log import AsyncLogDriver, LogDriver
from broadcastkit.drivers.memory import AsyncMemoryDriver, MemoryDriver
from broadcastkit.drivers.null import AsyncNullDriver, NullDriver
from broadcastkit.errors import ConfigurationError
from tests.drivers.talk import message

SYNC = [LogDriver, NullDriver, MemoryDriver]
ASYNC = [AsyncLogDriver, AsyncNullDriver, AsyncMemoryDriver]


def test_a_line_of_the_log_has_its_facts_as_fields_and_the_payload_at_debug_only(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    sent = message("order.shipped", "a", "b", data='{"note":"naïve ✓"}', exclude="1.2")

    assert LogDriver().send([sent, message()]) == [Sent(), Sent()]

    line, debug, other, _ = caplog.records
    assert line.name == "broadcastkit.log"
    assert line.levelname == "INFO"
    assert line.getMessage() == "broadcast order.shipped on a, b except 1.2 (21 bytes)"
    fields = {key: value for key, value in vars(line).items() if key.startswith("broadcast_")}
    assert fields == {
        "broadcast_event": "order.shipped",
        "broadcast_channels": ("a", "b"),
        "broadcast_excluded": "1.2",
        "broadcast_bytes": 21,
    }
    assert debug.levelname == "DEBUG"
    assert debug.getMessage() == 'payload of order.shipped: {"note":"naïve ✓"}'
    assert other.getMessage() == "broadcast ping on news (2 bytes)"


async def test_the_awaited_log_writes_the_same(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)

    assert await AsyncLogDriver().send([message()]) == [Sent()]

    assert [record.getMessage() for record in caplog.records] == ["broadcast ping on news (2 bytes)"]


def test_logger_and_level_are_settings(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    LogDriver(logger="app.broadcasts", level=logging.WARNING).send([message()])

    assert [(record.name, record.levelname) for record in caplog.records] == [
        ("app.broadcasts", "WARNING"),
        ("app.broadcasts", "DEBUG"),
    ]


async def test_memory_keeps_messages_and_both_colours_can_share_one_list() -> None:
    kept: list[Message] = []

    MemoryDriver(kept).send([message("a")])
    await AsyncMemoryDriver(kept).send([message("b"), message("c")])

    assert [one.event for one in kept] == ["a", "b", "c"]
    assert MemoryDriver().messages == []


@pytest.mark.parametrize("make", SYNC)
def test_nothing_is_signed_and_nobody_can_be_asked_about(make: type[Any]) -> None:
    driver = make()

    assert driver.blocking is False
    assert driver.answer_subscription(SubscriptionGrant("1.2", "private-a")).as_dict() == {"auth": ""}
    present = driver.answer_subscription(SubscriptionGrant("1.2", "presence-a", '{"user_id":"7"}'))
    assert present.as_dict() == {"auth": "", "channel_data": '{"user_id":"7"}'}
    assert driver.answer_user(UserGrant("1.2", '{"id":"7"}')).as_dict() == {"auth": "", "user_data": '{"id":"7"}'}
    for ask in (
        driver.channels_info,
        lambda: driver.channel_info("news"),
        lambda: driver.users_info("presence-a"),
        lambda: driver.terminate_user_connections("7"),
    ):
        with pytest.raises(ConfigurationError, match=f"{make.__name__} has no service behind it"):
            ask()


@pytest.mark.parametrize("make", ASYNC)
async def test_nor_in_the_other_colour(make: type[Any]) -> None:
    driver = make()

    assert driver.answer_subscription(SubscriptionGrant("1.2", "private-a")).auth == ""
    for ask in (
        driver.channels_info,
        lambda: driver.channel_info("news"),
        lambda: driver.users_info("presence-a"),
        lambda: driver.terminate_user_connections("7"),
    ):
        with pytest.raises(ConfigurationError, match=f"{make.__name__} has no service behind it"):
            await ask()


def test_a_driver_is_found_by_name_in_both_colours() -> None:
    assert driver_class("null", asynchronous=False) is NullDriver
    assert driver_class("null", asynchronous=True) is AsyncNullDriver
    with pytest.raises(ConfigurationError, match=f"'ably' is no driver; there are: {', '.join(DRIVERS)}"):
        driver_class("ably", asynchronous=False)
