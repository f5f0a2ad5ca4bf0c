"""The guide's dashboard: connections, channels, what was sent and what went wrong; and the same for Prometheus."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from anyio import to_thread
from litestar import Controller, MediaType, Response, get
from litestar.di import NamedDependency
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from pydantic import BaseModel
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from broadcastkit.errors import BroadcastError
from examples.marketplace.figures import Trouble
from examples.marketplace.live import Live
from examples.marketplace.models import Message, now
from examples.marketplace.tokens import only_admins, only_monitoring

__all__ = ["Monitor"]


class Connections(BaseModel):
    open: int
    peak: int
    opened: int
    frames_sent: int
    frames_received: int


class ChannelFigures(BaseModel):
    name: str
    subscriptions: int | None
    users: int | None


class Statistics(BaseModel):
    driver: str
    queue: str
    connections: Connections | None
    """None where another process has them: that one's own monitoring knows."""
    channels: list[ChannelFigures] | None
    """None where the service cannot be asked, as Redis."""
    messages_last_hour: int
    messages_last_day: int
    sent: dict[str, int]
    failed: dict[str, int]
    dropped: dict[str, int]
    errors: list[Trouble]


class Monitor(Controller):
    @get("/laravel-websockets/statistics", guards=[only_admins])
    async def statistics(self, db: NamedDependency[AsyncSession], live: NamedDependency[Live]) -> Statistics:
        figures = live.figures
        if live.workers is not None:
            figures = figures.together_with(await to_thread.run_sync(live.workers.read))
        channels, trouble = await _channels(live)
        refused = [] if live.server is None else [*live.server.errors]
        errors = sorted([*trouble, *refused, *figures.errors], key=lambda one: one.at, reverse=True)
        return Statistics(
            driver=live.name,
            queue=live.queue,
            connections=_connections(live),
            channels=channels,
            messages_last_hour=await _messages_since(db, timedelta(hours=1)),
            messages_last_day=await _messages_since(db, timedelta(days=1)),
            sent=_most_first(figures.sent),
            failed=_most_first(figures.failed),
            dropped=_most_first(figures.dropped),
            errors=errors,
        )

    @get("/metrics", media_type=MediaType.TEXT, guards=[only_monitoring], exclude_from_auth=True)
    async def metrics(self, registry: NamedDependency[CollectorRegistry]) -> Response[bytes]:
        return Response(generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})


def _connections(live: Live) -> Connections | None:
    server = live.server
    if server is None:
        return None
    return Connections(
        open=server.open,
        peak=server.peak,
        opened=server.opened,
        frames_sent=server.frames_sent,
        frames_received=server.frames_received,
    )


async def _channels(live: Live) -> tuple[list[ChannelFigures] | None, list[Trouble]]:
    broadcaster = live.broadcaster
    try:
        counted = dict(await broadcaster.channels_info(info=["subscription_count"]))
        present = await broadcaster.channels_info(prefix="presence-", info=["user_count"])
    except BroadcastError as error:
        return None, [Trouble.of(f"channels: {error}")]
    channels = [
        ChannelFigures(
            name=name,
            subscriptions=info.subscription_count,
            users=present[name].user_count if name in present else None,
        )
        for name, info in sorted(counted.items())
    ]
    return channels, []


async def _messages_since(db: AsyncSession, before: timedelta) -> int:
    counted = select(func.count()).select_from(Message).where(Message.created_at >= now() - before)
    return await db.scalar(counted) or 0


def _most_first(counted: Any) -> dict[str, int]:
    return dict(counted.most_common())
