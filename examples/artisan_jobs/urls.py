"""Every address of the application."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

from examples.artisan_jobs.api import api
from examples.artisan_jobs.views import (
    accounts,
    attachments,
    jobs,
    messages,
    notifications,
    page,
    payments,
    verification,
)

job = "api/jobs/<int:job_id>"

urlpatterns = [
    path("", page.index),
    path("up", page.up),
    path("admin/", admin.site.urls),
    path("broadcasting/", include("broadcastkit.integrations.django.urls")),
    path("api/session", api(GET=accounts.session, POST=accounts.sign_in)),
    path("api/login", api(POST=accounts.login)),
    path("api/logout", api(POST=accounts.logout)),
    path("api/me", api(GET=accounts.me)),
    path("api/people", api(GET=accounts.people)),
    path("api/messages", api(POST=messages.store)),
    path("api/messages/typing", api(POST=messages.typing)),
    path("api/messages/unread", api(GET=messages.unread)),
    path("api/conversations", api(GET=messages.conversations)),
    path("api/conversations/<int:user_id>/messages", api(GET=messages.history)),
    path("api/conversations/<int:user_id>/read", api(POST=messages.mark_read)),
    path("api/attachments/<int:attachment_id>", api(GET=attachments.show)),
    path("api/jobs", api(GET=jobs.index, POST=jobs.create)),
    path(job, api(GET=jobs.show)),
    path(f"{job}/apply", api(POST=jobs.apply)),
    path(f"{job}/applications/<int:application_id>/accept", api(POST=jobs.accept)),
    path(f"{job}/start", api(POST=jobs.start)),
    path(f"{job}/milestones", api(POST=jobs.add_milestone)),
    path(f"{job}/milestones/<int:milestone_id>", api(PATCH=jobs.update_milestone)),
    path(f"{job}/progress", api(POST=jobs.add_progress)),
    path(f"{job}/complete", api(POST=jobs.complete)),
    path(f"{job}/pay", api(POST=payments.pay)),
    path(f"{job}/disputes", api(POST=payments.open_dispute)),
    path("api/payments", api(GET=payments.index)),
    path("api/payments/<int:payment_id>/release", api(POST=payments.release)),
    path("api/disputes", api(GET=payments.disputes)),
    path("api/disputes/<int:dispute_id>/resolve", api(POST=payments.resolve)),
    path("api/verification", api(POST=verification.ask)),
    path("api/verifications", api(GET=verification.waiting)),
    path("api/verifications/<int:user_id>/approve", api(POST=verification.approve)),
    path("api/notifications", api(GET=notifications.index)),
    path("api/notifications/read", api(POST=notifications.mark_all_read)),
    path("api/notifications/<uuid:notification_id>/read", api(POST=notifications.mark_read)),
]
