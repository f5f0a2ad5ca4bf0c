"""The pytest plugin, by entry point: the fixture `broadcasts`, and the marker that takes its options."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from broadcastkit.testing import Broadcasts

__all__ = ["broadcasts"]

_OPTIONS = ("profile", "connections")


@pytest.fixture
def broadcasts(request: pytest.FixtureRequest) -> Iterator[Broadcasts]:
    """Record what is broadcast during the test instead of sending it: `broadcasts.assert_broadcast(MessageSent)`.

    `@pytest.mark.broadcasts(app.broadcaster, profile="reverb", connections=["main", "audit"])` takes what
    `broadcastkit.testing.fake_broadcasts` takes, on a test, a class or a module; what is nearer to the test wins, and
    broadcasters add up. A test that is marked need not ask for the fixture.
    """
    # imported here: pytest loads this module in every session, whether or not it tests broadcasts
    from broadcastkit.errors import ConfigurationError
    from broadcastkit.testing import fake_broadcasts

    broadcasters: tuple[Any, ...] = ()
    options: dict[str, Any] = {}
    for mark in request.node.iter_markers("broadcasts"):
        broadcasters += mark.args
        options = {**mark.kwargs, **options}
    unknown = options.keys() - set(_OPTIONS)
    with ExitStack() as stack:
        try:
            if unknown:
                raise TypeError(f"takes broadcasters, {' and '.join(_OPTIONS)}, not {', '.join(sorted(unknown))}")  # noqa: TRY301
            broadcasts = stack.enter_context(fake_broadcasts(*broadcasters, **options))
        except (TypeError, ConfigurationError) as error:
            pytest.fail(f"@pytest.mark.broadcasts: {error}", pytrace=False)
        yield broadcasts


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line(
        "markers",
        "broadcasts(*broadcasters, profile='pusher', connections=()): record what the test broadcasts instead of "
        "sending it; the options are those of broadcastkit.testing.fake_broadcasts",
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give marked tests the fixture, before any that they ask for, since those may broadcast."""
    for item in items:
        names: list[str] | None = getattr(item, "fixturenames", None)
        if names is not None and "broadcasts" not in names and item.get_closest_marker("broadcasts") is not None:
            names.insert(0, "broadcasts")
