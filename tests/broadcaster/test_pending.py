"""A broadcast that is being put together: a value, sent by its terminals and by nothing else."""

from __future__ import annotations

import copy
import gc
import inspect
import warnings
from typing import TYPE_CHECKING, Any

import pytest

from broadcastkit import (
    AnonymousEvent,
    AsyncBroadcaster,
    Broadcaster,
    BroadcastNotSentWarning,
    Channel,
    PendingBroadcast,
    PrivateChannel,
    Receipt,
    aio,
    broadcast,
    broadcast_many,
    configure,
)
from broadcastkit.drivers.memory import AsyncMemoryDriver, MemoryDriver
from broadcastkit.errors import ConfigurationError, InvalidChannelError
from broadcastkit.pending import channel_names

if TYPE_CHECKING:
    from collections.abc import Callable

    from broadcastkit.core.message import Message

KEPT: list[Message] = []


@pytest.fixture(autouse=True)
def kept() -> list[Message]:
    """What both colours of the module-level functions sent."""
    KEPT.clear()
    configure(Broadcaster({"main": MemoryDriver(KEPT), "other": MemoryDriver(KEPT)}, default="main"))
    configure(AsyncBroadcaster({"main": AsyncMemoryDriver(KEPT), "other": AsyncMemoryDriver(KEPT)}, default="main"))
    return KEPT


def ping(name: str = "ping") -> AnonymousEvent:
    return AnonymousEvent(name, on="news")


# -- a value -----------------------------------------------------------------------------------------------------------


def test_a_modifier_returns_another_one_and_changes_nothing(kept: list[Message]) -> None:
    first = broadcast(ping())
    second = first.on("a", Channel("b"))
    third = second.via("other").with_info("subscription_count")

    assert len({id(pending) for pending in (first, second, third)}) == 3
    first.to_everyone()
    second.to_everyone()
    receipt = third.to_others("1.2")

    assert [(message.channels, message.info, message.exclude) for message in kept] == [
        (("news",), (), None),
        (("a", "b"), (), None),
        (("a", "b"), ("subscription_count",), "1.2"),
    ]
    assert [connection.connection for connection in receipt.connections] == ["other"]


def test_one_pending_broadcast_may_be_sent_more_than_once(kept: list[Message]) -> None:
    pending = broadcast(ping())

    pending.to_others("1.2")
    pending.to_everyone()

    assert [message.exclude for message in kept] == ["1.2", None]


def test_the_last_word_of_a_modifier_counts(kept: list[Message]) -> None:
    broadcast(ping()).on("a").on("b").to_everyone()

    assert kept[0].channels == ("b",)


def test_it_says_what_it_is() -> None:
    one, several = broadcast(ping()), broadcast_many([ping("a"), ping("b")])

    assert isinstance(one, PendingBroadcast)
    assert repr(one) == "<pending broadcast of ping>"
    assert repr(several) == "<pending broadcast of a, b>"
    one.to_everyone()
    several.to_everyone()


def test_wrong_words_are_refused_where_they_are_said(kept: list[Message]) -> None:
    pending = broadcast(ping())

    with pytest.raises(InvalidChannelError):
        pending.on("no such name")
    with pytest.raises(ConfigurationError, match="a channel is a Channel or a full name, not int"):
        pending.on(7)  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match=r"with_info takes \['subscription_count', 'user_count'\]"):
        pending.with_info("cache")

    pending.to_everyone()
    assert len(kept) == 1


# -- dropped unsent ----------------------------------------------------------------------------------------------------


DROPPED: dict[str, Callable[[], Any]] = {
    "broadcast": lambda: broadcast(ping()),
    "broadcast_many": lambda: broadcast_many([ping()]),
    "aio.broadcast": lambda: aio.broadcast(ping()),
    "aio.broadcast_many": lambda: aio.broadcast_many([ping()]),
    "a broadcaster's": lambda: Broadcaster(MemoryDriver(KEPT)).broadcast(ping()),
    "a broadcaster's many": lambda: Broadcaster(MemoryDriver(KEPT)).broadcast_many([ping()]),
    "an async broadcaster's": lambda: AsyncBroadcaster(AsyncMemoryDriver(KEPT)).broadcast(ping()),
    "with modifiers": lambda: broadcast(ping()).via("other").on("a"),
}


