"""The application that every integration serves: its users, its rules, and where it looks for the socket id."""

from __future__ import annotations

import asyncio
import contextvars
import dataclasses
import functools
import inspect
import json
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any, Literal, Protocol
from uuid import UUID

import httpx
import limits.aio.strategies  # noqa: F401 - it reads files when it is imported, which no event loop should wait for
import pusher
from anyio.to_thread import run_sync

from broadcastkit import AsyncBroadcaster, Broadcaster, ChannelRegistry, PresenceMember, PrivateChannel, configure
from broadcastkit.channels import UserChannel
from broadcastkit.drivers.pusher import AsyncPusherDriver, PusherDriver
from broadcastkit.integrations.rate_limits import AsyncFixedWindow, FixedWindow
from broadcastkit.socket_id import carry_socket_id, current_socket_id

__all__ = [
    "ADA",
    "ASYNC_PLACES",
    "BLOCKING_PLACES",
    "BOB",
    "KEY",
    "MASTER_KEY",
    "SECRET",
    "SYNC_PLACES",
    "TIMEOUT",
    "USERS",
    "Integration",
    "Meeting",
    "Site",
    "UnauthenticatedError",
    "User",
    "client_of",
    "foreign",
    "who",
]

# Those of Pusher's documentation, so that its worked examples are test cases.
KEY, SECRET = "278d425bdf160c739803", "7ad3773142a6692b25b8"
MASTER_KEY = "zyrm8pvV2C9fJcBfhyXzvxbJVN/H7QLmbe0xJi1GhPU="
TIMEOUT = 5.0


@dataclasses.dataclass(frozen=True)
class User:
    """What an application knows of a user, most of which is nobody's business."""

    id: int
    name: str
    password: str = "correct horse"


ADA, BOB = User(1, "Ada"), User(2, "Bob ✓ \u2028 </script>")
USERS = {"ada": ADA, "bob": BOB}


class UnauthenticatedError(Exception):
    """The application's own way to say 401; each integration turns it into what its framework has for that."""


def who(name: str | None) -> User | None:
    """Tell the user from the `X-User` header, as an application's own authentication would."""
    if name == "expired":
        raise UnauthenticatedError
    return USERS.get(name or "")


class OrderChannel(PrivateChannel, pattern="order.{order_id}"):
    order_id: UUID


class Meeting:
    """A place where so many requests wait for each other, so that they are all under way at once."""

    def __init__(self, size: int = 1) -> None:
        self._tasks = asyncio.Barrier(size)
        self._threads = threading.Barrier(size)

    async def join(self) -> None:
        async with asyncio.timeout(TIMEOUT):
            await self._tasks.wait()

    def join_blocking(self) -> None:
        self._threads.wait(TIMEOUT)


