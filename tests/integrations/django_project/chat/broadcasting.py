"""The rules of the chat: found by Django's autodiscovery."""

from __future__ import annotations

from typing import Any

from broadcastkit import PresenceChannel, PresenceMember
from broadcastkit.channels import ConversationChannel, UserChannel
from broadcastkit.integrations.django import channels


class ConversationPresence(PresenceChannel, pattern="conversation.{conversation_id}"):
    conversation_id: int


@channels.authorize(UserChannel)
def own_channel(user: Any, channel: UserChannel) -> bool:
    return bool(user.pk == channel.user_id)


@channels.authorize(ConversationChannel)
def member_of(user: Any, channel: ConversationChannel) -> bool:
    return bool(user.conversations.filter(pk=channel.conversation_id).exists())


@channels.authorize(ConversationPresence)
async def present_in(user: Any, conversation_id: int) -> PresenceMember | None:
    if not await user.conversations.filter(pk=conversation_id).aexists():
        return None
    return PresenceMember(user.pk, {"name": user.get_username()})
