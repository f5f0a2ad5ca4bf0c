"""Rooms of python-socketio's own servers, into which clients come without a network; real ones: drivers/socketio."""

from __future__ import annotations

import asyncio
import itertools
import logging
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
import socketio

from broadcastkit import AsyncBroadcaster, Broadcaster, Channel, ChannelRegistry, PresenceMember
from broadcastkit.channels import RoomChannel, UserChannel
from broadcastkit.drivers.memory import AsyncMemoryDriver, MemoryDriver
from broadcastkit.errors import ConfigurationError, DeniedError, InvalidChannelError
from broadcastkit.integrations.socketio import AsyncChannelRooms, ChannelRooms, Joined

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class User(NamedTuple):
    id: int
    is_authenticated: bool = True


ANNE = User(7)
_numbers = itertools.count()


def make_rules() -> ChannelRegistry:
    channels = ChannelRegistry()

    @channels.authorize(UserChannel)
    def own(user: User, channel: UserChannel) -> bool:
        return user.id == channel.user_id

    @channels.authorize("presence-room.{room_id}")
    def here(user: User, room_id: int) -> PresenceMember:
        return PresenceMember(user.id, {"room": room_id})

    @channels.authorize("private-lobby", guest=True)
    def lobby(user: User | None) -> bool:
        return True

    return channels


class Sync:
    """A Server, and rooms on it."""

    server: Any = socketio.Server
    rooms: Any = ChannelRooms
    broadcaster: Any = Broadcaster
    driver: Any = MemoryDriver

    def __init__(self, **options: Any) -> None:
        self.sio = self.server(async_mode="threading")
        self.made: Any = self.rooms(self.sio, make_rules(), **options)

    def run(self, result: Any) -> Any:
        return result

    def connect(self, namespace: str = "/") -> str:
        """Have a client come in, as its handshake would."""
        sid: str = self.run(self.sio.manager.connect(f"transport-{next(_numbers)}", namespace))
        return sid

    def join(self, sid: str, channel: Any, user: object | None) -> Joined:
        joined: Joined = self.run(self.made.join(sid, channel, user))
        return joined

    def in_rooms(self, sid: str, namespace: str = "/") -> set[str]:
        """Return the rooms a client is in, but for the one of its own."""
        return set(self.sio.rooms(sid, namespace)) - {sid}

    def ask(self, event: str, sid: str, *args: object, namespace: str = "/") -> Any:
        """Send an event as a client, and return how it is acknowledged."""
        return self.run(self.sio._trigger_event(event, namespace, sid, *args))

    def end(self) -> None:
        pass


class Async(Sync):
    """An AsyncServer, and rooms on it."""

    server = socketio.AsyncServer
    rooms = AsyncChannelRooms
    broadcaster = AsyncBroadcaster
    driver = AsyncMemoryDriver

    def __init__(self, **options: Any) -> None:
        self._runner = asyncio.Runner()
        self.sio = self.server(async_mode="asgi")
        self.made = self.rooms(self.sio, make_rules(), **options)

    def run(self, result: Any) -> Any:
        return self._runner.run(result)

    def end(self) -> None:
        self._runner.close()


@pytest.fixture(params=[Sync, Async])
def make(request: pytest.FixtureRequest) -> Iterator[Callable[..., Sync]]:
    """Make a stage of each colour."""
    made: list[Sync] = []

    def stage(**options: Any) -> Sync:
        made.append(request.param(**options))
        return made[-1]

    yield stage
    for one in made:
        one.end()


@pytest.fixture
def stage(make: Callable[..., Sync]) -> Sync:
    return make(public=[RoomChannel, "news", "live.{city}"])


def test_who_may_is_in_the_room_of_the_channels_full_name(stage: Sync) -> None:
    sid = stage.connect()

    assert stage.join(sid, "private-user.7", ANNE) == Joined("private-user.7")
    assert stage.join(sid, "private-lobby", None) == Joined("private-lobby")
    assert stage.in_rooms(sid) == {"private-user.7", "private-lobby"}


