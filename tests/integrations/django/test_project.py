"""A project that broadcasts: rows as events, from views of both kinds, and the sender left out."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.core.exceptions import SynchronousOnlyOperation
from django.test import AsyncClient, Client

from broadcastkit import MessageSent, aio
from broadcastkit.channels import ConversationChannel
from broadcastkit.integrations.django import channels
from broadcastkit.socket_id import current_socket_id
from broadcastkit.testing import Broadcasts, fake_broadcasts
from tests.integrations.django_project.chat.models import Message


@pytest.fixture
def fields(ada: Any, bob: Any, conversation: Any) -> dict[str, Any]:
    return {"conversation_id": conversation.pk, "sender_id": ada.pk, "recipient_id": bob.pk, "content": "hello ✓"}


def check(broadcasts: Broadcasts, fields: dict[str, Any], answer: Any) -> None:
    channel = ConversationChannel(conversation_id=fields["conversation_id"])
    assert answer.json() == {"channels": [channel.name], "excluded": "12.34"}
    assert current_socket_id() is None
    broadcasts.assert_broadcast(MessageSent, on=channel, times=1, to_others=True)
    payload = broadcasts.recorded[0].payload
    assert {name: payload[name] for name in fields} == fields
    assert payload["sender"] == {"id": fields["sender_id"], "name": "Ada", "avatar": None}
    assert "nobody's business" not in json.dumps(payload)


def test_a_row_is_broadcast_from_a_view(fields: dict[str, Any]) -> None:
    with fake_broadcasts() as broadcasts:
        answer = Client().post("/messages/blocking", fields, headers={"X-Socket-ID": "12.34"})

    check(broadcasts, fields, answer)


async def test_a_row_is_broadcast_from_an_async_view(fields: dict[str, Any]) -> None:
    with fake_broadcasts() as broadcasts:
        answer = await AsyncClient().post("/messages/awaited", fields, headers={"X-Socket-ID": "12.34"})

    check(broadcasts, fields, answer)


def test_only_the_fields_of_the_event_leave_the_row(fields: dict[str, Any]) -> None:
    row = Message.objects.create(**fields, report="nobody's business")

    # those of the guide, and the conversation
    assert set(MessageSent(row).broadcast_with()) == {
        "id",
        "sender_id",
        "recipient_id",
        "conversation_id",
        "content",
        "message_type",
        "job_id",
        "attachments",
        "is_read",
        "created_at",
        "sender",
    }


async def test_what_is_not_loaded_cannot_be_read_where_nothing_may_block(fields: dict[str, Any]) -> None:
    row = await Message.objects.acreate(**fields)
    row = await Message.objects.aget(pk=row.pk)

    with pytest.raises(SynchronousOnlyOperation):
        await aio.broadcast(MessageSent(row)).to_others()


def test_the_rules_of_every_app_were_found() -> None:
    assert [(rule.pattern.text, rule.name) for rule in channels.rules] == [
        ("private-user.{user_id}", "own_channel"),
        ("private-conversation.{conversation_id}", "member_of"),
        ("presence-conversation.{conversation_id}", "present_in"),
        ("private-desk.{number}", "open_desk"),
    ]


def test_the_projects_own_fake_asks_the_projects_rules(ada: Any) -> None:
    client = Client()
    client.force_login(ada)
    with fake_broadcasts():
        own = client.post("/broadcasting/auth", {"socket_id": "1.2", "channel_name": f"private-user.{ada.pk}"})
        other = client.post("/broadcasting/auth", {"socket_id": "1.2", "channel_name": "private-user.999"})

    assert (own.status_code, own.json(), other.status_code) == (200, {"auth": ""}, 403)
