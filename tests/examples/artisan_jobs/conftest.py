"""The application, in a process of its own: see own_process.py. What the tests in there use is in application.py."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.examples.artisan_jobs import own_process

if own_process.INSIDE:
    from tests.examples.artisan_jobs.application import *  # noqa: F403 - its fixtures


class File(own_process.File):
    # they start the application as people do, as a process
    here = frozenset({"test_guide.py", "test_browser.py", "test_command.py", "test_postgresql.py"})


def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector) -> Any:
    if own_process.INSIDE or module_path.name in File.here:
        return None
    return File.from_parent(parent, path=module_path)
