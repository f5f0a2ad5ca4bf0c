"""Names that are imported when they are asked for."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module

import pytest

from broadcastkit.core.lazy import lazy_names


def test_a_name_comes_from_its_module_and_is_kept() -> None:
    package = import_module("tests.core")
    get = lazy_names("tests.core", {"Fraction": "fractions"})

    value = get("Fraction")

    assert value is import_module("fractions").Fraction
    assert vars(package).pop("Fraction") is value


def test_an_unknown_name_is_an_attribute_error_as_of_any_module() -> None:
    with pytest.raises(AttributeError, match=r"^module 'tests\.core' has no attribute 'nothing'$"):
        lazy_names("tests.core", {})("nothing")


@pytest.mark.parametrize("package", ["broadcastkit", "broadcastkit.events", "broadcastkit.channels"])
def test_every_lazy_name_is_there(package: str) -> None:
    module = import_module(package)

    assert {name for name in module.__all__ if not hasattr(module, name)} == set()
    assert not hasattr(module, "Nothing")


def test_the_ready_made_events_are_not_imported_until_they_are_asked_for() -> None:
    code = (
        "import sys, broadcastkit, broadcastkit.events, broadcastkit.channels\n"
        "lazy = {f'broadcastkit.{n}' for n in ('events.chat', 'events.jobs', 'events.plans', 'events.rooms',"
        " 'events.notifications', 'channels.common')}\n"
        "print(sorted(lazy & sys.modules.keys()))\n"
        "broadcastkit.MessageSent\n"
        "print(sorted(lazy & sys.modules.keys()))\n"
    )

    lines = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.splitlines()

    assert lines == ["[]", "['broadcastkit.channels.common', 'broadcastkit.events.chat']"]
