"""What operators look at: /metrics for Prometheus, /up for health checks, and the log."""

from __future__ import annotations

import hmac
import logging
from logging.handlers import RotatingFileHandler

from fastapi import APIRouter, HTTPException, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy import text

from examples.dentist_chat.database import DatabaseSession
from examples.dentist_chat.identity import session_of_page
from examples.dentist_chat.live import Live
from examples.dentist_chat.models import Role
from examples.dentist_chat.settings import Settings

__all__ = ["log_to_file", "router"]

router = APIRouter(tags=["monitoring"])


@router.get("/metrics", response_class=Response)
async def metrics(request: Request, session: DatabaseSession) -> Response:
    """Say what was sent and what waits, to who has METRICS_TOKEN and to administrators; 404 for anybody else."""
    settings: Settings = request.app.state.settings
    if not _has_token(request, settings) and not await _is_admin(request, session):
        raise HTTPException(404)
    live: Live = request.app.state.live
    return Response(generate_latest(live.metrics), media_type=CONTENT_TYPE_LATEST)


def _has_token(request: Request, settings: Settings) -> bool:
    if settings.metrics_token is None:
        return False
    expected = f"Bearer {settings.metrics_token.get_secret_value()}"
    return hmac.compare_digest(expected.encode(), request.headers.get("Authorization", "").encode())


async def _is_admin(request: Request, session: DatabaseSession) -> bool:
    sign_in = await session_of_page(request, session)
    return sign_in is not None and sign_in.user.role == Role.ADMIN


@router.get("/up")
async def up(session: DatabaseSession) -> dict[str, str]:
    """Say that the application serves, and that its database answers."""
    await session.execute(text("SELECT 1"))
    return {"health": "OK"}


def log_to_file(settings: Settings) -> None:
    """Write what happens to app.log: who did what to which row, what could not be sent, and never what was said."""
    folder = settings.storage_dir / "logs"
    folder.mkdir(parents=True, exist_ok=True)
    handler = RotatingFileHandler(folder / "app.log", maxBytes=5_000_000, backupCount=3, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    for name in ("ask_dentist", "broadcastkit"):
        logger = logging.getLogger(name)
        logger.setLevel(logging.INFO)
        logger.addHandler(handler)
