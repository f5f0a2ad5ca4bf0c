"""What the suite shares: proxies, somebody who counts, and the ledger."""

from __future__ import annotations

import contextlib
import itertools
import os
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import pytest

from tests.faults.ledger import Ledger, Row
from tests.faults.proxy import Loop, Proxy, proxy_loop
from tests.faults.queues import Deliveries
from tests.faults.table import PAGE, STORM_ROW, Kind, kind_of, page_kinds
from tests.faults.witness import Witness, witness

if TYPE_CHECKING:
    from tests.interop.redis_servers import RedisServer
    from tests.interop.servers import PusherServer

# Set by `make faults`, which makes the table anew.
WRITING = "FAULTS_MEASURED_ANEW" in os.environ
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
def deliver(tmp_path_factory: pytest.TempPathFactory, redis_shared: RedisServer) -> Iterator[Deliveries]:
    """Broadcast by a delivery: `deliver("Inline", scene)`."""
    with contextlib.closing(Deliveries(tmp_path_factory.mktemp, redis_shared)) as one:
        yield one


@pytest.fixture(scope="session")
def all_rows() -> Iterator[Ledger]:
    one = Ledger()
    yield one
    one.save()


@pytest.fixture(scope="session")
def written() -> Mapping[tuple[str, str], Kind]:
    """What the page says."""
    return {} if WRITING else page_kinds(PAGE.read_text())


@pytest.fixture
def ledger(all_rows: Ledger, written: Mapping[tuple[str, str], Kind]) -> Callable[[Row], None]:
    """Write a row down, and look whether the page says so."""

    def add(row: Row) -> None:
        all_rows.add(row)
        if WRITING:
            return
        # what may be doubled is for the test to say; whether it was is chance, where several requests are on their way
        kind, says = kind_of(row)._replace(twice=False), written.get((row.fault, row.delivery))
        assert says is not None, f"the page has no cell for {row}: run `make faults`"
        if STORM_ROW not in row.fault:
            assert says.allows(kind), f"the page says otherwise ({says}): {row}"

    return add
