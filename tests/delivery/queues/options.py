"""What a worker's delivery is given: what a module says that its environment names, and nothing otherwise."""

from __future__ import annotations

import os
from importlib import import_module
from typing import Any

__all__ = ["options"]


def options(*, awaited: bool = False) -> dict[str, Any]:
    """Return the options of a worker of one color."""
    module = os.environ.get("QUEUE_OPTIONS")
    given: dict[str, Any] = {} if module is None else import_module(module).options(awaited=awaited)
    return given
