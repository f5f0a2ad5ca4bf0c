"""What is logged of failures: an outage is no flood."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from broadcastkit.delivery.telling import Failures
from broadcastkit.errors import BadRequestError, ConnectError, InvalidUserError

if TYPE_CHECKING:
    import pytest

    from broadcastkit.errors import BroadcastError


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_an_outage_is_one_line_a_minute_with_the_number_of_messages(caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    failures = Failures(logging.getLogger("broadcastkit"), now=clock)

    def fail(error: BroadcastError, *, connection: str = "main", messages: int = 1) -> None:
        failures.log("broadcast failed", error=error, connection=connection, event="ping", messages=messages)

    for _ in range(100):
        fail(ConnectError("nobody"))
    clock.now += 59.9
    fail(ConnectError("nobody"), messages=10)
    assert caplog.messages == ["broadcast failed: nobody"]
    clock.now += 0.2
    fail(ConnectError("nobody"))
    fail(ConnectError("nobody"))
    assert caplog.messages[1:] == ["broadcast failed: nobody (and 109 more since the last such line)"]
    assert [vars(record)["broadcast_messages"] for record in caplog.records] == [1, 110]


def test_another_connection_another_kind_of_error_and_another_event_are_other_lines(
    caplog: pytest.LogCaptureFixture,
) -> None:
    failures = Failures(logging.getLogger("broadcastkit"))
    for connection, error, event in [
        ("main", ConnectError("nobody"), "ping"),
        ("main", ConnectError("nobody"), "pong"),  # the service's, whichever event
        ("other", ConnectError("nobody"), "ping"),
        ("main", BadRequestError("no", status=400), "ping"),
        ("main", InvalidUserError("no id"), "ping"),
        ("main", InvalidUserError("no id"), "pong"),  # the event's
        ("main", InvalidUserError("no id"), "pong"),
    ]:
        failures.log("failed", error=error, connection=connection, event=event)

    names = ("broadcast_connection", "broadcast_error", "broadcast_event")
    assert [tuple(vars(record)[name] for name in names) for record in caplog.records] == [
        ("main", "ConnectError", "ping"),
        ("other", "ConnectError", "ping"),
        ("main", "BadRequestError", "ping"),
        ("main", "InvalidUserError", "ping"),
        ("main", "InvalidUserError", "pong"),
    ]


def test_a_line_is_said_where_the_failure_was_met(caplog: pytest.LogCaptureFixture) -> None:
    Failures(logging.getLogger("broadcastkit")).log("failed", error=ConnectError("nobody"))

    (record,) = caplog.records
    assert (record.pathname, record.funcName) == (__file__, "test_a_line_is_said_where_the_failure_was_met")


def test_a_mistake_has_its_traceback_and_an_error_of_ours_does_not(caplog: pytest.LogCaptureFixture) -> None:
    failures = Failures(logging.getLogger("broadcastkit"))
    failures.log("failed", error=ConnectError("nobody"))
    failures.log("failed", error=KeyError("x"))

    assert [record.exc_info is not None for record in caplog.records] == [False, True]


def test_what_is_remembered_is_bounded() -> None:
    failures = Failures(logging.getLogger("tests.nobody"))
    for number in range(3000):
        failures.log("failed", error=InvalidUserError("x"), event=f"event.{number}")

    assert len(failures._seen) <= 1000
