"""The plan by itself: commands, what is tried again, and what came of each message. The test is Redis."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from broadcastkit.core.message import Message
from broadcastkit.core.retry import Retry
from broadcastkit.drivers.base import Outcome, Sent
from broadcastkit.drivers.exchange import Run, Sleep, Sources
from broadcastkit.drivers.redis.plan import SCRIPT, Publisher
from broadcastkit.drivers.redis_io.wire import Reply
from broadcastkit.errors import (
    BadCredentialsError,
    BadRequestError,
    ConfigurationError,
    ConnectionLostError,
    DeliveryError,
    ForbiddenError,
    NoReplyError,
    ServiceFailedError,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from broadcastkit.drivers.redis_io.wire import Command

A, B = '{"event":"a","data":1,"socket":null}', '{"event":"b","data":2,"socket":"1.2"}'
LOST, LOADING = ConnectionLostError("broken"), ServiceFailedError("loading")


def publisher(*, cluster: bool = False, attempts: int = 3) -> Publisher:
    sources = Sources(monotonic=lambda: 0.0, random=lambda: 0.5)
    return Publisher(prefix="app_", where="here", cluster=cluster, retry=Retry(attempts), sources=sources)


def message(name: str, *channels: str, data: str = "1", exclude: str | None = None) -> Message:
    return Message(name, channels, data, exclude)


class Script:
    """Answers runs with what it was given, and notes what it was asked."""

    def __init__(self, *replies: Sequence[Reply]) -> None:
        self._replies = list(replies)
        self.runs: list[list[Command]] = []
        self.slept: list[float] = []

    def play(self, publisher: Publisher, *messages: Message) -> list[Outcome]:
        exchange = publisher.send(messages)
        answer: Any = None
        while True:
            try:
                effect = exchange.send(answer)
            except StopIteration as done:
                assert not self._replies, "more was expected"
                outcomes: list[Outcome] = done.value
                return outcomes
            if isinstance(effect, Run):
                self.runs.append(list(effect.items))
                answer = self._replies.pop(0)
            else:
                assert isinstance(effect, Sleep)
                self.slept.append(effect.seconds)
                answer = None


def test_messages_to_one_channel_each_are_one_round_trip_of_publishes() -> None:
    script = Script([1, 0])

    outcomes = script.play(publisher(), message("a", "x"), message("b", "private-y", data="2", exclude="1.2"))

    assert outcomes == [Sent(1), Sent(1)]
    assert script.runs == [[("PUBLISH", "app_x", A), ("PUBLISH", "app_private-y", B)]]


def test_a_message_to_several_channels_is_one_script_with_its_text_once() -> None:
    script = Script([[1, 0]])

    assert script.play(publisher(), message("a", "x", "y")) == [Sent(1)]
    assert script.runs == [[("EVAL", SCRIPT, 0, A, "app_x", "app_y")]]


def test_nothing_is_sent_for_nothing() -> None:
    assert Script().play(publisher()) == []


def test_the_first_script_ends_its_round_trip_and_later_ones_do_not() -> None:
    """If it is refused, what follows on its channels must not have gone before it."""
    one = publisher()
    messages = [message("a", "x"), message("a", "x", "y"), message("a", "y"), message("a", "x", "y")]

    first = Script([1, [1, 1]], [1, [1, 1]])
    assert first.play(one, *messages) == [Sent(1)] * 4
    assert [[command[0] for command in run] for run in first.runs] == [["PUBLISH", "EVAL"], ["PUBLISH", "EVAL"]]

    second = Script([1, [1, 1], 1, [1, 1]])
    assert second.play(one, *messages) == [Sent(1)] * 4


@pytest.mark.parametrize("refusal", [ForbiddenError("no eval for you"), BadRequestError("unknown command")])
def test_where_scripts_are_forbidden_each_channel_is_published_to(refusal: DeliveryError) -> None:
    one = publisher()
    messages = [message("a", "x", "y"), message("a", "y", "z")]

    script = Script([refusal], [1, 1, 1, 1])
    assert script.play(one, *messages) == [Sent(1), Sent(1)]
    assert [command[:2] for command in script.runs[1]] == [
        ("PUBLISH", "app_x"),
        ("PUBLISH", "app_y"),
        ("PUBLISH", "app_y"),
        ("PUBLISH", "app_z"),
    ]

    assert Script([1, 1]).play(one, messages[0]) == [Sent(1)]  # and it is not asked again


def test_a_script_that_did_not_get_there_says_nothing_about_scripts() -> None:
    one = publisher(attempts=1)

    (outcome,) = Script([LOST]).play(one, message("a", "x", "y"))
    assert isinstance(outcome, ConnectionLostError)

    assert Script([[1, 1]]).play(one, message("a", "x", "y")) == [Sent(1)]


def test_a_cluster_gets_plain_publishes_and_each_is_a_request() -> None:
    script = Script([1, 1, 1])

    assert script.play(publisher(cluster=True), message("a", "x", "y"), message("a", "z")) == [Sent(2), Sent(1)]
    assert [command[:2] for command in script.runs[0]] == [
        ("PUBLISH", "app_x"),
        ("PUBLISH", "app_y"),
        ("PUBLISH", "app_z"),
    ]


def test_what_was_lost_is_tried_again_and_nothing_else() -> None:
    script = Script([1, LOST], [LOST], [1])

    assert script.play(publisher(), message("a", "x"), message("a", "y")) == [Sent(1), Sent(1)]
    assert [[command[1] for command in run] for run in script.runs] == [["app_x", "app_y"], ["app_y"], ["app_y"]]
    assert script.slept == [0.05, 0.1]  # 0.1 s doubling, and half of it for jitter


def test_after_so_many_attempts_the_error_names_event_and_place() -> None:
    (outcome,) = Script([LOST], [LOST], [LOST]).play(publisher(), message("a", "x"))

    assert isinstance(outcome, ConnectionLostError)
    assert str(outcome) == "event 'a' was not published by here: broken"
    assert outcome.delivered == ()


def test_a_server_that_reads_its_data_in_is_waited_for() -> None:
    assert Script([LOADING], [2]).play(publisher(), message("a", "x")) == [Sent(1)]


def test_each_of_a_round_has_the_outcome_of_its_own_reply() -> None:
    messages = [message("a", "x"), message("b", "x", data="2"), message("c", "y", data="3")]

    first, *others = Script([LOADING, 1, 1]).play(publisher(attempts=1), *messages)
    assert isinstance(first, ServiceFailedError)
    assert others == [Sent(1), Sent(1)]

    # and what was taken is not published again
    again = Script([LOADING, 1, 1], [1])
    assert again.play(publisher(), *messages) == [Sent(1)] * 3
    assert [[command[2] for command in run] for run in again.runs[1:]] == [[A]]


def test_only_what_is_worth_it_is_tried_again() -> None:
    """A publish that was not answered for in time may have been done, whatever became of another one."""
    script = Script([LOADING, NoReplyError("silence"), 1], [1])

    outcomes = script.play(publisher(), message("a", "x"), message("a", "y"), message("a", "z"))

    assert [type(outcome) for outcome in outcomes] == [Sent, NoReplyError, Sent]
    assert [command[1] for command in script.runs[1]] == ["app_x"]


def test_what_is_tried_again_keeps_its_place() -> None:
    """So that channels are named in their order, and the script is the last of its round trip."""
    one = publisher()
    first = Script([LOADING, ForbiddenError("no eval for you")], [1], [1, 1])

    assert first.play(one, message("a", "x"), message("a", "x", "y")) == [Sent(1), Sent(1)]
    assert [[command[0] for command in run] for run in first.runs] == [
        ["PUBLISH", "EVAL"],
        ["PUBLISH"],
        ["PUBLISH"] * 2,
    ]

    forbidden = ForbiddenError("not this channel")
    (partly,) = Script([LOADING, forbidden, 1], [1]).play(one, message("a", "x", "secret", "y"))
    assert isinstance(partly, ForbiddenError)
    assert partly.delivered == ("x", "y")


@pytest.mark.parametrize("error", [NoReplyError("silence"), BadCredentialsError("who?"), ForbiddenError("no")])
def test_what_may_have_been_done_or_will_not_change_is_not_tried_again(error: DeliveryError) -> None:
    (outcome,) = Script([error]).play(publisher(), message("a", "x"))

    assert type(outcome) is type(error)


def test_one_channel_that_is_forbidden_touches_no_other() -> None:
    forbidden = ForbiddenError("not this channel")
    script = Script([1, [1, forbidden, 1]])

    fine, partly = script.play(publisher(), message("a", "x"), message("b", "x", "secret", "y"))

    assert fine == Sent(1)
    assert isinstance(partly, ForbiddenError)
    assert partly.delivered == ("x", "y")
    assert forbidden.delivered == ()  # it may be another message's too


def test_a_channel_that_cannot_be_carried_is_refused_before_anything_is_sent() -> None:
    script = Script([1])

    outcomes = script.play(publisher(), message("a", "x", "private-encrypted-y"), message("a", "x"))

    assert isinstance(outcomes[0], ConfigurationError)
    assert outcomes[1] == Sent(1)
    assert len(script.runs[0]) == 1


def test_a_refused_one_is_not_made_up_for_by_one_with_two_commands() -> None:
    script = Script([1, 1])

    outcomes = script.play(publisher(cluster=True), message("a", "private-encrypted-y"), message("a", "x", "y"))

    assert [type(outcome) for outcome in outcomes] == [ConfigurationError, Sent]
    assert outcomes[1] == Sent(2)


def test_a_run_must_be_answered() -> None:
    exchange = publisher().send([message("a", "x")])
    next(exchange)

    with pytest.raises(TypeError, match="answered with replies"):
        exchange.send(None)
