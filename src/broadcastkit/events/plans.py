"""Ready-made events of a treatment plan: a doctor submits it to a patient, the patient accepts it."""

from __future__ import annotations

from datetime import datetime

from broadcastkit.channels.base import Channel
from broadcastkit.channels.common import UserChannel
from broadcastkit.events.base import Event, Id

__all__ = ["PlanAccepted", "PlanSubmitted"]


class PlanSubmitted(Event, defer_build=True):
    """`plan.submitted`: a doctor submitted a plan; the patient hears it on `private-user.{patient_id}`."""

    plan_id: Id
    consultation_id: Id
    patient_id: Id
    doctor_id: Id
    status: str = "submitted"
    summary: str | None = None
    submitted_at: datetime

    def broadcast_on(self) -> Channel:
        """Return the patient's channel."""
        return UserChannel(user_id=self.patient_id)


class PlanAccepted(Event, defer_build=True):
    """`plan.accepted`: the patient accepted a plan; the doctor hears it on `private-user.{doctor_id}`."""

    plan_id: Id
    consultation_id: Id
    patient_id: Id
    doctor_id: Id
    status: str = "accepted"
    summary: str | None = None
    accepted_at: datetime

    def broadcast_on(self) -> Channel:
        """Return the doctor's channel."""
        return UserChannel(user_id=self.doctor_id)
