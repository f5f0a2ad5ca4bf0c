"""The class options that travel with an event's messages."""

from __future__ import annotations

from typing import Any

import pytest

from broadcastkit import AnonymousEvent, Broadcaster, Event
from broadcastkit.core.options import EventOptions
from broadcastkit.core.retry import Retry
from broadcastkit.drivers.memory import MemoryDriver
from broadcastkit.errors import ConfigurationError


class Plain(Event):
    def broadcast_on(self) -> str:
        return "news"


class Urgent(Plain, queue="high", tries=20):
    pass


class Heir(Urgent, tries=3, retry=Retry(attempts=1)):
    pass


class Grandchild(Heir):
    pass


@pytest.mark.parametrize(
    ("event", "options"),
    [
        (Plain, None),
        (Urgent, EventOptions(queue="high", tries=20)),
        (Heir, EventOptions(Retry(attempts=1), "high", 3)),
        (Grandchild, EventOptions(Retry(attempts=1), "high", 3)),
    ],
)
def test_an_event_inherits_what_it_does_not_change(event: type[Plain], options: EventOptions | None) -> None:
    assert event.event_options == event().event_options == options
    driver = MemoryDriver()
    Broadcaster(driver).broadcast(event()).to_everyone()
    (message,) = driver.messages
    assert message.options == options


def test_an_anonymous_event_has_none() -> None:
    assert AnonymousEvent("ping", on="news").event_options is None


@pytest.mark.parametrize("wrong", [{"tries": 0}, {"queue": 7}, {"backoff": -1}, {"retry": 3}])
def test_a_wrong_one_is_named_when_the_class_is_made(wrong: dict[str, Any]) -> None:
    (name,) = wrong
    with pytest.raises(ConfigurationError, match=f"^{name} must be"):

        class Wrong(Event, **wrong):
            pass
