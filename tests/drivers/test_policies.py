"""Events with a retry of their own: in requests of their own, in order, and as often as they say."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING, Any

import pytest

from broadcastkit import AnonymousEvent, AsyncBroadcaster, Broadcaster, Event
from broadcastkit.core.message import Message
from broadcastkit.core.options import EventOptions
from broadcastkit.core.retry import Retry
from broadcastkit.drivers.base import Outcome, Sent
from broadcastkit.drivers.policies import by_policy, policy_of
from broadcastkit.errors import BadRequestError, ConnectError, DeliveryError, ServiceFailedError
from tests.drivers.redis.test_plan import LOST as LOST_IN_REDIS
from tests.drivers.redis.test_plan import Script, publisher
from tests.drivers.scripted import answer
from tests.drivers.socketio.test_plan import LOST as LOST_EMISSION
from tests.drivers.socketio.test_plan import play as play_emissions
from tests.drivers.talk import Talk, batched, message, reply

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.drivers.colours import Colour
    from tests.drivers.scripted import ScriptedServer

USUAL, OFTEN, ONCE = Retry(), Retry(attempts=6, base=0.0), Retry(attempts=1)


def wish(event: str, channel: str, retry: Retry | None) -> Message:
    return Message(event, (channel,), "{}", options=EventOptions(retry=retry, queue="slow"))


# -- which go together -------------------------------------------------------------------------------------------------


def play(messages: Sequence[Message], outcomes: dict[str, Outcome]) -> tuple[list[Outcome], list[Any]]:
    """Return the outcomes, and what was sent together under which policy."""
    sent: list[Any] = []

    def send(together: Sequence[Message], retry: Retry) -> Generator[None, None, list[Outcome]]:
        sent.append(([one.event for one in together], retry))
        yield
        return [outcomes.get(one.event, Sent(1)) for one in together]

    exchange = by_policy(messages, USUAL, send)
    while True:
        try:
            next(exchange)
        except StopIteration as done:
            return done.value, sent


def test_a_policy_is_the_events_or_else_the_drivers() -> None:
    assert policy_of(message("a"), USUAL) is USUAL
    assert policy_of(wish("a", "x", None), USUAL) is USUAL
    assert policy_of(wish("a", "x", ONCE), USUAL) is ONCE


def test_those_that_follow_one_another_under_one_policy_go_together() -> None:
    messages = [message("a"), wish("b", "x", None), wish("c", "y", ONCE), wish("d", "z", Retry(1)), message("e")]

    outcomes, sent = play(messages, {"d": BadRequestError("no")})

    assert sent == [(["a", "b"], USUAL), (["c", "d"], ONCE), (["e"], USUAL)]
    assert [type(outcome) for outcome in outcomes] == [Sent, Sent, Sent, BadRequestError, Sent]


def test_what_may_be_sent_again_is_not_overtaken_on_its_channel() -> None:
    down = ConnectError("no way", delivered=("served",))
    messages = [message("a", "room"), wish("b", "room", ONCE), wish("c", "other", ONCE), message("d", "room", "wide")]
    messages += [wish("e", "wide", OFTEN), wish("f", "other", OFTEN)]

    outcomes, sent = play(messages, {"a": down})

    assert [events for events, _ in sent] == [["a"], ["c"], [], ["f"]]
    assert [type(outcome) for outcome in outcomes] == [
        ConnectError,
        ConnectError,
        Sent,
        ConnectError,
        ConnectError,
        Sent,
    ]
    later = [outcome for outcome in outcomes[1:] if isinstance(outcome, DeliveryError)]
    assert [error.delivered for error in later] == [(), (), ()]
    assert down.delivered == ("served",)


def test_what_was_refused_for_good_keeps_nobody_back() -> None:
    outcomes, _ = play([message("a", "room"), wish("b", "room", ONCE)], {"a": BadRequestError("no")})

    assert [type(outcome) for outcome in outcomes] == [BadRequestError, Sent]


# -- in each driver's plan ---------------------------------------------------------------------------------------------


def test_pusher_one_event() -> None:
    talk = Talk(*[reply(503)] * 5)
    assert talk.send(wish("a", "x", OFTEN)) == [Sent(1)]
    assert len(talk.asked) == 6

    talk = Talk(reply(503))
    (outcome,) = talk.send(wish("a", "x", ONCE))
    assert isinstance(outcome, ServiceFailedError)
    assert len(talk.asked) == 1


def test_pusher_batches_are_of_one_policy_each() -> None:
    messages = [message("a", "1"), message("b", "2"), wish("c", "3", OFTEN), wish("d", "4", OFTEN), message("e", "5")]
    talk = Talk()

    outcomes = talk.send(*messages)

    assert [batched(asked) for asked in talk.asked] == [
        [("a", "1"), ("b", "2")],
        [("c", "3"), ("d", "4")],
        [("e", "5")],
    ]
    assert outcomes == [Sent(1)] * 5


def test_pusher_each_batch_is_tried_as_often_as_its_policy_says() -> None:
    messages = [wish("a", "1", ONCE), wish("b", "2", ONCE), wish("c", "3", OFTEN), wish("d", "4", OFTEN)]
    talk = Talk(reply(503), *[reply(502)] * 5)

    outcomes = talk.send(*messages)

    assert [type(outcome) for outcome in outcomes] == [ServiceFailedError, ServiceFailedError, Sent, Sent]
    assert [len(batched(asked)) for asked in talk.asked] == [2] * 7


def test_redis_round_trips_are_of_one_policy_each() -> None:
    messages = [message("a", "1"), wish("b", "2", ONCE), wish("c", "3", OFTEN)]
    script = Script([1], [LOST_IN_REDIS], [LOST_IN_REDIS], [LOST_IN_REDIS], [LOST_IN_REDIS], [1])

    outcomes = script.play(publisher(), *messages)

    assert [type(outcome) for outcome in outcomes] == [Sent, type(LOST_IN_REDIS), Sent]
    assert [[command[1] for command in run] for run in script.runs] == [["app_1"], ["app_2"], *[["app_3"]] * 4]


def test_socketio_round_trips_are_of_one_policy_each() -> None:
    messages = [message("a", "1"), wish("b", "2", ONCE), wish("c", "3", OFTEN)]

    outcomes, attempts, _ = play_emissions(messages, [None], [LOST_EMISSION], [LOST_EMISSION], [LOST_EMISSION], [None])

    assert [type(outcome) for outcome in outcomes] == [Sent, type(LOST_EMISSION), Sent]
    assert attempts == [["a"], ["b"], ["c"], ["c"], ["c"]]


# -- from the class option to the wire ---------------------------------------------------------------------------------


class Once(Event, name="once", retry=ONCE):
    def broadcast_on(self) -> str:
        return "news"


class Often(Event, name="often", retry=OFTEN):
    def broadcast_on(self) -> str:
        return "news"


@pytest.mark.parametrize(("event", "requests"), [(Once(), 1), (Often(), 5), (AnonymousEvent("usual", on="news"), 2)])
def test_an_event_says_how_often(
    colour: Colour, scripted: Callable[..., ScriptedServer], event: Any, requests: int
) -> None:
    server = scripted(*[answer(503)] * 4)
    driver = colour.driver(server.url, retry=Retry(attempts=2, base=0.0))
    broadcaster: Any = Broadcaster(driver) if colour.name == "sync" else AsyncBroadcaster(driver)

    try:
        receipt = colour.run(broadcaster.broadcast(event).to_everyone())
    except ServiceFailedError:
        receipt = None

    assert len(server.heard) == requests
    assert (receipt is not None) == (requests == 5)


def test_several_events_are_batched_by_their_policies(colour: Colour, scripted: Callable[..., ScriptedServer]) -> None:
    server = scripted()
    driver = colour.driver(server.url)
    broadcaster: Any = Broadcaster(driver) if colour.name == "sync" else AsyncBroadcaster(driver)
    plain = AnonymousEvent("plain", on="news")

    colour.run(broadcaster.broadcast_many([plain, plain, Once(), Often(), Often(), plain]).to_everyone())

    heard = [[name for name, _ in batched(heard.asked)] for heard in server.heard]
    assert heard == [["plain"] * 2, ["once"], ["often"] * 2, ["plain"]]