def test_a_channel_may_be_given_in_place_of_its_name(stage: Sync) -> None:
    sid = stage.connect()

    assert stage.join(sid, UserChannel(user_id=7), ANNE) == Joined("private-user.7")
    assert stage.join(sid, RoomChannel(room_id=5), None) == Joined("room-5")
    with pytest.raises(DeniedError):
        stage.join(sid, UserChannel(user_id=8), ANNE)
    stage.run(stage.made.leave(sid, RoomChannel(room_id=5)))

    assert stage.in_rooms(sid) == {"private-user.7"}


def test_a_presence_member_is_returned(stage: Sync) -> None:
    joined = stage.join(stage.connect(), "presence-room.5", ANNE)

    assert joined == Joined("presence-room.5", {"user_id": "7", "user_info": {"room": 5}})
    assert repr(joined) == "Joined('presence-room.5')"


@pytest.mark.parametrize(
    ("channel", "user"),
    [
        ("private-user.8", ANNE),
        ("private-user.7", None),
        ("private-user.7", User(7, is_authenticated=False)),
        ("private-user.seven", ANNE),
        ("private-unknown", ANNE),
        ("presence-user.7", ANNE),
        ("private-encrypted-user.7", ANNE),
        ("#server-to-user-7", ANNE),
        # public, and not listed: a room of the application's, or of another client
        ("admins", ANNE),
        ("live.a.b", ANNE),
        ("cache-news", ANNE),
    ],
)
def test_who_may_not_is_not(stage: Sync, channel: str, user: User | None) -> None:
    sid = stage.connect()

    with pytest.raises(DeniedError):
        stage.join(sid, channel, user)
    assert stage.in_rooms(sid) == set()


@pytest.mark.parametrize("channel", ["room-5", "news", "live.oslo"])
def test_public_channels_that_are_listed_are_open(stage: Sync, channel: str) -> None:
    sid = stage.connect()

    assert stage.join(sid, channel, None) == Joined(channel)
    assert stage.in_rooms(sid) == {channel}


@pytest.mark.parametrize("channel", ["", "no spaces", "private-", "a" * 165, None, 5, ["news"]])
def test_a_malformed_name_is_said_to_be_so(stage: Sync, channel: Any) -> None:
    with pytest.raises(InvalidChannelError):
        stage.join(stage.connect(), channel, ANNE)
    with pytest.raises(InvalidChannelError):
        stage.run(stage.made.leave("x", channel))


def test_a_client_that_has_gone_is_denied(stage: Sync) -> None:
    stage.connect()

    for sid in ("gone", ""):
        with pytest.raises(DeniedError, match="not connected"):
            stage.join(sid, "private-user.7", ANNE)


def test_nobody_enters_the_room_of_another_client(stage: Sync) -> None:
    """Each client has a room of the name of its sid."""
    victim, thief = stage.connect(), stage.connect()

    with pytest.raises(DeniedError):
        stage.join(thief, victim, ANNE)
    assert stage.in_rooms(thief) == set()


def test_who_leaves_is_out_and_only_of_channels(stage: Sync) -> None:
    sid = stage.connect()
    stage.join(sid, "news", None)
    stage.run(stage.sio.enter_room(sid, "admins"))

    stage.run(stage.made.leave(sid, "news"))
    stage.run(stage.made.leave(sid, "private-user.7"))  # in which it was not
    with pytest.raises(DeniedError):
        stage.run(stage.made.leave(sid, "admins"))

    assert stage.in_rooms(sid) == {"admins"}


def test_a_namespace_has_rooms_of_its_own(make: Callable[..., Sync]) -> None:
    stage = make(public=["news"], namespace="/staff")
    sid = stage.connect("/staff")

    stage.join(sid, "news", None)
    assert stage.in_rooms(sid, "/staff") == {"news"}
    with pytest.raises(DeniedError):
        stage.join(stage.connect(), "news", None)


def test_the_rules_may_be_a_broadcasters(stage: Sync) -> None:
    broadcaster: Any = stage.broadcaster(stage.driver(), channels=make_rules())
    rooms: Any = stage.rooms(stage.sio, broadcaster)

    assert stage.run(rooms.join(stage.connect(), "private-user.7", ANNE)) == Joined("private-user.7")


# -- the ready-made handlers -------------------------------------------------------------------------------------------