@dataclasses.dataclass
class Site:
    """What an integration is asked to serve."""

    user_data: Callable[[Any], object] | None = None
    max_channels: int = 50
    # How often a client may ask, and the key that counts: of the user, which is the last argument everywhere.
    rate: str | None = None
    rate_key: Callable[..., str] | None = None
    # The integration is given a function that chooses by the `X-Tenant` header: key and secret by the tenant's name.
    tenants: dict[str, tuple[str, str]] | None = None
    # The integration is given no broadcaster and finds the configured one.
    configured: bool = False
    meeting: Meeting = dataclasses.field(default_factory=Meeting)
    # The channels that rules said yes to.
    opened: list[str] = dataclasses.field(default_factory=list)
    # What background work saw as the socket id.
    noted: list[str | None] = dataclasses.field(default_factory=list)

    def options(self) -> dict[str, Any]:
        """Return what an async integration is told beside the broadcaster and the user."""
        return self._options(None if self.rate is None else AsyncFixedWindow(self.rate))

    def blocking_options(self) -> dict[str, Any]:
        return self._options(None if self.rate is None else FixedWindow(self.rate))

    def _options(self, rate_limit: object) -> dict[str, Any]:
        given = {"user_data": self.user_data, "max_channels": self.max_channels, "rate_key": self.rate_key}
        return {**given, "rate_limit": rate_limit}

    def source(self, tenant_of: Callable[..., str | None]) -> Any:
        """Return the broadcaster, or where there are tenants, what chooses one for a request."""
        if self.tenants is None:
            return self.broadcaster()
        return lambda *request: self.tenant(tenant_of(*request))

    def blocking_source(self, tenant_of: Callable[..., str | None]) -> Any:
        if self.tenants is None:
            return self.blocking_broadcaster()
        return lambda *request: self.blocking_tenant(tenant_of(*request))

    def tenant(self, name: str | None) -> AsyncBroadcaster | None:
        """Make the broadcaster of a tenant: nobody keeps one from request to request."""
        key, secret = (self.tenants or {}).get(name or "", ("", ""))
        driver = AsyncPusherDriver(app_id="1", key=key, secret=secret) if key else None
        return None if driver is None else AsyncBroadcaster(driver, channels=self.rules())

    def blocking_tenant(self, name: str | None) -> Broadcaster | None:
        key, secret = (self.tenants or {}).get(name or "", ("", ""))
        driver = PusherDriver(app_id="1", key=key, secret=secret) if key else None
        return None if driver is None else Broadcaster(driver, channels=self.blocking_rules())

    def broadcaster(self) -> AsyncBroadcaster | None:
        driver = AsyncPusherDriver(app_id="1", key=KEY, secret=SECRET, encryption_master_key=MASTER_KEY)
        made = AsyncBroadcaster(driver, channels=self.rules())
        if not self.configured:
            return made
        configure(made)
        return None

    def blocking_broadcaster(self) -> Broadcaster | None:
        driver = PusherDriver(app_id="1", key=KEY, secret=SECRET, encryption_master_key=MASTER_KEY)
        made = Broadcaster(driver, channels=self.blocking_rules())
        if not self.configured:
            return made
        configure(made)
        return None

    def note(self) -> None:
        self.noted.append(current_socket_id())

    def rules(self, channels: ChannelRegistry | None = None) -> ChannelRegistry:
        channels = ChannelRegistry() if channels is None else channels
        _add_private_rules(channels, self._yes)
        _add_presence_rules(channels, self._yes)
        _add_unclear_rules(channels)
        return channels

    def blocking_rules(self) -> ChannelRegistry:
        return self.rules(_BlockingRules())

    def _yes(self, name: str) -> bool:
        self.opened.append(name)
        return True


class _BlockingRules(ChannelRegistry):
    """Takes the same rules as they would be written without `async`, for what cannot await."""

    def authorize(self, where: Any, *, guest: bool = False) -> Callable[[Any], Any]:
        register = super().authorize(where, guest=guest)
        return lambda callback: register(_blocking(callback) if inspect.iscoroutinefunction(callback) else callback)


