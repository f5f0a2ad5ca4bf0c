"""Jobs: the guide's `JobController`. Each change is told to the client and to the artisan."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from django.db import transaction
from django.db.models import Q
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from pydantic import Field

from examples.artisan_jobs.api import ApiError, Body, invalid, only
from examples.artisan_jobs.lengths import MOST_MILESTONES, Bytes
from examples.artisan_jobs.models import Application, Job, Payment, User
from examples.artisan_jobs.notices import notify, tell_of_job
from examples.artisan_jobs.paging import page_of, sought
from examples.artisan_jobs.views.accounts import person

__all__ = [
    "accept",
    "add_milestone",
    "add_progress",
    "apply",
    "as_dict",
    "complete",
    "create",
    "index",
    "own_job",
    "show",
    "start",
    "update_milestone",
]

CLIENT, ARTISAN = User.Role.CLIENT, User.Role.ARTISAN


def as_dict(job: Job, user: User) -> dict[str, Any]:
    """Return the job as `job.updated` tells it, and who is in it; how the work goes, only those who hear of it."""
    inside = user.is_admin() or user.pk in {job.client_id, job.artisan_id}
    names = ("id", "title", "status", "category", "budget", "priority", "client_id", "artisan_id", "description")
    return {name: getattr(job, name) for name in names} | {
        # of an open job they belong to what is offered
        "milestones": job.milestones if inside or job.status == Job.Status.OPEN else [],
        "progress_updates": job.progress_updates if inside else [],
        "updated_at": job.updated_at,
        "client": person(job.client),
        "artisan": person(job.artisan) if job.artisan else None,
    }


def index(request: HttpRequest) -> Any:
    """`GET /api/jobs?status=&q=&before=&limit=`: one's own, and for artisans those that are open."""
    jobs = Job.objects.visible_to(request.user).select_related("client", "artisan")
    jobs = jobs.prefetch_related("milestone_set", "progressupdate_set")
    if status := request.GET.get("status"):
        jobs = jobs.filter(status__in={status} & set(Job.Status.values))
    if text := sought(request):
        jobs = jobs.filter(Q(title__icontains=text) | Q(description__icontains=text) | Q(category__icontains=text))
    page, more = page_of(request, jobs)
    return {"data": [as_dict(job, request.user) for job in page], "has_more": more}


class NewJob(Body):
    title: str = Field(min_length=3, max_length=120)
    description: str = Field(min_length=1, max_length=4000)
    category: str = Field(min_length=2, max_length=40)
    budget: int = Field(gt=0, le=100_000_000)
    priority: Literal["low", "normal", "high"] = "normal"


@only(CLIENT)
def create(request: HttpRequest, body: NewJob) -> Any:
    """`POST /api/jobs`."""
    job = Job.objects.create(client=request.user, **body.model_dump())
    return as_dict(job, request.user), 201


def show(request: HttpRequest, job_id: int) -> Any:
    """`GET /api/jobs/{id}`; the client sees who applied, an artisan his own application."""
    user = request.user
    job = get_object_or_404(Job.objects.visible_to(user), pk=job_id)
    applications = job.applications.select_related("artisan")
    if user.pk != job.client_id and not user.is_admin():
        applications = applications.filter(artisan=user)
    payment = Payment.objects.filter(job=job).first() if user.pk in {job.client_id, job.artisan_id} else None
    return as_dict(job, user) | {
        "applications": [_application(one) for one in applications],
        "payment": payment and {"id": payment.pk, "amount": payment.amount, "escrow_status": payment.escrow_status},
    }


def _application(application: Application) -> dict[str, Any]:
    artisan = person(application.artisan)
    return {"id": application.pk, "artisan": artisan, "note": application.note, "status": application.status}


class NewApplication(Body):
    note: str = Field(min_length=1, max_length=2000)


@only(ARTISAN)
def apply(request: HttpRequest, job_id: int, body: NewApplication) -> Any:
    """`POST /api/jobs/{id}/apply`: `application_received`, told to the client."""
    with transaction.atomic():
        job = get_object_or_404(Job.objects.filter(status=Job.Status.OPEN).select_for_update(), pk=job_id)
        found, new = job.applications.get_or_create(artisan=request.user, defaults={"note": body.note})
        if not new:
            raise ApiError(409, "You have applied already.")
        tell_of_job(job, "application_received", request.user, f"{request.user.name} applied")
    return _application(found), 201


