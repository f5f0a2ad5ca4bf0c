"""Every rule, asked by everybody: buyer and seller of a conversation, others, an administrator, and guests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from types import SimpleNamespace

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from broadcastkit import Channel, ChannelRegistry
from broadcastkit.channels import UserChannel
from broadcastkit.testing.aio import assert_authorized, assert_denied
from examples.marketplace.database import connect, sessions_of
from examples.marketplace.models import Role, User
from examples.marketplace.rules import ConversationChannel, OnlineChannel, channels_for
from tests.examples.marketplace.conftest import IDS, Someone, signed_in

ROLES = {"ada": Role.SELLER, "ben": Role.BUYER, "cleo": Role.BUYER, "dev": Role.SELLER, "root": Role.ADMIN}


@pytest.fixture
async def channels(database_url: str) -> AsyncIterator[ChannelRegistry]:
    engine = connect(database_url)
    yield channels_for(sessions_of(engine))
    await engine.dispose()


def user(name: str) -> User:
    return User(id=IDS[name], name=name.title(), role=ROLES[name])


# conversation 1 is Ben's with Ada, 3 Cleo's with Dev
LISTENING = [(1, {"ada", "ben"}), (2, {"ada", "cleo"}), (3, {"cleo", "dev"}), (4, set()), (0, set()), (10**18, set())]


@pytest.mark.parametrize(("conversation", "may"), LISTENING, ids=lambda value: str(value) if type(value) is int else "")
@pytest.mark.parametrize("name", IDS)
async def test_a_conversation_is_its_buyers_and_its_sellers(
    channels: ChannelRegistry, conversation: int, may: set[str], name: str
) -> None:
    about: list[Channel] = [
        ConversationChannel(conversation_id=conversation),
        OnlineChannel(conversation_id=conversation),
    ]
    for channel in about:
        if name in may:
            await assert_authorized(channel, user(name), channels=channels)
        else:
            await assert_denied(channel, user(name), channels=channels)


@pytest.mark.parametrize("name", IDS)
async def test_what_concerns_one_person_is_for_that_person(channels: ChannelRegistry, name: str) -> None:
    await assert_authorized(UserChannel(user_id=IDS[name]), user(name), channels=channels)
    for other in IDS.keys() - {name}:
        await assert_denied(UserChannel(user_id=IDS[other]), user(name), channels=channels)


@pytest.mark.parametrize("channel", [ConversationChannel(conversation_id=1), OnlineChannel(conversation_id=1)])
async def test_guests_hear_nothing(channels: ChannelRegistry, channel: Channel) -> None:
    await assert_denied(channel, None, channels=channels)


async def test_the_other_sees_a_name_and_nothing_else(channels: ChannelRegistry) -> None:
    member = await assert_authorized(OnlineChannel(conversation_id=1), user("ben"), channels=channels)
    assert (member.id, member.info) == ("2", {"id": 2, "name": "Ben"})


async def test_a_role_in_the_token_is_not_asked(channels: ChannelRegistry) -> None:
    await assert_denied(
        ConversationChannel(conversation_id=1), SimpleNamespace(id=5, role="buyer", name="Root"), channels=channels
    )


# -- over HTTP, with tokens ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", IDS)
@pytest.mark.parametrize(
    "channel",
    ["private-conversation.1", "presence-online.1", "private-user.2", "private-conversation.x", "private-admin"],
)
def test_the_endpoint_answers_by_the_rules(
    client: TestClient[Litestar], database_url: str, name: str, channel: str
) -> None:
    may = {
        "private-conversation.1": {"ada", "ben"},
        "presence-online.1": {"ada", "ben"},
        "private-user.2": {"ben"},
    }
    answer = signed_in(client, database_url, name).subscribe(channel)
    assert answer.status_code == (200 if name in may.get(channel, set()) else 403)


def test_without_a_token_the_endpoint_answers_401(stranger: Someone) -> None:
    answer = stranger.subscribe("private-conversation.1")
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
