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
        if not module.name.endswith("__main__")
    ),
]


def examples() -> list[doctest.DocTest]:
    finder = doctest.DocTestFinder(exclude_empty=True)
    found = (finder.find(importlib.import_module(name), name) for name in MODULES)
    return [test for tests in found for test in tests if test.examples]


@pytest.fixture(autouse=True)
def nothing_configured() -> Iterator[None]:
    default.reset()
    yield
    default.reset()


@pytest.mark.parametrize("test", examples(), ids=lambda test: test.name)
def test_the_example_is_right(test: doctest.DocTest) -> None:
    said: list[str] = []
    result = doctest.DocTestRunner().run(test, out=said.append, clear_globs=False)

    assert result.failed == 0, "".join(said)


def test_there_are_examples() -> None:
    """Each class that a reader begins with has one."""
    shown = {test.name.rpartition(".")[2] for test in examples()}

    assert shown >= {"Broadcaster", "Channel", "ChannelRegistry", "Event", "Signer", "fake_broadcasts"}
