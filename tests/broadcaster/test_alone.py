"""One event, which nothing else concerns, takes a shorter way than several: it must say and send the same."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any

import pytest

from broadcastkit import AnonymousEvent
from broadcastkit.core.message import TracedMessage
from broadcastkit.delivery import Background, Inline
from broadcastkit.drivers.base import ChannelInfo, Sent
from broadcastkit.errors import BadRequestError, BroadcastError
from broadcastkit.observability import Hooks
from tests.broadcaster.orders import Audited, OrderShipped, ping
from tests.broadcaster.stand_ins import Told

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.broadcaster.stand_ins import Both

    MakeBoth = Callable[..., Both]

REFUSED = BadRequestError("refused")
EVENTS = [
    OrderShipped(order_id=7),
    OrderShipped(order_id=0),  # not to be sent
    Audited(order_id=8),  # over two connections
    ping(),
    AnonymousEvent("nowhere"),
    AnonymousEvent("elsewhere", on="news", via="elsewhere"),
    AnonymousEvent("unwritable", object(), on="news"),
]
MODIFIERS: dict[str, Callable[[Any], Any]] = {
    "plain": lambda pending: pending,
    "via": lambda pending: pending.via("audit"),
    "via both": lambda pending: pending.via("audit", "main"),
    "via nowhere": lambda pending: pending.via("nowhere"),
    "on": lambda pending: pending.on("private-a", "b"),
    "on nothing": lambda pending: pending.on(),
    "with info": lambda pending: pending.with_info("user_count"),
}
ANSWERS: dict[str, Callable[[Any], Any]] = {
    "accepted": lambda message: Sent(1),
    "with counts": lambda message: Sent(2, {message.channels[0]: ChannelInfo(user_count=3)}),
    "by a fallback": lambda message: Sent(1, by_fallback=True),
    "refused": lambda message: REFUSED,
}


def said(both: Both, pending: Any) -> str:
    """Return the receipt, or what was raised with what it says became of the event, as text: errors are not equal."""
    try:
        found = both.run(pending.to_others("1.2"))
    except BroadcastError as error:
        return repr((error, error.receipts))
    return repr(found[0] if isinstance(found, tuple) else found)


@pytest.mark.parametrize("number", range(len(EVENTS)))
@pytest.mark.parametrize("delivery", [Inline, Background])
def test_one_event_is_treated_as_a_list_of_one(
    broadcaster: MakeBoth, number: int, delivery: type[Inline | Background]
) -> None:
    for modified, answer, policy in product(MODIFIERS.values(), ANSWERS.values(), ["raise", "report"]):
        found = []
        for many in (False, True):
            told = {"main": Told(answer), "audit": Told(answer)}
            both = broadcaster(told, default="main", on_error=policy, delivery=delivery())
            ours, event = both.broadcaster, EVENTS[number]
            pending = ours.broadcast_many([event]) if many else ours.broadcast(event)
            outcome = said(both, modified(pending))
            both.close()
            found.append((outcome, {name: one.sent for name, one in told.items()}))
        assert found[0] == found[1]


def test_its_errors_are_handed_to_a_callable_policy(broadcaster: MakeBoth) -> None:
    errors: list[BroadcastError] = []
    both = broadcaster(Told(lambda message: REFUSED), on_error=errors.append)

    receipt = both.run(both.broadcaster.broadcast(ping()).to_everyone())

    assert errors == [REFUSED]
    assert receipt.error is REFUSED


def test_a_delivery_that_fails_as_a_whole(broadcaster: MakeBoth) -> None:
    both = broadcaster(Told(raises=REFUSED), on_error="report")

    receipt = both.run(both.broadcaster.broadcast(ping()).to_everyone())

    assert (receipt.delivered, receipt.error) == (False, REFUSED)


class Heard(Hooks):
    def __init__(self) -> None:
        self.events: list[str] = []

    def on_sent(self, sending: Any) -> None:
        self.events += sending.events


class Tracing(Heard):
    def trace(self) -> dict[str, str]:
        return {"traceparent": "00-1-2-01"}


@pytest.mark.parametrize("hooks", [Heard, Tracing])
def test_hooks_are_told_of_it(broadcaster: MakeBoth, hooks: type[Heard]) -> None:
    heard, told = hooks(), Told()
    both = broadcaster(told, hooks=heard)

    both.run(both.broadcaster.broadcast(ping("alone")).to_everyone())

    assert heard.events == ["alone"]
    traces = [message.trace for (message,) in told.sent if isinstance(message, TracedMessage)]
    assert traces == ([{"traceparent": "00-1-2-01"}] if hooks is Tracing else [])
