"""Every test begins and ends with nothing configured."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from broadcastkit import default
from tests.parity.tools import Service

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def nothing_configured() -> Iterator[None]:
    default.reset()
    yield
    default.reset()


@pytest.fixture
def service() -> Service:
    return Service()