def _blocking(callback: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(callback)
    def run(*args: Any, **kwargs: Any) -> Any:
        coroutine = callback(*args, **kwargs)
        try:
            while True:
                coroutine.send(None)  # these wait for nothing but their turn
        except StopIteration as end:
            return end.value

    return run


def _add_private_rules(channels: ChannelRegistry, yes: Callable[[str], bool]) -> None:
    @channels.authorize(UserChannel)
    def own_channel(user: User, channel: UserChannel) -> bool:
        return user.id == channel.user_id and yes(channel.name)

    @channels.authorize(OrderChannel)
    async def any_order(user: User, channel: OrderChannel) -> bool:
        await asyncio.sleep(0)
        return yes(channel.name)

    @channels.authorize("private-file.{folder}.{kind}")
    def any_file(user: User, channel: PrivateChannel, folder: str, kind: Literal["pdf", "png"]) -> bool:
        return yes(channel.name)

    @channels.authorize("private-cache-news")
    async def cached_news(user: User, channel: PrivateChannel) -> bool:
        return yes(channel.name)

    @channels.authorize("private-encrypted-vault.{vault_id}")
    async def vault(user: User, vault_id: int) -> bool:
        return yes(f"private-encrypted-vault.{vault_id}")

    @channels.authorize("private-lobby", guest=True)
    def lobby(user: User | None) -> bool:
        return yes("private-lobby")

    @channels.authorize("private-foobar")
    def documented(user: User) -> bool:
        return yes("private-foobar")


def _add_presence_rules(channels: ChannelRegistry, yes: Callable[[str], bool]) -> None:
    @channels.authorize("presence-room.{room}")
    async def room(user: User, room: str) -> PresenceMember | None:
        if room == "closed":
            return None
        return PresenceMember(user.id, {"name": user.name}) if yes(f"presence-room.{room}") else None

    @channels.authorize("presence-desk.{desk}")
    def desk(user: User, desk: int) -> dict[str, object] | None:
        return {"id": f"desk-{desk}", "name": user.name} if yes(f"presence-desk.{desk}") else None

    @channels.authorize("presence-lobby", guest=True)
    def lobby(user: User | None) -> PresenceMember | bool:
        return PresenceMember("guest" if user is None else user.id) if yes("presence-lobby") else False

    @channels.authorize("presence-foobar")
    def documented(user: User) -> PresenceMember | None:
        return PresenceMember(10, {"name": "Mr. Pusher"}) if yes("presence-foobar") else None


def _add_unclear_rules(channels: ChannelRegistry) -> None:
    @channels.authorize("private-truthy")
    def truthy(user: User) -> int:
        return 1

    @channels.authorize("private-undecided")
    async def undecided(user: User) -> None:
        return None

    @channels.authorize("presence-memberless")
    def memberless(user: User) -> bool:
        return True

    @channels.authorize("presence-nobody")
    def nobody(user: User) -> PresenceMember:
        return PresenceMember("not an id!")

    @channels.authorize("presence-crowd")
    def crowd(user: User) -> PresenceMember:
        return PresenceMember(user.id, {"biography": "x" * 1100})

    @channels.authorize("private-broken")
    def broken(user: User) -> bool:
        raise LookupError("the application's own error")


async def in_endpoint(meeting: Meeting) -> str | None:
    await meeting.join()
    return current_socket_id()


async def in_task(meeting: Meeting) -> str | None:
    return await asyncio.create_task(in_endpoint(meeting))


async def in_thread(meeting: Meeting) -> str | None:
    return await run_sync(in_sync_endpoint, meeting)


def in_sync_endpoint(meeting: Meeting) -> str | None:
    meeting.join_blocking()
    return current_socket_id()


# Where code may ask for the socket id. An integration serves at `/socket-id/{place}` those that its framework has,
# each with the answer `{"socket_id": …}`; `background` calls `Site.note` once the answer is out.
ASYNC_PLACES: dict[str, Callable[[Meeting], Awaitable[str | None]]] = {
    "endpoint": in_endpoint,
    "task": in_task,
    "thread": in_thread,
}
SYNC_PLACES: dict[str, Callable[[Meeting], str | None]] = {"sync-endpoint": in_sync_endpoint}


def in_plain_thread(meeting: Meeting) -> str | None:
    found: list[str | None] = []
    work = carry_socket_id(lambda: found.append(in_sync_endpoint(meeting)))
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    return found[0]


def in_executor(meeting: Meeting) -> str | None:
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(carry_socket_id(in_sync_endpoint), meeting).result()


def in_copied_context(meeting: Meeting) -> str | None:
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(contextvars.copy_context().run, in_sync_endpoint, meeting).result()


# Where code of a framework without `async` may ask; `endpoint` is its own.
BLOCKING_PLACES: dict[str, Callable[[Meeting], str | None]] = {
    "endpoint": in_sync_endpoint,
    "plain-thread": in_plain_thread,
    "executor": in_executor,
    "copied-context": in_copied_context,
}


class Integration(Protocol):
    """One framework: serves a site, with the authorization endpoints below `/broadcasting`."""

    @property
    def places(self) -> frozenset[str]:
        """Return which of the places it serves."""
        ...

    def transport(self, site: Site) -> httpx.AsyncBaseTransport:
        """Serve the site in this process."""
        ...


@asynccontextmanager
async def client_of(integration: Integration, site: Site) -> AsyncIterator[httpx.AsyncClient]:
    """Make a client of the site."""
    async with httpx.AsyncClient(transport=integration.transport(site), base_url="http://site.test") as client:
        yield client


class _Compact(json.JSONEncoder):
    """Writes JSON as broadcastkit does, so that whole answers can be compared."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{**options, "separators": (",", ":"), "ensure_ascii": False})


def foreign(key: str = KEY, secret: str = SECRET) -> Any:
    """Make another maker's signer of the same app, or of another one."""
    return pusher.Pusher(
        app_id="1",
        key=key,
        secret=secret,
        encryption_master_key_base64=MASTER_KEY,
        json_encoder=_Compact,
    )
