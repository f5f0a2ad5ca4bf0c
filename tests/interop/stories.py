"""Runs stories: what people see and do in real windows of Chromium (see windows.mjs)."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

__all__ = ["SCREENSHOTS", "Seen", "pictures", "tell"]

SCREENSHOTS = Path(__file__).parents[2] / "build" / "screenshots"
TIMEOUT = 120
# A picture of a page on which there is nothing is smaller.
SMALLEST_PICTURE = 10_000

Seen = dict[str, Any]


def tell(story: Path, name: str, address: str, *more: str) -> Seen:
    """Run a story and return what was seen; its pictures go to a folder by `name`, and `more` are its arguments."""
    folder = SCREENSHOTS / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    told = subprocess.run(
        ["node", str(story), address, str(folder), *more],
        env=dict(os.environ),
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
    assert told.returncode == 0, told.stderr
    seen: Seen = json.loads(told.stdout)
    return seen


def pictures(name: str) -> set[str]:
    """Return the names of the pictures that a story took and that show something."""
    return {taken.stem for taken in (SCREENSHOTS / name).glob("*.png") if taken.stat().st_size > SMALLEST_PICTURE}
