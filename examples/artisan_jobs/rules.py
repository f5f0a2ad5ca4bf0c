"""Who may listen where: the guide's `routes/channels.php`."""

from __future__ import annotations

from broadcastkit import PresenceChannel, PresenceMember
from broadcastkit.channels import AdminChannel
from broadcastkit.integrations.django import channels
from examples.artisan_jobs.models import Job, User


class JobPresence(PresenceChannel, pattern="job.{job_id}"):
    """Who has the page of a job open: `presence-job.{job_id}`."""

    job_id: int


@channels.authorize("private-user.{user_id}")
def own_channel(user: User, user_id: int) -> bool:
    return bool(user.pk == user_id)


@channels.authorize("private-job.{job_id}")
def client_or_artisan(user: User, job_id: int) -> bool:
    return bool(Job.objects.of(user).filter(pk=job_id).exists())


@channels.authorize(JobPresence)
def at_the_job(user: User, channel: JobPresence) -> PresenceMember | None:
    if not Job.objects.of(user).filter(pk=channel.job_id).exists():
        return None
    return PresenceMember(user.pk, {"id": user.pk, "name": user.name})


@channels.authorize(AdminChannel)
def administrator(user: User) -> bool:
    return user.is_admin()
