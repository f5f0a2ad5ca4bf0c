"""What the fake puts in the place of real connections: drivers whose service always says yes.

They are Pusher's, down to the signed request, so that what a service would refuse is refused, with the same errors.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from functools import partial
from typing import Any

from broadcastkit.authorization import SubscriptionAuth, SubscriptionGrant, UserAuth, UserGrant
from broadcastkit.broadcaster import AsyncBroadcaster, Broadcaster, Observer
from broadcastkit.drivers.null import AsyncNullDriver, NullDriver
from broadcastkit.drivers.pusher import AsyncPusherDriver, Profile, PusherDriver
from broadcastkit.drivers.pusher.driver import PusherBase
from broadcastkit.drivers.pusher.http import TransportOptions
from broadcastkit.drivers.pusher.wire import HttpReply, HttpRequest
from broadcastkit.errors import ConfigurationError

__all__ = ["AsyncFakeDriver", "FakeDriver", "StandIn", "Takeover"]

_APP: Mapping[str, Any] = {
    "app_id": "fake",
    "key": "fake",
    "secret": "fake",
    "host": "fake.invalid",
    "encryption_master_key": "ZmFrZSBrZXkgb2YgZmFrZV9icm9hZGNhc3RzKCkuLi4=",
}
_YES = HttpReply(200, b"{}")


class _Fake(PusherBase):
    """What the drivers of both colors do otherwise than Pusher's."""

    def __init__(self, profile: str | Profile, real: Callable[[], Any] = NullDriver) -> None:
        super().__init__(**_APP, profile=profile)
        self._real = real

    @property
    def needs_socket_id(self) -> bool:  # type: ignore[override] # pyright: ignore[reportIncompatibleVariableOverride]
        """Whether who asks for a subscription must send a socket id."""
        return _server_that_asks(self._real) is None

    def channel_asked_for(self, channel_name: str) -> str:
        """Return the name that rules know, for the one that was sent."""
        server = _server_that_asks(self._real)
        return channel_name if server is None else server.channel_asked_for(channel_name)

    def answer_subscription(self, grant: SubscriptionGrant) -> SubscriptionAuth:
        """Return an empty signature; a member that is too large is refused."""
        server = _server_that_asks(self._real)
        if server is not None:
            answer: SubscriptionAuth = server.answer_subscription(grant)
            return answer
        return super().answer_subscription(grant)._replace(auth="", shared_secret=None)

    def answer_user(self, grant: UserGrant) -> UserAuth:
        """Return an empty signature."""
        return UserAuth("", grant.user_data)


class FakeDriver(_Fake, PusherDriver):  # pyright: ignore[reportIncompatibleVariableOverride]
    """Sends nothing, refuses what the service of its profile would refuse, and signs nothing.

    Where a server asks the driver that it stands in for, in its clients' names, it is asked and answers as that one.
    """

    def _connect(self, options: TransportOptions, client: Any) -> None:
        del options, client
        self._transport = _Yes()


class AsyncFakeDriver(_Fake, AsyncPusherDriver):  # pyright: ignore[reportIncompatibleVariableOverride]
    """The awaited twin of FakeDriver."""

    def _connect(self, options: TransportOptions, client: Any) -> None:
        del options, client
        self._transport = _AsyncYes()


def _server_that_asks(real: Callable[[], Any]) -> Any:
    """Return the driver if a server asks it, and None if clients do or it cannot be made from what is configured."""
    try:
        driver = real()
    except ConfigurationError:
        return None
    return None if getattr(driver, "needs_socket_id", True) else driver


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


class Takeover:
    """Both colours' broadcasters, taken over until `stack` is closed.

    A substitute is made for each driver, which it is given a way to.
    """

    def __init__(
        self,
        substitute: Callable[[Callable[[], Any]], Any],
        async_substitute: Callable[[Callable[[], Any]], Any],
        *,
        names: tuple[str, ...] = (),
        observer: Observer | None = None,
        stack: ExitStack,
    ) -> None:
        options: dict[str, Any] = {"names": names, "observer": observer, "stack": stack}
        self.sync: StandIn = StandIn(Broadcaster, NullDriver(), substitute, **options)
        self.asynchronous: StandIn = StandIn(AsyncBroadcaster, AsyncNullDriver(), async_substitute, **options)

    def take(self, broadcasters: Iterable[Broadcaster | AsyncBroadcaster]) -> None:
        """Take over broadcasters that the functions do not use.

        Raises:
            TypeError: something that is no broadcaster.
        """
        for broadcaster in broadcasters:
            if isinstance(broadcaster, Broadcaster):
                self.sync(broadcaster)
            elif isinstance(broadcaster, AsyncBroadcaster):
                self.asynchronous(broadcaster)
            else:
                raise TypeError(f"takes Broadcaster and AsyncBroadcaster objects, not {broadcaster!r}")


class StandIn:
    """Takes over one colour's broadcasters, each once; gives one of its own where none is configured."""

    def __init__(
        self,
        make: Callable[..., Any],
        nothing: object,
        substitute: Callable[[Callable[[], Any]], Any],
        *,
        names: tuple[str, ...],
        observer: Observer | None,
        stack: ExitStack,
    ) -> None:
        self._substitute = substitute
        self._observer = observer
        self._stack = stack
        self._taken: list[Any] = []
        self._lock = threading.RLock()
        connections = dict.fromkeys(names, nothing) or _AnyName(nothing)
        self._own = self(make(connections, default=next(iter(connections))))

    def __call__(self, configured: Any) -> Any:
        """Return the broadcaster to use instead of what is configured: the same one, its connections substituted."""
        if configured is None:
            return self._own
        with self._lock:
            if not any(configured is taken for taken in self._taken):
                instead = _Substitutes(configured._connections, self._substitute)  # noqa: SLF001 - what they replace
                self._stack.enter_context(configured.substituted(instead, self._observer))
                self._taken.append(configured)
        return configured


class _Substitutes(Mapping[str, Any]):
    """A driver for each connection, made when it is first asked for, as is the one that it stands in for."""

    def __init__(self, real: Mapping[str, Any], substitute: Callable[[Callable[[], Any]], Any]) -> None:
        self._real = real
        self._substitute = substitute
        self._made: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        found = self._made.get(name)
        if found is None:
            if name not in self._real:
                raise KeyError(name)
            found = self._made.setdefault(name, self._substitute(partial(self._real.__getitem__, name)))
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._real)

    def __len__(self) -> int:
        return len(self._real)

    def made(self) -> list[Any]:
        """Return those that exist, for a broadcaster that is closed."""
        return list(self._made.values())


class _AnyName(Mapping[str, object]):
    """One driver under every connection name."""

    def __init__(self, driver: object) -> None:
        self._driver = driver

    def __getitem__(self, name: str) -> object:
        return self._driver

    def __iter__(self) -> Iterator[str]:
        return iter(("default",))

    def __len__(self) -> int:
        return 1
