"""What the suite shares: proxies, somebody who counts, and the ledger."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from tests.faults.ledger import Ledger
from tests.faults.proxy import Loop, Proxy, proxy_loop
from tests.faults.witness import Witness, witness

if TYPE_CHECKING:
    from tests.interop.servers import PusherServer

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def loop() -> Iterator[Loop]:
    with proxy_loop() as one:
        yield one


@pytest.fixture
def proxies(loop: Loop) -> Iterator[Callable[..., Proxy]]:
    """Make proxies before a port that are gone with the test."""
    with contextlib.ExitStack() as stack:

        def make(behind: int, **options: Any) -> Proxy:
            return stack.enter_context(contextlib.closing(Proxy(loop, behind, **options)))

        yield make


@pytest.fixture(scope="session")
def listener(soketi: PusherServer) -> Iterator[Witness]:
    with witness(soketi) as one:
        yield one


@pytest.fixture
def channels() -> list[str]:
    """Name three channels that nobody else uses."""
    number = next(_numbers)
    return [f"fault-{number}-{letter}" for letter in "abc"]


@pytest.fixture(scope="session")
def ledger() -> Iterator[Ledger]:
    one = Ledger()
    yield one
    one.save()
