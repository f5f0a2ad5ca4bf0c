"""The FastAPI app that `benchmarks.auth_endpoint` loads: our route, an empty one, and one that signs with `pusher`."""

from __future__ import annotations

from typing import Annotated, Any

import pusher
from fastapi import APIRouter, Depends, FastAPI, Form, Header

from broadcastkit import AsyncBroadcaster, ChannelRegistry, PrivateChannel
from broadcastkit.drivers.pusher import AsyncPusherDriver
from broadcastkit.integrations.fastapi import broadcasting_router

KEY, SECRET = "278d425bdf160c739803", "7ad3773142a6692b25b8"


class UserChannel(PrivateChannel, pattern="user.{user_id}"):
    user_id: int


class OwnChannel(PrivateChannel, pattern="own.{user_id}"):
    user_id: int


async def current_user(x_user: Annotated[str, Header()] = "3") -> int:
    """Stand in for an app's own dependency: the same for every route here."""
    return int(x_user)


channels = ChannelRegistry()


@channels.authorize(UserChannel)
async def own_channel(user: int, channel: UserChannel) -> bool:
    return user == channel.user_id


@channels.authorize(OwnChannel)
def own_channel_in_a_thread(user: int, channel: OwnChannel) -> bool:
    return user == channel.user_id


app = FastAPI()
# the others stand in a router too: a route that does costs FastAPI more than one of the app itself
others = APIRouter()
broadcaster = AsyncBroadcaster(AsyncPusherDriver(app_id="1", key=KEY, secret=SECRET), channels=channels)
app.include_router(broadcasting_router(broadcaster, user=current_user))
peer = pusher.Pusher("1", KEY, SECRET)


@others.post("/empty")
async def empty(user: Annotated[int, Depends(current_user)]) -> dict[str, bool]:
    del user
    return {"ok": True}


@others.post("/pusher")
async def sign_with_pusher(
    user: Annotated[int, Depends(current_user)], socket_id: Annotated[str, Form()], channel_name: Annotated[str, Form()]
) -> dict[str, Any]:
    if channel_name != f"private-user.{user}":
        return {}
    answer: dict[str, Any] = peer.authenticate(channel=channel_name, socket_id=socket_id)
    return answer


app.include_router(others)
