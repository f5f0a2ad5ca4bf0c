"""What the queues' tests share: the worker's side of an application."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from broadcastkit import Broadcaster, configure, default
from tests.delivery.held import Held

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def service() -> Iterator[Held]:
    """The driver of the configured broadcaster, with which workers send."""
    default.reset()
    driver = Held(released=True)
    configure(Broadcaster({"main": driver}))
    yield driver
    default.reset()
