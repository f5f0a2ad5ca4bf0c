"""Background delivery where no thread can be started, as at the end of a program on Python 3.12.0 to 3.12.2."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence

import pytest

from broadcastkit import Broadcaster, Event
from broadcastkit.core.message import Message
from broadcastkit.delivery import Background, Statistics, background_threads
from broadcastkit.drivers.base import Outcome
from broadcastkit.errors import ConnectError, NotSentError, RateLimitedError
from tests.delivery.held import SECONDS, Held, message

REFUSAL = "can't create new thread at interpreter shutdown"
Failure = tuple[str, type[Exception]]


@pytest.fixture
def allow(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], None]]:
    """No thread of ours can be started until this is called."""
    start, refused = threading.Thread.start, threading.Event()
    refused.set()

    def refuse(thread: threading.Thread) -> None:
        if refused.is_set() and thread.name.startswith("broadcastkit"):
            raise RuntimeError(REFUSAL)
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", refuse)
    yield refused.clear
    refused.clear()


@pytest.fixture
def unlent(allow: Callable[[], None], monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """See allow; and who broadcasts does not send."""
    monkeypatch.setattr(background_threads, "_LENT", 0.0)
    return allow


class Noting(Held):
    """Notes by which threads it is asked."""

    def __init__(self) -> None:
        super().__init__(released=True)
        self.threads: list[str] = []

    def send(self, messages: Sequence[Message]) -> list[Outcome]:
        self.threads.append(threading.current_thread().name)
        return super().send(messages)


pytestmark = pytest.mark.usefixtures("allow")


def test_who_broadcasts_sends() -> None:
    delivery, driver = Background(), Noting()

    delivery.deliver("main", driver, [message(f"e{number}") for number in range(12)])

    assert [len(request) for request in driver.requests] == [10, 2]
    assert set(driver.threads) == {threading.current_thread().name}
    assert delivery.statistics() == Statistics(sent=12)


def test_and_tries_again_what_the_service_could_not_take() -> None:
    delivery, driver = Background(), Noting()
    driver.once["e"] = ConnectError("refused")

    delivery.deliver("main", driver, [message("e")])
    assert delivery.flush(SECONDS)

    assert driver.requests == [["e"], ["e"]]
    assert delivery.statistics() == Statistics(sent=1)


def test_who_closes_sends_what_waits(unlent: Callable[[], None]) -> None:
    delivery, driver = Background(), Noting()
    delivery.deliver("main", driver, [message("a", "room"), message("b", "room")])
    assert (driver.requests, delivery.statistics()) == ([], Statistics(waiting=2))

    delivery.close()

    assert driver.requests == [["a", "b"]]
    assert driver.threads == [threading.current_thread().name]
    assert delivery.statistics() == Statistics(sent=2)


@pytest.mark.parametrize("timeout", [SECONDS, None])
def test_who_flushes_sends_too(unlent: Callable[[], None], timeout: float | None) -> None:
    delivery, driver = Background(), Noting()
    delivery.deliver("main", driver, [message("e")])

    assert not delivery.flush(0.0)
    assert delivery.flush(timeout)

    assert driver.requests == [["e"]]


@pytest.mark.parametrize("drain", [0.0, 0.2])
def test_who_closes_gives_up_when_time_is_up(unlent: Callable[[], None], drain: float) -> None:
    told: list[Failure] = []
    delivery, driver = (
        Background(drain=drain, on_failed=lambda _, one, error: told.append((one.event, type(error)))),
        Noting(),
    )
    driver.outcomes["e"] = RateLimitedError("later", retry_after=30.0)
    delivery.deliver("main", driver, [message("e")])

    delivery.close()

    assert len(driver.requests) == (1 if drain else 0)
    assert told == [("e", NotSentError)]
    assert delivery.statistics() == Statistics(dropped=1)


def test_once_threads_can_be_started_again_one_sends(unlent: Callable[[], None]) -> None:
    delivery, driver = Background(), Noting()
    delivery.deliver("main", driver, [message("a", "room")])
    unlent()
    delivery.deliver("main", driver, [message("b", "room")])

    assert delivery.flush(SECONDS)

    assert driver.requests == [["a", "b"]]
    assert driver.threads == ["broadcastkit"]
    delivery.close()


def test_it_need_not_wait_for_another_broadcast(unlent: Callable[[], None]) -> None:
    delivery, driver = Background(), Noting()
    delivery.deliver("main", driver, [message("a")])
    unlent()

    delivery.close()

    assert driver.threads == ["broadcastkit"]


def test_who_waits_for_room_makes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background_threads, "_LENT", 0.01)
    delivery, driver = Background(size=1), Noting()
    driver.once["a"] = RateLimitedError("later", retry_after=0.1)

    for event in "abc":
        delivery.deliver("main", driver, [message(event, "room")])
    delivery.close()

    assert driver.requests == [["a"], ["a"], ["b"], ["c"]]


def test_one_caller_sends_for_the_others() -> None:
    delivery, driver = Background(), Held()
    first = threading.Thread(target=delivery.deliver, args=("main", driver, [message("first")]))
    first.start()
    driver.wait_for(1)

    delivery.deliver("main", driver, [message("second")])  # at once: somebody sends

    assert driver.requests == [["first"]]
    driver.release(2)
    first.join(SECONDS)
    assert driver.requests == [["first"], ["second"]]
    assert delivery.statistics() == Statistics(sent=2)


def test_a_caller_who_is_interrupted_is_told_and_the_next_one_sends() -> None:
    delivery, driver = Background(), Noting()
    send = driver.send

    def interrupted(messages: Sequence[Message]) -> list[Outcome]:
        raise KeyboardInterrupt

    driver.send = interrupted  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        delivery.deliver("main", driver, [message("a", "room")])
    driver.send = send  # type: ignore[method-assign]
    delivery.deliver("main", driver, [message("b", "room")])

    assert driver.requests == [["b"]]
    delivery.close()


class Saved(Event, debounce=60.0):
    n: int

    def broadcast_on(self) -> str:
        return "news"


def test_what_was_debounced_is_sent_by_who_closes() -> None:
    driver = Noting()
    broadcaster = Broadcaster(driver, delivery=Background())
    for n in range(3):
        assert broadcaster.broadcast(Saved(n=n)).to_everyone().queued
    assert driver.requests == []

    broadcaster.close()

    assert driver.requests == [["saved"]]
    assert driver.threads == [threading.current_thread().name]
