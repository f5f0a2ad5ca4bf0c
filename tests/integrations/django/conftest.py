"""The project in this process: configured for each test as its app would be, and its database emptied after it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from tests.integrations.django_project import stage  # noqa: F401 - it sets Django up, for all that is imported below

# isort: split
from django.core.management import call_command
from django.db import connection
from django.test import override_settings

from broadcastkit import default
from broadcastkit.integrations.django import conf
from tests.integrations.django_project.chat.models import Conversation, Person


@pytest.fixture(autouse=True)
def _project() -> Iterator[None]:
    # what a test sets is gone with it
    with override_settings():
        conf.apply()
        yield
    default.reset()


@pytest.fixture(scope="session")
def _tables() -> Iterator[None]:
    # a database in memory lasts as long as somebody is connected
    with closing(sqlite3.connect(connection.settings_dict["NAME"], uri=True)):
        call_command("migrate", run_syncdb=True, verbosity=0)
        yield
        connection.close()


@pytest.fixture
def _database(_tables: None) -> Iterator[None]:
    yield
    call_command("flush", interactive=False, verbosity=0)


@pytest.fixture
def ada(_database: None) -> Any:
    return Person.objects.create_user("ada", first_name="Ada")


@pytest.fixture
def bob(_database: None) -> Any:
    return Person.objects.create_user("bob")


@pytest.fixture
def conversation(ada: Any, bob: Any) -> Any:
    """A conversation of both."""
    made = Conversation.objects.create()
    made.members.set([ada, bob])
    return made
