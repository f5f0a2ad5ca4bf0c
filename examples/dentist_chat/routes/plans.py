"""Treatment plans: the doctor of a consultation submits one, its patient accepts it."""

from __future__ import annotations

from fastapi import APIRouter, HTTPException
from sqlalchemy import select, update

from broadcastkit.aio import broadcast
from examples.dentist_chat.database import DatabaseSession
from examples.dentist_chat.events import PlanAccepted, PlanSubmitted
from examples.dentist_chat.identity import CurrentUser, has_role
from examples.dentist_chat.limits import limited
from examples.dentist_chat.models import MAX_ID, Role, TreatmentPlan, now
from examples.dentist_chat.routes.conversation import OwnConsultation, log
from examples.dentist_chat.schemas import PlanDraft, PlanView

__all__ = ["router"]

router = APIRouter(prefix="/chat/conversation/{consultation_id}/plans", tags=["treatment plans"])


@router.get("", dependencies=[limited("read")])
async def plans(consultation: OwnConsultation, session: DatabaseSession) -> list[PlanView]:
    rows = await session.scalars(
        select(TreatmentPlan).where(TreatmentPlan.consultation_id == consultation.id).order_by(TreatmentPlan.id)
    )
    return [PlanView.of(row) for row in rows]


@router.post("", status_code=201, dependencies=[limited("write"), has_role(Role.DOCTOR)])
async def submit(
    draft: PlanDraft, user: CurrentUser, consultation: OwnConsultation, session: DatabaseSession
) -> PlanView:
    plan = TreatmentPlan(
        consultation_id=consultation.id,
        patient_id=consultation.patient_id,
        doctor_id=user.id,
        summary=draft.summary,
    )
    session.add(plan)
    await session.flush()
    await broadcast(PlanSubmitted(plan)).after_commit(session).to_others()
    await session.commit()
    log.info("plan %d submitted in consultation %d by user %d", plan.id, consultation.id, user.id)
    return PlanView.of(plan)


@router.post("/{plan_id}/accept", dependencies=[limited("write"), has_role(Role.PATIENT)])
async def accept(plan_id: int, user: CurrentUser, consultation: OwnConsultation, session: DatabaseSession) -> PlanView:
    plan = await session.get(TreatmentPlan, plan_id) if 0 < plan_id <= MAX_ID else None
    if plan is None or plan.consultation_id != consultation.id:
        raise HTTPException(404, "there is no such plan in this conversation")
    # asked and done in one statement: of two who accept at once, one does
    waiting = TreatmentPlan.id == plan_id, TreatmentPlan.status == "submitted"
    accepting = update(TreatmentPlan).where(*waiting).values(status="accepted", accepted_at=now())
    if (await session.execute(accepting.returning(TreatmentPlan.id))).scalar() is None:
        raise HTTPException(409, "this plan was accepted already")
    await session.refresh(plan)
    await broadcast(PlanAccepted(plan)).after_commit(session).to_others()
    await session.commit()
    log.info("plan %d accepted in consultation %d by user %d", plan.id, consultation.id, user.id)
    return PlanView.of(plan)