def own_job(request: HttpRequest, job_id: int, *, role: str | None = None, status: tuple[str, ...] = ()) -> Any:
    """Return a job of one's own for the rest of the transaction: 404 for others', 409 where it is too early or late."""
    jobs = Job.objects.of(request.user) if role is None else Job.objects.filter(**{role: request.user})
    job = get_object_or_404(jobs.select_for_update(), pk=job_id)
    if status and job.status not in status:
        raise ApiError(409, f"The job is {job.status}.")
    return job


@only(CLIENT)
def accept(request: HttpRequest, job_id: int, application_id: int) -> Any:
    """`POST /api/jobs/{id}/applications/{id}/accept`: `application_accepted`."""
    with transaction.atomic():
        job = own_job(request, job_id, role="client", status=(Job.Status.OPEN,))
        application = get_object_or_404(job.applications.select_related("artisan"), pk=application_id)
        job.applications.exclude(pk=application.pk).update(status=Application.Status.DECLINED)
        job.applications.filter(pk=application.pk).update(status=Application.Status.ACCEPTED)
        job.artisan, job.status = application.artisan, Job.Status.ASSIGNED
        job.save()
        tell_of_job(job, "application_accepted", request.user, f"{application.artisan.name} got the job")
    return as_dict(job, request.user)


@only(ARTISAN)
def start(request: HttpRequest, job_id: int) -> Any:
    """`POST /api/jobs/{id}/start`: `status_changed` to in-progress."""
    with transaction.atomic():
        job = own_job(request, job_id, role="artisan", status=(Job.Status.ASSIGNED,))
        job.status = Job.Status.IN_PROGRESS
        job.save()
        tell_of_job(job, "status_changed", request.user, "Work has begun")
    return as_dict(job, request.user)


@only(ARTISAN)
def complete(request: HttpRequest, job_id: int) -> Any:
    """`POST /api/jobs/{id}/complete`: `status_changed`, and `job_completed` for the client."""
    with transaction.atomic():
        job = own_job(request, job_id, role="artisan", status=(Job.Status.IN_PROGRESS,))
        job.status = Job.Status.COMPLETED
        job.save()
        tell_of_job(job, "status_changed", request.user, "The work is done")
        text = f"{request.user.name} has completed {job.title}"
        notify(job.client, "job_completed", "Job Completed", text, job_id=job.pk)
    return as_dict(job, request.user)


UNDER_WAY = (Job.Status.ASSIGNED, Job.Status.IN_PROGRESS)


class NewMilestone(Body):
    title: Annotated[str, Bytes(165)] = Field(min_length=1, max_length=120)


def add_milestone(request: HttpRequest, job_id: int, body: NewMilestone) -> Any:
    """`POST /api/jobs/{id}/milestones`: `milestone_added`, by the client or the artisan."""
    with transaction.atomic():
        job = own_job(request, job_id, status=(Job.Status.OPEN, *UNDER_WAY))
        if job.milestone_set.count() >= MOST_MILESTONES:
            raise ApiError(409, f"A job has at most {MOST_MILESTONES} milestones.")
        milestone = job.milestone_set.create(title=body.title)
        tell_of_job(job, "milestone_added", request.user, f"New milestone: {milestone.title}")
    return milestone.as_dict(), 201


class MilestoneChange(Body):
    title: Annotated[str, Bytes(165)] | None = Field(None, min_length=1, max_length=120)
    status: Literal["pending", "done"] | None = None


def update_milestone(request: HttpRequest, job_id: int, milestone_id: int, body: MilestoneChange) -> Any:
    """`PATCH /api/jobs/{id}/milestones/{id}`: `milestone_updated`."""
    changes = body.model_dump(exclude_none=True)
    if not changes:
        raise invalid("body", "Say what is to change: title or status.")
    with transaction.atomic():
        job = own_job(request, job_id, status=UNDER_WAY)
        milestone = get_object_or_404(job.milestone_set, pk=milestone_id)
        for name, value in changes.items():
            setattr(milestone, name, value)
        milestone.save()
        tell_of_job(job, "milestone_updated", request.user, f"{milestone.title}: {milestone.status}")
    return milestone.as_dict()


class NewProgress(Body):
    percent: int = Field(ge=0, le=100)
    note: str = Field(min_length=1, max_length=300)


@only(ARTISAN)
def add_progress(request: HttpRequest, job_id: int, body: NewProgress) -> Any:
    """`POST /api/jobs/{id}/progress`: `progress_updated`."""
    with transaction.atomic():
        job = own_job(request, job_id, role="artisan", status=(Job.Status.IN_PROGRESS,))
        update = job.progressupdate_set.create(**body.model_dump())
        tell_of_job(job, "progress_updated", request.user, f"{update.percent} %: {update.note}")
    return update.as_dict(), 201
