"""`__all__` of every module says what the module offers. (That it is sorted is ruff's RUF022.)"""

from __future__ import annotations
import __future__

import importlib
import inspect
import pkgutil
from typing import TYPE_CHECKING

import pytest

import broadcastkit

if TYPE_CHECKING:
    from types import ModuleType


def is_public(module: str) -> bool:
    return not any(part.startswith("_") for part in module.split("."))


# Django imports these where it is set up, and nobody else does.
DJANGOS = {f"broadcastkit.integrations.django.outbox.{name}" for name in ("admin", "models")}
MODULES = [
    "broadcastkit",
    *sorted(
        {*filter(is_public, (m.name for m in pkgutil.walk_packages(broadcastkit.__path__, "broadcastkit.")))} - DJANGOS
    ),
]


def defined_in(module: ModuleType) -> set[str]:
    """Return the public classes and functions that this module itself defines.

    Pytest's hooks are for pytest alone, and Taskiq puts what it decorates into the module a second time.
    """
    return {
        name
        for name, value in vars(module).items()
        if not name.startswith(("_", "pytest_"))
        and not name.endswith("__taskiq_original")
        and (inspect.isclass(value) or inspect.isfunction(value))
        and value.__module__ == module.__name__
    }


@pytest.mark.parametrize("name", MODULES)
def test_all_names_what_the_module_offers(name: str) -> None:
    module = importlib.import_module(name)
    exported: list[str] = module.__all__

    assert len(exported) == len(set(exported))
    assert [missing for missing in exported if not hasattr(module, missing)] == []
    assert defined_in(module) - set(exported) == set()


def test_the_package_offers_nothing_that_it_does_not_say() -> None:
    """A name that is there but not in `__all__` would be used, and then missed when it goes."""
    unsaid = {
        name
        for name, value in vars(broadcastkit).items()
        if not name.startswith("_") and name not in broadcastkit.__all__ and not inspect.ismodule(value)
    }

    assert unsaid - set(__future__.all_feature_names) - {"TYPE_CHECKING"} == set()
