"""The examples in docstrings run, and say what they say."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
from typing import TYPE_CHECKING

import pytest

import broadcastkit
from broadcastkit import default

if TYPE_CHECKING:
    from collections.abc import Iterator

MODULES = [
    "broadcastkit",
    *(
        module.name
        for module in pkgutil.walk_packages(broadcastkit.__path__, "broadcastkit.")
        # the last two are imported by Django, where it is set up
        if not module.name.endswith(("__main__", "django.outbox.admin", "django.outbox.models"))
    ),
]


def examples(module: str) -> list[doctest.DocTest]:
    finder = doctest.DocTestFinder(exclude_empty=True)
    return [test for test in finder.find(importlib.import_module(module), module) if test.examples]


@pytest.fixture(autouse=True)
def nothing_configured() -> Iterator[None]:
    default.reset()
    yield
    default.reset()


@pytest.mark.parametrize("module", MODULES)
def test_the_examples_are_right(module: str) -> None:
    said: list[str] = []
    failed = [test.name for test in examples(module) if doctest.DocTestRunner().run(test, out=said.append).failed]

    assert failed == [], "".join(said)


def test_there_are_examples() -> None:
    """Each class that a reader begins with has one."""
    modules = ("authorization.registry", "broadcaster.sync", "channels.base", "events.base", "signing", "testing.fake")
    shown = {test.name.rpartition(".")[2] for name in modules for test in examples(f"broadcastkit.{name}")}

    assert shown >= {"Broadcaster", "Channel", "ChannelRegistry", "Event", "Signer", "fake_broadcasts"}
