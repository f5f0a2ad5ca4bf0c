"""Money in escrow: the client pays when the job is given away, and releases it when the work is done."""

from __future__ import annotations

from typing import Any, Literal

from django.db import transaction
from django.db.models import Q
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.utils import timezone
from pydantic import Field

from examples.artisan_jobs.api import ApiError, Body, only
from examples.artisan_jobs.models import Dispute, Job, Payment, User
from examples.artisan_jobs.notices import naira, notify, tell_admins, tell_of_job
from examples.artisan_jobs.views.jobs import own_job

__all__ = ["disputes", "index", "open_dispute", "pay", "release", "resolve"]

Escrow = Payment.Escrow


def as_dict(payment: Payment) -> dict[str, Any]:
    names = ("id", "job_id", "artisan_id", "amount", "escrow_status", "created_at")
    return {name: getattr(payment, name) for name in names}


def index(request: HttpRequest) -> Any:
    """`GET /api/payments`: what one has paid, or earned."""
    payments = Payment.objects.filter(Q(job__client=request.user) | Q(artisan=request.user))
    return {"data": [as_dict(payment) for payment in payments.order_by("-pk")[:100]]}


@only(User.Role.CLIENT)
def pay(request: HttpRequest, job_id: int) -> Any:
    """`POST /api/jobs/{id}/pay`: the budget, into escrow; `payment_received` for the artisan."""
    with transaction.atomic():
        status = (Job.Status.ASSIGNED, Job.Status.IN_PROGRESS, Job.Status.COMPLETED)
        job = own_job(request, job_id, role="client", status=status)
        if Payment.objects.filter(job=job).exists():
            raise ApiError(409, "The job is paid already.")
        payment = Payment.objects.create(job=job, artisan=job.artisan, amount=job.budget)
        text = f"You received {naira(payment.amount)} for job completion"
        notify(job.artisan, "payment_received", "Payment Received", text, **_data(payment))
    return as_dict(payment), 201


@only(User.Role.CLIENT)
def release(request: HttpRequest, payment_id: int) -> Any:
    """`POST /api/payments/{id}/release`: the guide's `releaseFromEscrow`; `payment_released` for the artisan."""
    job_id = get_object_or_404(Payment.objects.filter(job__client=request.user), pk=payment_id).job_id
    with transaction.atomic():
        # whatever moves money holds its job: a dispute that somebody opens just now waits, or is waited for
        own_job(request, job_id, role="client", status=(Job.Status.COMPLETED,))
        payment = _held(job_id)
        _end(payment, Escrow.RELEASED)
    return as_dict(payment)


def _held(job_id: int) -> Payment:
    payment: Payment = Payment.objects.select_related("artisan").get(job=job_id)
    if payment.escrow_status != Escrow.HELD:
        raise ApiError(409, f"The money is {payment.escrow_status}.")
    return payment


def _end(payment: Payment, escrow_status: str) -> None:
    payment.escrow_status = escrow_status
    payment.save()
    if escrow_status == Escrow.RELEASED:
        text = f"{naira(payment.amount)} has been released to your account"
        notify(payment.artisan, "payment_released", "Payment Released", text, **_data(payment))


def _data(payment: Payment) -> dict[str, Any]:
    return {"payment_id": payment.pk, "amount": payment.amount, "job_id": payment.job_id}


# -- when they do not agree --------------------------------------------------------------------------------------------


class NewDispute(Body):
    reason: str = Field(min_length=1, max_length=2000)


def open_dispute(request: HttpRequest, job_id: int, body: NewDispute) -> Any:
    """`POST /api/jobs/{id}/disputes`: by client or artisan, while money is held; the administrators hear of it."""
    with transaction.atomic():
        job = own_job(request, job_id, status=(Job.Status.IN_PROGRESS, Job.Status.COMPLETED))
        if not Payment.objects.filter(job=job, escrow_status=Escrow.HELD).exists():
            raise ApiError(409, "There is no money in escrow to disagree about.")
        dispute = Dispute.objects.create(job=job, opened_by=request.user, reason=body.reason)
        job.status = Job.Status.DISPUTED
        job.save()
        tell_of_job(job, "status_changed", request.user, "There is a dispute")
        text = f"{request.user.name} opened a dispute about {job.title}"
        tell_admins("dispute_opened", text, dispute_id=dispute.pk, job_id=job.pk)
    return _dispute(dispute), 201


@only(User.Role.ADMIN)
def disputes(request: HttpRequest) -> Any:
    """`GET /api/disputes`: those that wait."""
    del request
    waiting = Dispute.objects.filter(outcome="").select_related("job", "opened_by").order_by("pk")
    return {"data": [_dispute(dispute) for dispute in waiting]}


class Resolution(Body):
    outcome: Literal["release", "refund"]


@only(User.Role.ADMIN)
def resolve(request: HttpRequest, dispute_id: int, body: Resolution) -> Any:
    """`POST /api/disputes/{id}/resolve`: `dispute_resolved` for both; the money goes where it belongs."""
    with transaction.atomic():
        dispute = get_object_or_404(Dispute.objects.filter(outcome="").select_for_update(), pk=dispute_id)
        dispute.outcome, dispute.resolved_at = body.outcome, timezone.now()
        dispute.save()
        job = Job.objects.select_for_update().get(pk=dispute.job_id)
        job.status = Job.Status.COMPLETED
        job.save()
        tell_of_job(job, "status_changed", request.user, "The dispute is resolved")
        words = "released to the artisan" if body.outcome == "release" else "refunded to the client"
        for one in (job.client, job.artisan):
            text = f"The dispute about {job.title} is resolved: the payment is {words}"
            notify(one, "dispute_resolved", "Dispute Resolved", text, dispute_id=dispute.pk, job_id=job.pk)
        _end(_held(job.pk), Escrow.RELEASED if body.outcome == "release" else Escrow.REFUNDED)
    return _dispute(dispute)


def _dispute(dispute: Dispute) -> dict[str, Any]:
    names = ("id", "job_id", "reason", "outcome", "created_at")
    by = dispute.opened_by.name
    return {name: getattr(dispute, name) for name in names} | {"title": dispute.job.title, "opened_by": by}
