"""The pytest plugin, by entry point: the fixture `broadcasts`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from broadcastkit.testing import Broadcasts

__all__ = ["broadcasts"]


@pytest.fixture
def broadcasts() -> Iterator[Broadcasts]:
    """Record what is broadcast during the test instead of sending it: `broadcasts.assert_broadcast(MessageSent)`.

    For broadcasters of your own, or another service's limits, write a fixture of the same name in conftest.py that
    yields from `broadcastkit.testing.fake_broadcasts(app.broadcaster, profile="reverb")`.
    """
    # imported here: pytest loads this module in every session, whether or not it tests broadcasts
    from broadcastkit.testing import fake_broadcasts

    with fake_broadcasts() as broadcasts:
        yield broadcasts