def test_clients_ask_by_event(stage: Sync, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "broadcastkit.authorization")
    sid = stage.connect()
    stage.made.serve({sid: ANNE}.get)

    assert stage.ask("subscribe", sid, "private-user.7") == {"ok": True, "channel": "private-user.7"}
    member = {"user_id": "7", "user_info": {"room": 1}}
    assert stage.ask("subscribe", sid, {"channel": "presence-room.1", "auth": {}}) == {
        "ok": True,
        "channel": "presence-room.1",
        "member": member,
    }
    assert stage.ask("subscribe", sid, "private-user.8") == {"ok": False, "status": 403, "error": "forbidden"}
    assert stage.ask("unsubscribe", sid, "private-user.7") == {"ok": True, "channel": "private-user.7"}
    assert stage.ask("subscribe", sid, 5) == {"ok": False, "status": 400, "error": "a channel name is one string"}
    assert stage.in_rooms(sid) == {"presence-room.1"}
    # why is for the log, and not for the client
    assert [record.message for record in caplog.records] == ["denied: make_rules.<locals>.own said no"]


def test_the_events_may_have_other_names(stage: Sync) -> None:
    sid = stage.connect()
    stage.made.serve(lambda sid: ANNE, subscribe="enter", unsubscribe="leave")

    assert stage.ask("enter", sid, "private-user.7")["ok"]
    assert stage.ask("leave", sid, "private-user.7")["ok"]
    assert stage.in_rooms(sid) == set()


def test_an_error_of_the_application_is_no_answer(stage: Sync) -> None:
    """python-socketio logs it, and does not acknowledge."""
    stage.made.serve({}.__getitem__)

    with pytest.raises(KeyError):
        stage.ask("subscribe", stage.connect(), "private-user.7")


def test_an_async_user_is_awaited() -> None:
    stage = Async()
    sid = stage.connect()

    async def user(sid: str) -> User:
        return ANNE

    stage.made.serve(user)
    assert stage.ask("subscribe", sid, "private-user.7")["ok"]
    stage.end()


def test_an_async_rule_is_awaited() -> None:
    stage = Async()

    channels: ChannelRegistry = stage.made._registry

    @channels.authorize("private-slow")
    async def slow(user: User) -> bool:
        await asyncio.sleep(0)
        return True

    assert stage.join(stage.connect(), "private-slow", ANNE) == Joined("private-slow")
    stage.end()


# -- what is wrong is said when it is made -----------------------------------------------------------------------------


def test_a_server_of_the_other_colour() -> None:
    with pytest.raises(ConfigurationError, match=r"ChannelRooms takes a socketio\.Server, not AsyncServer"):
        ChannelRooms(socketio.AsyncServer(async_mode="asgi"), ChannelRegistry())
    with pytest.raises(ConfigurationError, match=r"AsyncChannelRooms takes a socketio\.AsyncServer, not Server"):
        AsyncChannelRooms(socketio.Server(), ChannelRegistry())
    with pytest.raises(ConfigurationError, match="not str"):
        ChannelRooms("server", ChannelRegistry())


def test_what_a_sync_server_would_have_to_await() -> None:
    channels = ChannelRegistry()
    rooms = ChannelRooms(socketio.Server(), channels)

    async def rule(user: User) -> bool:
        return True

    async def user(sid: str) -> object:
        return None

    with pytest.raises(ConfigurationError, match="ChannelRooms is sync and cannot await"):
        channels.authorize("private-a")(rule)
    with pytest.raises(ConfigurationError, match="ChannelRooms is sync and cannot await"):
        rooms.serve(user)


@pytest.mark.parametrize(
    ("public", "says"),
    [
        ("news", r"public must be a list of patterns, such as \['news'\]"),
        (["private-news"], "public holds 'private-news', which is guarded: register a rule for it"),
        ([UserChannel], "public holds 'private-user.{user_id}', which is guarded"),
        ([Channel], "Channel has no pattern; give a typed channel class or a str"),
        (["no spaces"], "neither a channel character"),
        (["{anything}"], r"public holds '\{anything\}', which begins with a placeholder"),
    ],
)
def test_public_patterns(public: Any, says: str) -> None:
    with pytest.raises(ConfigurationError, match=says):
        ChannelRooms(socketio.Server(), ChannelRegistry(), public=public)
