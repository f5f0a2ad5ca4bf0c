"""What the fake puts in the place of real connections: drivers whose service always says yes.

They are Pusher's, down to the signed request, so that what a service would refuse is refused, with the same errors.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from typing import Any, Generic, TypeVar

from broadcastkit.authorization import SubscriptionAuth, SubscriptionGrant, UserAuth, UserGrant
from broadcastkit.broadcaster import Observer
from broadcastkit.drivers.pusher import AsyncPusherDriver, Profile, PusherDriver
from broadcastkit.drivers.pusher.transport import TransportOptions
from broadcastkit.drivers.pusher.wire import HttpReply, HttpRequest

__all__ = ["AsyncFakeDriver", "FakeDriver", "StandIn"]

DriverT = TypeVar("DriverT")

_APP: Mapping[str, Any] = {
    "app_id": "fake",
    "key": "fake",
    "secret": "fake",
    "encryption_master_key": "ZmFrZSBrZXkgb2YgZmFrZV9icm9hZGNhc3RzKCkuLi4=",
}
_YES = HttpReply(200, b"{}")


class FakeDriver(PusherDriver):
    """Sends nothing, refuses what the service of its profile would refuse, and signs nothing."""

    def __init__(self, profile: str | Profile) -> None:
        super().__init__(**_APP, profile=profile)

    def _connect(self, options: TransportOptions, client: Any) -> None:
        del options, client
        self._transport = _Yes()

    def answer_subscription(self, grant: SubscriptionGrant) -> SubscriptionAuth:
        """Return an empty signature; a member that is too large is refused."""
        return super().answer_subscription(grant)._replace(auth="", shared_secret=None)

    def answer_user(self, grant: UserGrant) -> UserAuth:
        """Return an empty signature."""
        return UserAuth("", grant.user_data)


class AsyncFakeDriver(AsyncPusherDriver):
    """The awaited twin of FakeDriver."""

    def __init__(self, profile: str | Profile) -> None:
        super().__init__(**_APP, profile=profile)

    def _connect(self, options: TransportOptions, client: Any) -> None:
        del options, client
        self._transport = _AsyncYes()

    def answer_subscription(self, grant: SubscriptionGrant) -> SubscriptionAuth:
        """See FakeDriver.answer_subscription."""
        return super().answer_subscription(grant)._replace(auth="", shared_secret=None)

    def answer_user(self, grant: UserGrant) -> UserAuth:
        """See FakeDriver.answer_user."""
        return UserAuth("", grant.user_data)


class _Yes:
    def send(self, request: HttpRequest) -> HttpReply:
        del request
        return _YES

    def close(self) -> None:
        pass


class _AsyncYes:
    async def send(self, request: HttpRequest) -> HttpReply:
        del request
        return _YES

    async def aclose(self) -> None:
        pass


class StandIn(Generic[DriverT]):
    """Takes over one colour's broadcasters, each once; gives one of its own where none is configured."""

    def __init__(
        self, make: Callable[..., Any], driver: DriverT, names: tuple[str, ...], observer: Observer, stack: ExitStack
    ) -> None:
        every = dict.fromkeys(names, driver) or _AnyName(driver)
        self._driver = driver
        self._observer = observer
        self._stack = stack
        self._own = make(every, default=next(iter(every)))
        self._taken = [self._own]
        self._lock = threading.Lock()
        stack.enter_context(self._own.substituted(every, observer))

    def __call__(self, configured: Any) -> Any:
        """Return the broadcaster to use instead of what is configured: the same one, its connections substituted."""
        if configured is None:
            return self._own
        with self._lock:
            if not any(configured is taken for taken in self._taken):
                self._stack.enter_context(configured.substituted(self._driver, self._observer))
                self._taken.append(configured)
        return configured


class _AnyName(Mapping[str, DriverT]):
    """One driver under every connection name."""

    def __init__(self, driver: DriverT) -> None:
        self._driver = driver

    def __getitem__(self, name: str) -> DriverT:
        return self._driver

    def __iter__(self) -> Iterator[str]:
        return iter(("default",))

    def __len__(self) -> int:
        return 1
