"""Who may listen where: every role against every channel."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest

from broadcastkit import Channel
from broadcastkit.channels import ConversationChannel, UserChannel
from broadcastkit.testing.aio import assert_authorized, assert_denied
from examples.dentist_chat.rules import Listener, OpenChannel, channels
from tests.examples.dentist_chat.conftest import MEMBERS, NAMES, Someone

RULES: Sequence[tuple[Channel, set[str]]] = (
    [(UserChannel(user_id=number), {name}) for name, number in NAMES.items()]
    + [(ConversationChannel(conversation_id=number), members) for number, members in MEMBERS.items()]
    # who has it open: of each of the two, for both
    + [
        (OpenChannel(consultation_id=number, user_id=NAMES[member]), members)
        for number, members in MEMBERS.items()
        for member in sorted(members)
    ]
    # of somebody who has no part in it, and of nobody
    + [(OpenChannel(consultation_id=1, user_id=NAMES[name]), set()) for name in ("tom", "weber", "admin")]
    + [(OpenChannel(consultation_id=1, user_id=99), set()), (OpenChannel(consultation_id=99, user_id=1), set())]
    + [(OpenChannel(consultation_id=10**9, user_id=10**9), set())]
    + [(UserChannel(user_id=99), set()), (ConversationChannel(conversation_id=99), set())]
    + [(ConversationChannel(conversation_id=10**30), set()), (ConversationChannel(conversation_id="one"), set())]
)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("channel", "allowed"), RULES, ids=[channel.name for channel, _ in RULES])
async def test_who_may_listen(listeners: dict[str, Listener], name: str, channel: Channel, allowed: set[str]) -> None:
    if name in allowed:
        await assert_authorized(channel, listeners[name], channels=channels)
    else:
        await assert_denied(channel, listeners[name], channels=channels)


@pytest.mark.parametrize("channel", [channel for channel, _ in RULES], ids=lambda channel: channel.name)
async def test_a_guest_may_listen_nowhere(channel: Channel) -> None:
    await assert_denied(channel, None, channels=channels)


async def test_who_has_it_open_tells_name_and_role(listeners: dict[str, Listener]) -> None:
    of_maya = OpenChannel(consultation_id=1, user_id=NAMES["maya"])
    maya = await assert_authorized(of_maya, listeners["maya"], channels=channels)
    assert maya == ("1", {"name": "Maya Lindqvist", "role": "patient"})
    # whoever looks on does so as himself
    ruiz = await assert_authorized(of_maya, listeners["ruiz"], channels=channels)
    assert ruiz == ("2", {"name": "Dr. Elena Ruiz", "role": "doctor"})


# the same through the endpoint, with names that are no channel of ours
ALLOWED = {
    "private-user.1": {"maya"},
    "private-conversation.1": {"maya", "ruiz"},
    "presence-consultation.1.1": {"maya", "ruiz"},
    "presence-consultation.1.2": {"maya", "ruiz"},
    "presence-consultation.1.3": set(),
    "presence-consultation.2.1": set(),
    "presence-consultation.1.5": set(),
    "presence-consultation.1": set(),
    "presence-consultation.01.1": set(),
    "presence-consultation.1.1.1": set(),
    "presence-consultation.1.-1": set(),
    "presence-consultation.99999999999999999999.1": set(),
    "private-consultation.1.1": set(),
    "consultation.1.1": set(),
    "private-user.01": set(),
    "private-user.1.2": set(),
    "private-conversation.-1": set(),
    "private-conversations.1": set(),
    "presence-conversation.1": set(),
    "private-encrypted-conversation.1": set(),
    "private-cache-user.1": set(),
    "private-user.": set(),
    "user.1": set(),
}


@pytest.mark.parametrize("channel", ALLOWED)
def test_who_is_granted_a_subscription(people: dict[str, Someone], channel: str) -> None:
    answers = {name: someone.subscribe(channel) for name, someone in people.items()}
    granted = {name for name, answer in answers.items() if answer.status_code == 200}
    assert granted == ALLOWED[channel]
    assert answers["stranger"].status_code == 401
    assert {answers[name].status_code for name in NAMES if name not in granted} <= {400, 403}
    for name in granted:
        assert answers[name].json()["auth"].startswith("ask-dentist-key:")
        # a member is who asks, whatever the channel is called
        data = json.loads(answers[name].json().get("channel_data", "null"))
        assert data is None if channel.startswith("private-") else data["user_id"] == str(NAMES[name])
