"""What the routes below `/chat/conversation/{id}` have in common: the conversation must be the user's own."""

from __future__ import annotations

import logging
from typing import Annotated

from fastapi import Depends, HTTPException

from examples.dentist_chat.database import DatabaseSession
from examples.dentist_chat.identity import CurrentUser
from examples.dentist_chat.models import Consultation
from examples.dentist_chat.rules import own_consultation

__all__ = ["OwnConsultation", "log"]

# who did what to which row: never what was said
log = logging.getLogger("ask_dentist")


async def checked(consultation_id: int, user: CurrentUser, session: DatabaseSession) -> Consultation:
    consultation = await own_consultation(session, user, consultation_id)
    if consultation is None:
        # for other people's too: that they talk is nobody's business
        raise HTTPException(404, "you have no such conversation")
    return consultation


OwnConsultation = Annotated[Consultation, Depends(checked)]
