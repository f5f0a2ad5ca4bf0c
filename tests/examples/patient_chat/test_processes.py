"""Two processes of the chat that share a Redis, as behind a load balancer."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from redis.asyncio import Redis

from examples.patient_chat.cache import RedisPages
from examples.patient_chat.online import RedisOnline
from tests.examples.patient_chat.conftest import SECRET, Someone, Stage, make_settings, people_anew
from tests.interop.redis_servers import RedisServer, redis_server, wait_until
from tests.interop.servers import free_port, running
from tests.offline.sinks import MailServer, mail_server

pytestmark = pytest.mark.real

FACTORY = "examples.patient_chat.app:create_app"


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with redis_server(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture(scope="module")
def mails() -> Iterator[MailServer]:
    with mail_server() as server:
        yield server


@pytest.fixture(scope="module")
def stages(
    tmp_path_factory: pytest.TempPathFactory, redis: RedisServer, mails: MailServer
) -> Iterator[tuple[Stage, Stage]]:
    folder = tmp_path_factory.mktemp("processes")
    settings = make_settings(folder)
    asyncio.run(people_anew(settings.database_url))
    environment = {
        "JWT_SECRET": SECRET,
        "DATABASE_URL": settings.database_url,
        "UPLOAD_DIR": str(settings.upload_dir),
        "REDIS_URL": redis.url,
        "MAIL_URL": f"smtp+none://127.0.0.1:{mails.port}",
    }
    with ExitStack() as processes:
        ports = [free_port(), free_port()]
        for port in ports:
            command = [sys.executable, "-m", "uvicorn", "--factory", FACTORY, "--port", str(port)]
            log = folder / f"{port}.log"
            processes.enter_context(running(command, port=port, log=log, ready="/health", env=environment))
        one, other = (processes.enter_context(Stage(port, folder)) for port in ports)
        # python-socketio listens to Redis once a process has its first client
        guests = [stage.open({"token": stage.known("chiara").token}) for stage in (one, other)]
        with closing(redis.client()) as client:
            wait_until(lambda: client.pubsub_numsub("socketio")[0][1] == 2, "both listen to Redis")
        for guest in guests:
            guest.close()
        yield one, other


def elsewhere(someone: Someone, stage: Stage) -> Someone:
    """Return the same person, with the same token, at another process."""
    return Someone(stage, someone.token, someone.id)


def test_events_reach_whoever_is_connected_to_the_other_process(stages: tuple[Stage, Stage]) -> None:
    ana, doe = stages[0].known("ana"), stages[1].known("doe")
    at_doe, at_ana = doe.open(), ana.open()
    assert at_doe.next("user_status_change", userId=ana.id)["isOnline"] is True

    at_ana.emit("send_message", {"receiverId": doe.id, "content": "Hello"})
    assert at_doe.next("new_message")["message"]["content"] == "Hello"
    assert at_ana.next("message_sent")["message"]["content"] == "Hello"
    # who is there is known across processes
    assert at_ana.next("messages_delivered")["userId"] == doe.id
    at_ana.emit("typing_start", {"receiverId": doe.id})
    assert at_doe.next("typing_start") == {"userId": ana.id}
    at_doe.emit("mark_read", {"senderId": ana.id})
    assert at_ana.next("messages_read") == {"userId": doe.id}
    at_doe.tell("mark_read", {"senderId": "nobody"})
    assert at_doe.next("error")["message"].startswith("Validation failed")
    at_doe.close()
    at_ana.next("user_status_change", userId=doe.id, isOnline=False)
    at_ana.close()


def test_what_one_process_has_kept_of_a_conversation_the_other_makes_it_read_anew(
    stages: tuple[Stage, Stage],
) -> None:
    ana, smith = stages[0].known("ana"), stages[1].known("smith")
    before = len(ana.data(f"/chat/conversations/{smith.id}"))

    smith.say(ana, "and one more")

    assert len(ana.data(f"/chat/conversations/{smith.id}")) == before + 1


def test_tabs_at_several_processes_are_one_person(stages: tuple[Stage, Stage]) -> None:
    ben, doe = stages[0].known("ben"), stages[0].known("doe")
    at_ben = ben.open()
    here, there = doe.open(), elsewhere(doe, stages[1]).open(quiet=False)
    at_ben.next("user_status_change", userId=doe.id, isOnline=True)

    here.close()
    status = ben.post("/chat/online-status", {"userIds": [doe.id]}).json()["data"]
    assert status == [{"userId": doe.id, "isOnline": True}]
    there.close()
    at_ben.next("user_status_change", userId=doe.id, isOnline=False)
    at_ben.close()


def test_signing_out_at_one_process_ends_the_connections_at_the_other(stages: tuple[Stage, Stage]) -> None:
    smith = stages[0].known("smith")
    there = elsewhere(smith, stages[1]).open()

    assert smith.post("/auth/logout").status_code == 200

    there.until_ended()


def test_who_is_connected_to_the_other_process_gets_no_mail(stages: tuple[Stage, Stage], mails: MailServer) -> None:
    smith, chiara, ben = (stages[0].known(name) for name in ("smith", "chiara", "ben"))
    doe = stages[0].known("doe")
    there = elsewhere(chiara, stages[1]).open(quiet=False)

    def is_online(other: Someone, asking: Someone) -> bool:
        asked = asking.post("/chat/online-status", {"userIds": [other.id]}).json()["data"]
        return bool(asked[0]["isOnline"])

    wait_until(lambda: not is_online(ben, doe), "Ben has gone")
    assert is_online(chiara, smith)
    while not mails.mails.empty():
        mails.mail()

    smith.say(chiara, "for whom is at the other process")
    assert there.next("new_message")["message"]["content"] == "for whom is at the other process"
    doe.put(f"/chat/conversations/{ben.id}/read")
    ben.put(f"/chat/conversations/{doe.id}/read")
    doe.say(ben, "the fence")

    assert mails.mail().to == ["ben@example.com"]
    assert mails.mails.empty()


def test_limits_count_together(stages: tuple[Stage, Stage]) -> None:
    guess = {"email": "chiara@example.com", "password": "guess"}
    guesses = [stages[number % 2].client.post("/auth/login", json=guess) for number in range(11)]

    assert guesses[-1].status_code == 429


# -- what the processes share ------------------------------------------------------------------------------------------


@pytest.fixture
async def client(redis: RedisServer) -> AsyncIterator[Redis]:
    client = Redis.from_url(redis.url, decode_responses=True)
    yield client
    await client.aclose()


async def test_who_was_connected_to_a_process_that_died_is_let_go_by_one_of_the_others(client: Redis) -> None:
    dead = RedisOnline(client, prefix="died", lease=-1.0)
    alive = RedisOnline(client, prefix="died")
    await dead.came("ana", "sid-1", "token")
    await alive.came("doe", "sid-2", "token")

    assert await alive.among(["ana", "doe"]) == {"doe"}
    assert await alive.renew([("doe", "sid-2", "token")]) == ["ana"]
    assert await alive.renew([("doe", "sid-2", "token")]) == []


async def test_a_user_comes_and_goes_once(client: Redis) -> None:
    online = RedisOnline(client, prefix="once")

    assert [await online.came("ana", sid, "token") for sid in ("1", "2")] == [True, False]
    assert await online.came("ana", "3", "another") is False
    assert sorted(await online.sids("ana", "token")) == ["1", "2"]
    assert [await online.went("ana", "1", "token"), await online.went("ana", "1", "token")] == [False, False]
    assert [await online.went("ana", "2", "token"), await online.went("ana", "3", "another")] == [False, True]
    assert await online.among(["ana"]) == set()


async def test_a_page_is_kept_until_something_changes(client: Redis) -> None:
    pages = RedisPages(client, "pages")
    version = await pages.version("a_b")
    await pages.put("a_b", version, "50:0", {"data": ["said"]})
    assert await pages.get("a_b", version, "50:0") == {"data": ["said"]}
    assert await pages.get("a_b", version, "50:50") is None

    await pages.changed("a_b")
    assert await pages.get("a_b", await pages.version("a_b"), "50:0") is None


def test_files_of_the_tests_are_in_their_folder(stages: tuple[Stage, Stage], tmp_path: Path) -> None:
    assert (stages[0].folder / "chat.db").exists()
    assert list(tmp_path.iterdir()) == []
