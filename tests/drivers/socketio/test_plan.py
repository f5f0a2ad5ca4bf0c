"""The core, with what came of each attempt written out: no server, no clock."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from broadcastkit.core.message import Message
from broadcastkit.core.retry import Retry
from broadcastkit.drivers.base import Outcome, Sent
from broadcastkit.drivers.exchange import Run, Sleep, Sources
from broadcastkit.drivers.socketio.plan import Reply, Sending
from broadcastkit.errors import BadCredentialsError, ConfigurationError, ConnectError, InvalidEventError

if TYPE_CHECKING:
    from collections.abc import Sequence

LOST = ConnectError("no way")


def message(name: str, channel: str = "news") -> Message:
    return Message(name, (channel,), "{}")


def play(
    messages: Sequence[Message], *script: Sequence[Reply], retry: Retry | None = None
) -> tuple[list[Outcome], list[list[str]], list[float]]:
    """Return the outcomes, the events of each attempt, and the waits."""
    core = Sending(where="here", requests=1, retry=retry or Retry(base=1.0), sources=Sources(lambda: 0.0, lambda: 1.0))
    exchange, answers = core.send(messages), iter(script)
    attempts: list[list[str]] = []
    waits: list[float] = []
    replies: Sequence[Reply] | None = None
    while True:
        try:
            effect = exchange.send(replies)
        except StopIteration as done:
            assert next(answers, None) is None
            return done.value, attempts, waits
        if isinstance(effect, Sleep):
            waits.append(effect.seconds)
            replies = None
        else:
            attempts.append([one.event for one in effect.items])
            replies = next(answers)


def test_all_go_at_once() -> None:
    assert play([message("a"), message("b")], [None, None]) == ([Sent(1), Sent(1)], [["a", "b"]], [])


def test_nothing_asks_for_nothing() -> None:
    assert play([]) == ([], [], [])


def test_one_that_cannot_be_carried_touches_no_other() -> None:
    messages = [message("a"), message("b", "private-encrypted-x"), message("connect"), message("c")]

    outcomes, attempts, _ = play(messages, [None, None])

    assert [type(outcome) for outcome in outcomes] == [Sent, ConfigurationError, InvalidEventError, Sent]
    assert attempts == [["a", "c"]]


def test_none_that_can_be_carried_asks_for_nothing() -> None:
    outcomes, attempts, _ = play([message("connect")])

    assert isinstance(outcomes[0], InvalidEventError)
    assert attempts == []


def test_what_was_not_reached_is_tried_again_and_nothing_else() -> None:
    outcomes, attempts, waits = play(
        [message("a"), message("b"), message("c")], [None, LOST, BadCredentialsError("no")], [LOST], [None]
    )

    assert outcomes[:2] == [Sent(1), Sent(1)]
    assert isinstance(outcomes[2], BadCredentialsError)
    assert attempts == [["a", "b", "c"], ["b"], ["b"]]
    assert waits == [1.0, 2.0]


def test_who_gives_up_says_for_each_message_what_failed_and_where() -> None:
    error = ConnectError("no way")
    error.__cause__ = OSError(111)

    outcomes, attempts, _ = play([message("a"), message("b")], [error, error], retry=Retry(attempts=1))

    assert [str(outcome) for outcome in outcomes] == [
        "event 'a' was not sent by here: no way",
        "event 'b' was not sent by here: no way",
    ]
    assert all(isinstance(o, ConnectError) and o.__cause__ is error.__cause__ for o in outcomes)
    assert str(error) == "no way"
    assert attempts == [["a", "b"]]


def test_a_run_is_answered_with_replies() -> None:
    exchange = Sending(where="here", requests=1, retry=Retry(), sources=Sources(lambda: 0.0, lambda: 0.0)).send(
        [message("a")]
    )
    assert isinstance(next(exchange), Run)
    with pytest.raises(TypeError):
        exchange.send(None)
