"""Something to begin with: a few people, their jobs, and what they wrote to each other."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.hashers import make_password
from django.db import transaction

from examples.artisan_jobs.models import (
    Application,
    Job,
    Message,
    Milestone,
    Notification,
    Payment,
    ProgressUpdate,
    User,
)

__all__ = ["ACCOUNTS", "PASSWORD", "seed", "shown"]

PASSWORD = "sharp-tools-9"
CLIENT, ARTISAN, ADMIN = User.Role.CLIENT, User.Role.ARTISAN, User.Role.ADMIN
ACCOUNTS = (
    ("amaka@mysharpjob.test", "Amaka Obi", CLIENT),
    ("john@mysharpjob.test", "John Doe", CLIENT),
    ("chidi@mysharpjob.test", "Chidi Eze", ARTISAN),
    ("ngozi@mysharpjob.test", "Ngozi Bello", ARTISAN),
    ("tunde@mysharpjob.test", "Tunde Ade", ADMIN),
)


def shown() -> list[dict[str, str]]:
    """Return who may sign in, as the sign-in page of the demo says it."""
    return [{"email": email, "name": name, "role": role, "password": PASSWORD} for email, name, role in ACCOUNTS]


@transaction.atomic
def seed() -> bool:
    """Fill an empty database; return whether it was."""
    if User.objects.exists():
        return False
    amaka, john, chidi, ngozi, _ = _people()
    kitchen = _job(
        amaka, "Fix plumbing", "plumbing", 15_000, priority="high", description="The sink leaks, and the tap drips."
    )
    _job(john, "Rewire the shop", "electrical", 80_000, description="Six sockets, two lamps, one new fuse box.")
    wall = _job(amaka, "Paint the garden wall", "painting", 40_000, description="Twelve meters, white, both sides.")
    wall.artisan, wall.status = ngozi, Job.Status.IN_PROGRESS
    wall.save()
    Application.objects.create(job=kitchen, artisan=chidi, note="I can come on Thursday, with all parts.")
    Application.objects.create(job=wall, artisan=ngozi, note="Two days, paint included.", status="accepted")
    Milestone.objects.create(job=wall, title="Scrape and fill", status="done")
    Milestone.objects.create(job=wall, title="First coat")
    ProgressUpdate.objects.create(job=wall, percent=40, note="The wall is dry and ready for paint")
    payment = Payment.objects.create(job=wall, artisan=ngozi, amount=wall.budget)
    Notification.objects.create(
        user=ngozi,
        type="payment_received",
        title="Payment Received",
        message="You received ₦40,000 for job completion",
        data={"payment_id": payment.pk, "amount": payment.amount, "job_id": wall.pk},
    )
    for sender, recipient, text in (
        (chidi, amaka, "Good morning! Is it the kitchen sink, or the one in the bath?"),
        (amaka, chidi, "The kitchen. It drips day and night."),
        (ngozi, amaka, "The first side is scraped."),
    ):
        Message.objects.create(sender=sender, recipient=recipient, content=text)
    return True


def _people() -> list[Any]:
    password = make_password(PASSWORD)  # once: that it takes long is its purpose
    people = [User(email=email, name=name, role=role, password=password) for email, name, role in ACCOUNTS]
    for user in people:
        user.save()
    return people


def _job(client: Any, title: str, category: str, budget: int, **more: Any) -> Any:
    return Job.objects.create(client=client, title=title, category=category, budget=budget, **more)
