"""Messages whose end somebody wants to know of."""

from __future__ import annotations

import pytest

from broadcastkit.core.message import Message, traced
from broadcastkit.delivery.envelope import Envelope
from broadcastkit.delivery.watched import Watched, settle

MESSAGE = Message("shipped", ("news", "orders"), "{}")


def test_it_is_the_message_in_all_else() -> None:
    watched = Watched.of(MESSAGE, lambda: None)

    assert watched == MESSAGE
    assert repr(watched) == repr(MESSAGE)
    assert Envelope("default", watched, "1").to_json() == Envelope("default", MESSAGE, "1").to_json()


def test_it_tells_whatever_becomes_of_it() -> None:
    told: list[str] = []
    watched = Watched.of(MESSAGE, lambda: told.append("settled"))

    settle([MESSAGE, watched, watched._replace(channels=("news",)), traced(watched, {"traceparent": "00"})])

    assert told == ["settled"] * 3


def test_that_telling_fails_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    told: list[str] = []

    settle([Watched.of(MESSAGE, lambda: 1 / 0), Watched.of(MESSAGE, lambda: told.append("settled"))])  # type: ignore[arg-type]

    assert told == ["settled"]
    (record,) = caplog.records
    assert (record.name, record.getMessage()) == ("broadcastkit.delivery", "on_settled failed")
