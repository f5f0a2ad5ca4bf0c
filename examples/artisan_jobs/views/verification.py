"""Artisans who show who they are: they ask, and an administrator says yes."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.http import HttpRequest
from django.shortcuts import get_object_or_404

from examples.artisan_jobs.api import ApiError, only
from examples.artisan_jobs.models import User
from examples.artisan_jobs.notices import notify, tell_admins
from examples.artisan_jobs.views.accounts import person

__all__ = ["approve", "ask", "waiting"]

Verification = User.Verification


@only(User.Role.ARTISAN)
def ask(request: HttpRequest) -> Any:
    """`POST /api/verification`: the administrators hear of it."""
    user = request.user
    with transaction.atomic():
        if not User.objects.filter(pk=user.pk, verification=Verification.NONE).update(
            verification=Verification.REQUESTED
        ):
            raise ApiError(409, "You have asked already.")
        tell_admins("verification_requested", f"{user.name} asks to be verified", user_id=user.pk)
    return {"verification": Verification.REQUESTED}, 201


@only(User.Role.ADMIN)
def waiting(request: HttpRequest) -> Any:
    """`GET /api/verifications`: who waits."""
    del request
    return {"data": [person(user) for user in User.objects.filter(verification=Verification.REQUESTED).order_by("pk")]}


@only(User.Role.ADMIN)
def approve(request: HttpRequest, user_id: int) -> Any:
    """`POST /api/verifications/{user_id}/approve`: `verification_approved` for the artisan."""
    del request
    with transaction.atomic():
        asking = User.objects.filter(verification=Verification.REQUESTED).select_for_update()
        user = get_object_or_404(asking, pk=user_id)
        user.verification = Verification.APPROVED
        user.save()
        text = "Your account is verified: clients see it beside your name"
        notify(user, "verification_approved", "Verification Approved", text, user_id=user.pk)
    return person(user)
