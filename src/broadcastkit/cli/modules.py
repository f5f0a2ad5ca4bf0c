"""Modules of an application that a command is told of."""

from __future__ import annotations

import sys
import traceback
from importlib import import_module
from pathlib import Path
from types import ModuleType

from broadcastkit.errors import ConfigurationError

__all__ = ["import_from"]


def import_from(name: str, app_dir: str, *, setting: str) -> ModuleType:
    """Import a module, which is looked for in a folder first.

    Raises:
        ConfigurationError: there is none, or importing it failed; `setting` says what has named it.
    """
    # as `python -m` does; the command itself runs from a folder of scripts
    folder = str(Path(app_dir).resolve())
    if folder not in sys.path:
        sys.path.insert(0, folder)
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and (name == error.name or name.startswith(f"{error.name}.")):
            text = f"there is no module {error.name} in {folder} or installed"
            raise ConfigurationError(text, setting=setting) from None
        raise ConfigurationError(
            f"importing {name} failed: it needs the module {error.name}", setting=setting
        ) from None
    except Exception as error:  # noqa: BLE001 - its text may hold anything, settings too
        raise ConfigurationError(
            f"importing {name} failed: {type(error).__name__} at {_place(error)}; "
            f"`python -c 'import {name}'` shows the whole of it",
            setting=setting,
        ) from None


def _place(error: Exception) -> str:
    if isinstance(error, SyntaxError):
        return f"{error.filename}:{error.lineno}"
    at = traceback.extract_tb(error.__traceback__)[-1]
    return f"{at.filename}:{at.lineno}"
