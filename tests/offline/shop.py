"""An application with fallbacks, as its processes import it."""

from __future__ import annotations

from broadcastkit import Channel, Event
from broadcastkit.offline import Fallbacks, Missed
from broadcastkit.offline.email import Mailer

__all__ = ["DoorChannel", "Rang", "fallbacks"]


class DoorChannel(Channel, pattern="door.{user_id}"):
    """Public, so that the clients of tests need no endpoint."""

    user_id: int


class Rang(Event):
    user_id: int

    def broadcast_on(self) -> list[Channel]:
        return [DoorChannel(user_id=self.user_id), Channel("lobby")]


fallbacks = Fallbacks()


@fallbacks.when_offline(DoorChannel, Rang)
def email_them(missed: Missed[DoorChannel]) -> None:
    mailer = Mailer.from_env()
    mailer.send(to=f"{missed.channel.user_id}@example.com", subject="Somebody is at the door", text="", id=missed.id)
