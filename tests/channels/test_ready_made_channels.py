"""The channels of DESIGN §9, as it writes them."""

from __future__ import annotations

from uuid import UUID

import pytest

from broadcastkit.channels import (
    AdminChannel,
    Channel,
    ConversationChannel,
    JobChannel,
    PresenceChannel,
    PrivateChannel,
    RoomChannel,
    RoomPresence,
    UserChannel,
)

ID = UUID("0b6b4f0e-6a4e-4d0b-8f5c-1d2e3f405162")


@pytest.mark.parametrize(
    ("channel", "name", "kind"),
    [
        (UserChannel(user_id=3), "private-user.3", PrivateChannel),
        (UserChannel(user_id=ID), f"private-user.{ID}", PrivateChannel),
        (UserChannel(user_id="ann"), "private-user.ann", PrivateChannel),
        (ConversationChannel(conversation_id=3), "private-conversation.3", PrivateChannel),
        (JobChannel(job_id=3), "private-job.3", PrivateChannel),
        (AdminChannel(), "private-admin", PrivateChannel),
        (RoomChannel(room_id=3), "room-3", Channel),
        (RoomPresence(room_id=3), "presence-room-3", PresenceChannel),
    ],
    ids=str,
)
def test_names_and_kinds(channel: Channel, name: str, kind: type[Channel]) -> None:
    assert channel.name == name
    assert type(channel).__bases__ == (kind,)
    assert type(channel).parse(name) == channel


@pytest.mark.parametrize(("segment", "value"), [("3", 3), ("-3", -3), (str(ID), ID), ("ann", "ann"), ("03", "03")])
def test_an_id_is_an_int_a_uuid_or_text(segment: str, value: object) -> None:
    channel = UserChannel.parse(f"private-user.{segment}")

    assert channel is not None
    assert (channel.user_id, type(channel.user_id)) == (value, type(value))


def test_a_rooms_public_channel_is_not_its_presence_channel() -> None:
    assert RoomChannel.parse("presence-room-3") is None
    assert RoomPresence.parse("room-3") is None
    assert RoomChannel(room_id=3) != RoomPresence(room_id=3)
