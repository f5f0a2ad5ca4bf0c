"""The pages: the dashboard, and the same with a conversation open."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from sqlalchemy import true

from examples.dentist_chat.database import DatabaseSession
from examples.dentist_chat.identity import session_of_page
from examples.dentist_chat.live import Live
from examples.dentist_chat.models import SignIn
from examples.dentist_chat.pages import Pages
from examples.dentist_chat.routes.consultations import listed
from examples.dentist_chat.rules import own_consultation
from examples.dentist_chat.schemas import Start

__all__ = ["router"]

router = APIRouter(default_response_class=HTMLResponse, include_in_schema=False)
PageSession = Annotated[SignIn | None, Depends(session_of_page)]


@router.get("/")
async def front() -> Response:
    return RedirectResponse("/chat", 303)


@router.get("/chat")
async def dashboard(request: Request, sign_in: PageSession, session: DatabaseSession) -> Response:
    return await _page(request, sign_in, session)


@router.get("/chat/conversation/{consultation_id}")
async def conversation(
    consultation_id: int, request: Request, sign_in: PageSession, session: DatabaseSession
) -> Response:
    if sign_in is not None and await own_consultation(session, sign_in.user, consultation_id) is None:
        pages: Pages = request.app.state.pages
        return pages.problem("You have no such consultation.", status_code=404)
    return await _page(request, sign_in, session, consultation_id)


async def _page(
    request: Request, sign_in: SignIn | None, session: DatabaseSession, opened: int | None = None
) -> Response:
    if sign_in is None:
        return RedirectResponse("/login", 303)
    live: Live = request.app.state.live
    pages: Pages = request.app.state.pages
    consultations = await listed(session, sign_in.user, true())
    start = Start.of(sign_in.user, consultations, opened, live.page_settings(str(request.base_url)))
    return pages.chat(start, sign_in.csrf_token or "")
