"""A project with Django's admin, in a process of its own: an administrator looks at the outbox, and requeues."""

from __future__ import annotations

import json
import sys

import django
from django.conf import settings
from django.core.management import call_command
from django.urls import path


def main(database: str) -> None:
    settings.configure(
        SECRET_KEY="nobody's",
        ALLOWED_HOSTS=["*"],
        ROOT_URLCONF=__name__,
        USE_TZ=True,
        INSTALLED_APPS=[
            "django.contrib.admin",
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "django.contrib.messages",
            "django.contrib.sessions",
            "broadcastkit.integrations.django.outbox",
        ],
        MIDDLEWARE=[
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
            "django.contrib.messages.middleware.MessageMiddleware",
        ],
        TEMPLATES=[
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "APP_DIRS": True,
                "OPTIONS": {
                    "context_processors": [
                        "django.template.context_processors.request",
                        "django.contrib.auth.context_processors.auth",
                        "django.contrib.messages.context_processors.messages",
                    ]
                },
            }
        ],
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": database}},
        STATIC_URL="/static/",
    )
    django.setup()

    from django.contrib import admin
    from django.contrib.auth.models import User
    from django.test import Client

    from broadcastkit import AnonymousEvent, Broadcaster
    from broadcastkit.delivery.outbox import Outbox
    from broadcastkit.drivers.memory import MemoryDriver
    from broadcastkit.integrations.django.outbox.models import OutboxEvent

    globals()["urlpatterns"] = [path("admin/", admin.site.urls)]
    call_command("check")
    call_command("migrate", verbosity=0)
    broadcaster = Broadcaster(MemoryDriver(), delivery=Outbox("default"))
    broadcaster.broadcast(AnonymousEvent("ping", {"secret": "hush-hush"}, on="news")).to_everyone()
    OutboxEvent.objects.update(state="dead", error="BadRequestError")
    (row,) = OutboxEvent.objects.all()
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    folder = "/admin/broadcastkit_outbox/outboxevent/"
    pages = [client.get(folder), client.get(f"{folder}{row.pk}/change/"), client.get(f"{folder}add/")]
    chosen = {"action": "requeue", "_selected_action": [row.pk]}
    answer = client.post(folder, chosen, follow=True)
    row.refresh_from_db()
    shown = [page.content.decode() for page in (*pages, answer)]
    result = {
        "statuses": [page.status_code for page in (*pages, answer)],
        "payload": any("hush" in page for page in shown),
        "listed": row.event_id in shown[0] and "BadRequestError" in shown[0],
        "said": "1 will be tried again." in shown[3],
        "state": row.state,
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main(sys.argv[1])
