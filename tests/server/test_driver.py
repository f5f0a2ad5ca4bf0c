"""The embedded drivers: both colours, from any thread and any loop."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import inspect
import json
import threading
from collections.abc import Callable
from typing import Any, cast

import anyio
import pytest

from broadcastkit.authorization import SubscriptionGrant, UserGrant
from broadcastkit.core.encryption import parse_master_key
from broadcastkit.core.message import Message
from broadcastkit.drivers.base import AsyncDriver, CachedEvent, ChannelInfo, Driver, Sent, UserInfo
from broadcastkit.errors import BadRequestError, ConfigurationError, ForbiddenError, PayloadTooLargeError
from broadcastkit.server import App, AsyncEmbeddedDriver, EmbeddedDriver, EmbeddedServer, Limits
from broadcastkit.server.effects import Subscribe
from tests.server.tools import AsgiSocket, auth, frame, make_server, member, sign_in

MASTER_KEY = "zyrm8pvV2C9fJcBfhyXzvxbJVN/H7QLmbe0xJi1GhPU="
RETIRED_KEY = "ZUhQVldIZzduRkdZVkJzS2pPRkRYV1JyaWJJUjJiMGI="
MESSAGE = Message("hello", ("orders",), '{"a":1}')
HEARD = {"event": "hello", "channel": "orders", "data": {"a": 1}}

Call = Callable[..., Any]


@pytest.fixture(params=["sync", "async"])
def make(request: pytest.FixtureRequest) -> Call:
    """Make a driver whose methods can be awaited, whatever its colour."""

    def build(server: EmbeddedServer, **options: Any) -> Any:
        return (
            Blocking(EmbeddedDriver(server, **options))
            if request.param == "sync"
            else AsyncEmbeddedDriver(server, **options)
        )

    return build


class Blocking:
    def __init__(self, driver: EmbeddedDriver) -> None:
        self.driver = driver

    def __getattr__(self, name: str) -> Any:
        method = getattr(self.driver, name)
        if name.startswith("answer_"):
            return method

        async def call(*args: Any, **options: Any) -> Any:
            return method(*args, **options)

        return call


def test_the_twins_are_drivers_and_have_the_same_methods() -> None:
    server = make_server()
    driver: Driver = EmbeddedDriver(server)
    twin: AsyncDriver = AsyncEmbeddedDriver(server)
    assert not driver.blocking
    assert repr(driver) == "EmbeddedDriver('app-id')"
    assert repr(twin) == "AsyncEmbeddedDriver('app-id')"
    for name, method in inspect.getmembers(EmbeddedDriver, inspect.isfunction):
        other = getattr(AsyncEmbeddedDriver, {"close": "aclose"}.get(name, name))
        assert inspect.signature(method) == inspect.signature(other), name


async def test_delivers_in_order(make: Call) -> None:
    server = make_server()
    async with AsgiSocket(server) as a, AsgiSocket(server) as b:
        for client in (a, b):
            await client.open()
            await client.subscribe("orders")
        messages = [MESSAGE, MESSAGE._replace(data='{"a":2}', exclude=a.socket_id), MESSAGE._replace(data='{"a":3}')]
        assert await make(server).send(messages) == [Sent(), Sent(), Sent()]
        assert [(await a.receive())["data"]["a"] for _ in range(2)] == [1, 3]
        assert [(await b.receive())["data"]["a"] for _ in range(3)] == [1, 2, 3]


async def test_tells_of_the_channels_what_is_asked(make: Call) -> None:
    server = make_server()
    async with AsgiSocket(server) as client:
        await client.open()
        await client.subscribe("presence-x", member("1"))
        message = Message("ev", ("presence-x", "orders"), "{}", info=("user_count", "subscription_count"))
        (sent,) = await make(server).send([message])
        assert dict(sent.channels) == {
            "presence-x": ChannelInfo(user_count=1, subscription_count=1),
            "orders": ChannelInfo(subscription_count=0),
        }


async def test_more_channels_than_a_request_holds(make: Call) -> None:
    message = Message("ev", tuple(f"x{n}" for n in range(250)), "{}")
    assert await make(make_server()).send([message]) == [Sent()]


async def test_a_message_that_is_too_large_harms_no_other(make: Call) -> None:
    server = make_server(limits=Limits(event_data_size=9))
    outcomes = await make(server).send([MESSAGE, MESSAGE._replace(data='"éééé"'), MESSAGE])
    assert outcomes[::2] == [Sent(), Sent()]
    assert isinstance(outcomes[1], PayloadTooLargeError)
    assert (outcomes[1].size, outcomes[1].limit) == (10, 9)


async def test_a_socket_id_of_another_protocol_excludes_nobody(make: Call) -> None:
    server = make_server()
    async with AsgiSocket(server) as client:
        await client.open()
        await client.subscribe("orders")
        assert await make(server).send([MESSAGE._replace(exclude="h3nAdb134tbvqwrg")]) == [Sent()]
        assert await client.receive() == HEARD


async def test_a_disabled_app_takes_nothing(make: Call) -> None:
    server = EmbeddedServer(App("1", "key", "secret", enabled=False))
    (outcome,) = await make(server).send([MESSAGE])
    assert isinstance(outcome, ForbiddenError)


async def test_encrypts_for_each_channel_by_itself(make: Call) -> None:
    server = make_server()
    names = ("private-encrypted-a", "private-encrypted-b", "private-c")
    async with AsgiSocket(server) as client:
        await client.open()
        for name in names:
            await client.subscribe(name)
        assert await make(server, encryption_master_key=MASTER_KEY).send([Message("ev", names, '{"a":1}')]) == [Sent()]
        heard = {event["channel"]: event["data"] for event in [await client.receive() for _ in names]}
        await make(server, encryption_master_key=MASTER_KEY).send([Message("ev", names[:1], '{"a":2}')])
        assert (await client.receive())["channel"] == names[0]
    assert heard["private-c"] == {"a": 1}
    key = parse_master_key(MASTER_KEY)
    for name in names[:2]:
        assert key.decrypt(name, json.dumps(heard[name])) == '{"a":1}'


async def test_the_last_event_of_a_cache_channel_is_opened_with_the_key_that_sealed_it(make: Call) -> None:
    server, name = make_server(), "private-encrypted-cache-a"
    await make(server, encryption_master_key=RETIRED_KEY).send([Message("ev", (name, "cache-a"), '{"a":1}')])

    async def cached(channel: str, *keys: str) -> CachedEvent:
        info = await make(server, encryption_master_key=keys).channel_info(channel, info=("cache",))
        return cast("CachedEvent", info.cache)

    for channel in (name, "cache-a"):
        assert (await cached(channel, MASTER_KEY, RETIRED_KEY)).data == '{"a":1}'
    sealed = await cached(name, MASTER_KEY)
    assert sealed.sealed
    assert parse_master_key(RETIRED_KEY).decrypt(name, sealed.data) == '{"a":1}'


async def test_an_encrypted_channel_needs_a_key(make: Call) -> None:
    driver = make(make_server())
    (outcome,) = await driver.send([Message("ev", ("private-encrypted-a",), "{}")])
    assert isinstance(outcome, ConfigurationError)
    with pytest.raises(ConfigurationError, match="encryption_master_key"):
        driver.answer_subscription(SubscriptionGrant("1.2", "private-encrypted-a"))


def test_answers_are_signed_as_clients_expect(make: Call) -> None:
    driver = make(make_server(), encryption_master_key=MASTER_KEY)
    private = driver.answer_subscription(SubscriptionGrant("1.2", "private-x"))
    assert private.as_dict() == {"auth": auth("1.2", "private-x")}
    presence = driver.answer_subscription(SubscriptionGrant("1.2", "presence-x", '{"user_id":"1"}'))
    assert presence.as_dict() == {
        "auth": auth("1.2", "presence-x", '{"user_id":"1"}'),
        "channel_data": '{"user_id":"1"}',
    }
    encrypted = driver.answer_subscription(SubscriptionGrant("1.2", "private-encrypted-x"))
    secret = hashlib.sha256(b"private-encrypted-x" + base64.b64decode(MASTER_KEY)).digest()
    assert encrypted.shared_secret == base64.b64encode(secret).decode()
    user = driver.answer_user(UserGrant("1.2", '{"id": "7"}'))
    assert frame("pusher:signin", user.as_dict()) == sign_in("1.2", {"id": "7"})


async def test_questions(make: Call) -> None:
    server = make_server()
    driver = make(server)
    async with AsgiSocket(server) as a, AsgiSocket(server) as b:
        for client, user in ((a, "1"), (b, "2")):
            await client.open()
            await client.subscribe("presence-x", member(user))
        assert await driver.channels_info() == {"presence-x": ChannelInfo()}
        assert await driver.channels_info(prefix="private-") == {}
        assert await driver.channels_info(prefix="presence-", info=("user_count",)) == {
            "presence-x": ChannelInfo(user_count=2)
        }
        info = await driver.channel_info("presence-x", info=("user_count", "subscription_count"))
        assert info == ChannelInfo(occupied=True, user_count=2, subscription_count=2)
        assert await driver.channel_info("cache-y", info=("cache",)) == ChannelInfo(occupied=False)
        assert await driver.users_info("presence-x") == (UserInfo("1"), UserInfo("2"))
    for question in (
        driver.channels_info(info=("user_count",)),
        driver.channel_info("orders", info=("user_count",)),
        driver.channel_info("a b"),
        driver.users_info("orders"),
    ):
        with pytest.raises(BadRequestError) as caught:
            await question
        assert caught.value.status == 400


async def test_ends_the_connections_of_a_user(make: Call) -> None:
    server = make_server()
    driver = make(server)
    async with AsgiSocket(server) as client:
        await client.open()
        client.send(sign_in(client.socket_id, {"id": "7"}))
        await client.receive()
        await driver.terminate_user_connections("7")
        assert (await client.closed())[0] == 4009
    await driver.terminate_user_connections("7")


async def test_closing_a_driver_closes_nothing(make: Call) -> None:
    server = make_server()
    driver = make(server)
    async with AsgiSocket(server) as client:
        await client.open()
        await client.subscribe("orders")
        await (driver.close if isinstance(driver, Blocking) else driver.aclose)()
        assert await driver.send([MESSAGE]) == [Sent()]
        assert await client.receive() == HEARD


def test_an_app_is_chosen_by_id() -> None:
    server = EmbeddedServer([App("1", "a", "x"), App("2", "b", "y")])
    assert repr(EmbeddedDriver(server, app_id="2")) == "EmbeddedDriver('2')"
    with pytest.raises(ConfigurationError, match="app_id"):
        EmbeddedDriver(server)


# -- threads and loops


def test_without_any_loop() -> None:
    server = make_server()
    assert EmbeddedDriver(server).send([MESSAGE._replace(channels=("cache-x",))]) == [Sent()]
    assert EmbeddedDriver(server).channel_info("cache-x") == ChannelInfo(occupied=False)


async def test_from_worker_threads_of_the_running_loop() -> None:
    server = make_server()
    driver = EmbeddedDriver(server)
    async with AsgiSocket(server) as client:
        await client.open()
        await client.subscribe("orders")
        for number in range(20):
            # one after the other, from whatever thread: the order is kept
            await anyio.to_thread.run_sync(driver.send, [MESSAGE._replace(data=str(number))])
            driver.send([MESSAGE._replace(data=f"{number}.5")])
        heard = [(await client.receive())["data"] for _ in range(40)]
    assert heard == [number / 2 for number in range(40)]


async def test_from_many_threads_at_once() -> None:
    server = make_server(limits=Limits(send_queue=100_000))
    driver = EmbeddedDriver(server)

    def send(thread: int) -> None:
        for number in range(50):
            driver.send([MESSAGE._replace(data=json.dumps([thread, number]))])
            driver.channels_info()

    async with AsgiSocket(server) as client, AsgiSocket(server) as restless:
        for connection in (client, restless):
            await connection.open()
        await client.subscribe("orders")
        async with anyio.create_task_group() as tasks:
            for thread in range(8):
                tasks.start_soon(anyio.to_thread.run_sync, send, thread)
            for _ in range(50):
                restless.send(frame("pusher:subscribe", {"channel": "orders"}))
                restless.send(frame("pusher:unsubscribe", {"channel": "orders"}))
                await anyio.lowlevel.checkpoint()
        heard = [(await client.receive())["data"] for _ in range(400)]
    for thread in range(8):
        assert [number for sender, number in heard if sender == thread] == list(range(50))


async def test_from_another_loop() -> None:
    server = make_server()

    async def elsewhere() -> None:
        await AsyncEmbeddedDriver(server).send([MESSAGE])
        await AsyncEmbeddedDriver(server).terminate_user_connections("7")

    async with AsgiSocket(server) as client:
        await client.open()
        await client.subscribe("orders")
        client.send(sign_in(client.socket_id, {"id": "7"}))
        await client.receive()
        thread = threading.Thread(target=asyncio.run, args=[elsewhere()])
        thread.start()
        assert await client.receive() == HEARD
        assert (await client.closed())[0] == 4009
        await anyio.to_thread.run_sync(thread.join)


def test_connections_of_a_loop_that_is_gone_are_forgotten() -> None:
    server = make_server()
    loop = asyncio.new_event_loop()
    link = server.live().connect(loop)
    server.live().perform(link, Subscribe("orders", None))
    loop.close()
    assert EmbeddedDriver(server).channel_info("orders") == ChannelInfo(occupied=True)
    assert EmbeddedDriver(server).send([MESSAGE]) == [Sent()]
    assert EmbeddedDriver(server).channel_info("orders") == ChannelInfo(occupied=False)
