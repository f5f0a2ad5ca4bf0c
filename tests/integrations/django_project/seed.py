"""`python -m tests.integrations.django_project.seed`: make the tables and some people; print their sessions."""

from __future__ import annotations

import json
import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.integrations.django_project.settings")


def main() -> None:
    django.setup()

    from django.core.management import call_command
    from django.test import Client

    from tests.integrations.django_project.chat.models import Conversation, Person

    call_command("migrate", run_syncdb=True, verbosity=0)
    people = [Person.objects.create_user(name) for name in ("ada", "bob", "cleo")]
    Conversation.objects.create().members.set(people[:2])
    cookies = {}
    for person in people:
        client = Client()
        client.force_login(person)
        cookies[person.username] = f"sessionid={client.cookies['sessionid'].value}"
    print(json.dumps(cookies))


if __name__ == "__main__":
    main()
