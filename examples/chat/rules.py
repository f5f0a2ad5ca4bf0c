"""Who may listen where. The users here are what `views.current_user` returns."""

from __future__ import annotations

from broadcastkit import ChannelRegistry, PresenceChannel
from broadcastkit.channels import ConversationChannel
from examples.chat.store import Person

__all__ = ["Lobby", "channels"]

channels = ChannelRegistry()


class Lobby(PresenceChannel, pattern="lobby"):
    """Everyone who has the page open."""


@channels.authorize(ConversationChannel)
def member(user: Person, channel: ConversationChannel) -> bool:
    return channel.conversation_id in user.conversations


@channels.authorize(Lobby)
def present(user: Person) -> dict[str, object]:
    # what the others see; the id is in it because Echo's `here()` shows nothing else
    return {"id": user.id, "name": user.name}