@pytest.mark.parametrize("begin", DROPPED.values(), ids=DROPPED)
def test_one_that_is_dropped_unsent_warns_at_the_line_that_began_it_and_sends_nothing(
    begin: Callable[[], Any], kept: list[Message]
) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        begin()
        gc.collect()

    (warning,) = caught
    assert warning.category is BroadcastNotSentWarning
    assert str(warning.message) == "broadcast of ping was never sent: end it with .to_others() or .to_everyone()"
    assert warning.filename == __file__
    assert warning.lineno == begin.__code__.co_firstlineno
    assert kept == []


def test_every_event_is_named() -> None:
    with pytest.warns(BroadcastNotSentWarning, match=r"broadcast of a, b was never sent"):
        broadcast_many([ping("a"), ping("b")])


def test_where_many_lines_lead_to_it_the_one_that_called_counts() -> None:
    def helper() -> None:
        broadcast(ping())

    with pytest.warns(BroadcastNotSentWarning) as caught:
        helper()

    assert caught[0].lineno == inspect.getsourcelines(helper)[1] + 1


@pytest.mark.filterwarnings("error")
def test_one_that_is_sent_or_built_upon_does_not_warn(kept: list[Message]) -> None:
    pending = broadcast(ping())
    derived = pending.on("a")
    del pending
    derived.to_everyone()
    del derived
    gc.collect()

    assert len(kept) == 1


@pytest.mark.filterwarnings("error")
def test_one_that_was_refused_does_not_warn() -> None:
    with pytest.raises(ConfigurationError):
        broadcast(ping()).via("nowhere").to_everyone()
    gc.collect()


def test_the_warning_can_be_an_error_without_anything_being_sent(kept: list[Message]) -> None:
    unraisable: list[Any] = []
    with warnings.catch_warnings(), pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.unraisablehook", unraisable.append)
        warnings.simplefilter("error", BroadcastNotSentWarning)
        broadcast(ping())
        gc.collect()

    assert [type(args.exc_value) for args in unraisable] == [BroadcastNotSentWarning]
    assert kept == []


def test_one_that_could_not_be_made_does_not_complain() -> None:
    half_made = object.__new__(PendingBroadcast)

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        del half_made
        gc.collect()


async def test_a_terminal_that_is_not_awaited_warns_as_a_coroutine_does(kept: list[Message]) -> None:
    terminal = aio.broadcast(ping()).to_everyone

    with pytest.warns(RuntimeWarning, match="was never awaited"):
        terminal()  # type: ignore[unused-coroutine]  # what is being tested
    assert kept == []


def test_a_copy_is_one_of_its_own(kept: list[Message]) -> None:
    pending = broadcast(ping())

    copy.copy(pending).to_everyone()
    pending.to_everyone()

    assert len(kept) == 2


# -- channels ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("where", "names"),
    [
        ("news", ("news",)),
        (PrivateChannel("a"), ("private-a",)),
        (["news", PrivateChannel("a"), Channel("news")], ("news", "private-a")),
        ((name for name in ("b", "a", "b")), ("b", "a")),
        ([], ()),
    ],
)
def test_channels_are_named_once_each_in_order(where: Any, names: tuple[str, ...]) -> None:
    assert channel_names(where) == names


@pytest.mark.parametrize(
    ("where", "said"),
    [
        (None, r"broadcast_on\(\) returned None; return channels, or an empty list for nobody"),
        ([None], "a channel is a Channel or a full name, not NoneType"),
        ([b"news"], "a channel is a Channel or a full name, not bytes"),
    ],
)
def test_what_is_no_channel_is_a_mistake_of_the_class(where: Any, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        channel_names(where)


def test_a_receipt_says_what_became_of_it() -> None:
    receipt = broadcast(ping()).to_others("1.2")

    assert isinstance(receipt, Receipt)
    assert receipt.event == "ping"
    assert list(receipt.channels) == ["news"]
    assert receipt.excluded_socket == "1.2"
    assert receipt.delivered
    assert not receipt.queued
    assert receipt.error is None
    with pytest.raises(AttributeError):
        receipt.event = "pong"  # type: ignore[misc]
