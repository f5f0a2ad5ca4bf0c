"""The fake: real broadcasters over a driver whose service always says yes, and a record of what they sent.

Nothing is patched: broadcasters let their connections be substituted, and tell an observer what was sent.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial

from broadcastkit import default
from broadcastkit.broadcaster import AsyncBroadcaster, Broadcaster
from broadcastkit.core.message import Message
from broadcastkit.drivers.pusher import Profile
from broadcastkit.drivers.pusher.profiles import profile_named
from broadcastkit.pending import Receipt, Request
from broadcastkit.testing.broadcasts import Broadcasts
from broadcastkit.testing.records import held_back, read_request
from broadcastkit.testing.stand_in import AsyncFakeDriver, FakeDriver, Takeover
from broadcastkit.testing.suppression import suppressed

__all__ = ["fake_broadcasts"]


@contextmanager
def fake_broadcasts(
    *broadcasters: Broadcaster | AsyncBroadcaster,
    profile: str | Profile = "pusher",
    connections: str | Iterable[str] = (),
) -> Iterator[Broadcasts]:
    """Record what is broadcast inside the block instead of sending it.

    Concerns `broadcast()` and `aio.broadcast()`, in every thread and task, and the broadcasters given. What was
    configured keeps its connection names, rules and error policy, also if it is configured inside the block; where
    nothing is, any connection name will do, or those given as `connections`, the first being the default one.

    Strict: what the service would refuse is refused with the same errors, by the limits of `profile`; answers to
    subscriptions are given by the same rules, with an empty signature. Queued deliveries are skipped: each broadcast
    is recorded when it is sent, one that waits for a commit at once; and so are throttle, debounce and unique. Blocks
    may be nested: the innermost records.

        >>> from broadcastkit import AnonymousEvent, broadcast
        >>> with fake_broadcasts() as broadcasts:
        ...     receipt = broadcast(AnonymousEvent("ping", {"n": 1}, on="news")).to_others()
        >>> broadcasts.assert_broadcast("ping", on="news", times=1, to_others=True)
        >>> broadcasts.recorded[0].payload
        {'n': 1}
    """
    broadcasts = Broadcasts()
    names = (connections,) if isinstance(connections, str) else tuple(connections)
    limits = profile_named(profile)

    def observe(request: Request, messages: Sequence[Message | None], receipts: Sequence[Receipt]) -> None:
        entries = read_request(request, messages, receipts)
        if suppressed():
            entries = [held_back(entry) for entry in entries]
        broadcasts._note(entries)  # noqa: SLF001 - the other half of this function

    with ExitStack() as stack:
        takeover = Takeover(
            partial(FakeDriver, limits), partial(AsyncFakeDriver, limits), names=names, observer=observe, stack=stack
        )
        takeover.take(broadcasters)
        with default.swapped(takeover.sync, takeover.asynchronous):
            yield broadcasts
