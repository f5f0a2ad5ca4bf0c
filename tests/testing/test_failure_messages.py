"""The text of a failed assertion: every broadcast, and why it is not the one."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

import pytest

from broadcastkit import AnonymousEvent, Broadcaster, Event, broadcast, configure
from broadcastkit.channels import UserChannel
from broadcastkit.drivers.null import NullDriver
from broadcastkit.socket_id import socket_id_scope
from broadcastkit.testing import Broadcasts, fake_broadcasts

if TYPE_CHECKING:
    from collections.abc import Callable


class MessageSent(Event):
    id: int
    content: str
    to: tuple[int, ...]

    def broadcast_on(self) -> list[UserChannel]:
        return [UserChannel(user_id=user_id) for user_id in self.to]


class MessageEdited(MessageSent):
    def broadcast_when(self) -> bool:
        return self.id > 0


def failure(assertion: Callable[[], None]) -> str:
    with pytest.raises(AssertionError) as failed:
        assertion()
    return str(failed.value)


def is_greeting(event: MessageSent) -> bool:
    return event.content == "Hello"


@pytest.fixture
def broadcasts() -> Broadcasts:
    configure(Broadcaster({"pusher": NullDriver()}, on_error="report"))
    with fake_broadcasts() as broadcasts:
        with socket_id_scope("12.34"):
            broadcast(MessageSent(id=1, content="naïve ✓", to=(1, 2))).to_others()
        broadcast(MessageSent(id=2, content="Hello", to=(3,))).to_everyone()
        broadcast(AnonymousEvent("room.opened", ["a", "b"], on="rooms")).to_others()
        broadcast(MessageEdited(id=0, content="", to=(3,))).to_others()
        broadcast(MessageEdited(id=3, content="x" * 20_000, to=(3,))).to_others()
    return broadcasts


def test_each_broadcast_is_listed_with_what_does_not_fit(broadcasts: Broadcasts) -> None:
    text = failure(
        lambda: broadcasts.assert_broadcast(
            MessageSent, on=UserChannel(user_id=3), to_others=True, via="pusher", where=is_greeting
        )
    )

    line = inspect.getsourcelines(is_greeting)[1]
    head, refused = text.rsplit("\n", 1)
    assert head == (
        "expected a broadcast of MessageSent on private-user.3 to others over pusher "
        f"where is_greeting (line {line}), found none\n"
        "3 recorded:\n"
        "  1. message.sent (MessageSent) on private-user.1, private-user.2, to others (except 12.34), over pusher\n"
        "     - channels missing: private-user.3\n"
        "     - where(event) was False\n"
        '     payload: {"id": 1, "content": "naïve ✓", "to": [1, 2]}\n'
        "  2. message.sent (MessageSent) on private-user.3, to everyone, over pusher\n"
        "     - sent to everyone, not to others\n"
        '     payload: {"id": 2, "content": "Hello", "to": [3]}\n'
        "  3. room.opened (AnonymousEvent) on rooms, to others (no current client), over pusher\n"
        "     - another event: AnonymousEvent is no MessageSent\n"
        '     payload: ["a", "b"]\n'
        "asked for and not sent:\n"
        "  - message.edited: broadcast_when() said no, or it has no channels"
    )
    assert refused.startswith(
        "  - message.edited: refused by 'pusher': PayloadTooLargeError: event 'message.edited': the payload has 20"
    )


def test_a_wrong_number_says_which_fit(broadcasts: Broadcasts) -> None:
    text = failure(lambda: broadcasts.assert_broadcast("message.sent", times=3))

    assert text.startswith("expected 3 broadcasts of 'message.sent', found 2\n3 recorded:\n")
    assert text.count("     - fits\n") == 2
    assert text.count("     - another event\n") == 1


def test_what_was_not_expected_is_pointed_out(broadcasts: Broadcasts) -> None:
    text = failure(lambda: broadcasts.assert_not_broadcast(MessageSent, to_others=False))

    assert text.startswith("expected no broadcast of MessageSent to everyone, found 1\n")
    assert "     - sent to others, not to everyone\n" in text
    assert text.count("     - fits\n") == 1


def test_where_nothing_should_have_been_broadcast_all_of_it_is_shown(broadcasts: Broadcasts) -> None:
    text = failure(broadcasts.assert_nothing_broadcast)

    assert text.startswith("expected no broadcast at all\n3 recorded:\n  1. message.sent")
    assert "not sent" not in text


def test_nothing_was_broadcast() -> None:
    with fake_broadcasts() as broadcasts:
        pass

    assert failure(lambda: broadcasts.assert_broadcast("ping", times=1)) == (
        "expected 1 broadcast of 'ping', found none\nnothing was broadcast"
    )


def test_connections_that_are_missing_are_named(broadcasts: Broadcasts) -> None:
    text = failure(lambda: broadcasts.assert_broadcast("room.opened", via=["pusher", "audit", "log"]))

    assert "     - not sent over: audit, log\n" in text


def test_long_payloads_are_laid_out_and_very_long_ones_cut() -> None:
    with fake_broadcasts() as broadcasts:
        broadcast(AnonymousEvent("long", {"items": ["item"] * 20}, on="news")).to_everyone()
        broadcast(AnonymousEvent("longer", "x" * 9_000, on="news")).to_everyone()

    text = failure(broadcasts.assert_nothing_broadcast)
    assert '     payload: {\n       "items": [\n         "item",\n' in text
    assert text.endswith("… (9002 characters)")


def test_a_predicate_is_named_so_that_it_can_be_found() -> None:
    class Greets:
        def __call__(self, event: object) -> bool:
            return False

        def __repr__(self) -> str:
            return "Greets()"

    def unnamed(where: Callable[[object], bool]) -> str:
        with fake_broadcasts() as broadcasts:
            return failure(lambda: broadcasts.assert_broadcast("ping", where=where))

    assert "where <lambda> (line " in unnamed(lambda event: True)
    assert "where Greets()," in unnamed(Greets())


def test_the_traceback_ends_at_the_assertion_in_the_test(broadcasts: Broadcasts) -> None:
    for assertion in (
        broadcasts.assert_broadcast,
        broadcasts.assert_not_broadcast,
        broadcasts.assert_nothing_broadcast,
    ):
        assert "__tracebackhide__" in assertion.__code__.co_varnames
