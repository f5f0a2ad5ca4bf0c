"""The tutorial, followed to the letter: its files, its command, and a real Chromium."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.docs.pages import PAGES
from tests.interop.servers import NODE_MODULES, free_port, running

pytestmark = [pytest.mark.browser, pytest.mark.timeout(90)]

TUTORIAL = next(page for page in PAGES if page.name == "docs/tutorial/first-broadcast.md")
BROWSER = Path(__file__).with_name("tutorial.mjs")


def follow(part: str, version: int, folder: Path) -> dict[str, Any]:
    """Write the files as they stand in this part of the page, start the application as it says, and look."""
    for name in ("app.py", "index.html"):
        texts = [fence.text for fence in TUTORIAL.fences if fence.file == name]
        (folder / name).write_text(texts[version], encoding="utf-8")
    (folder / "node_modules").symlink_to(NODE_MODULES)
    lines = [line.removeprefix("$ ") for fence in TUTORIAL.of("console") for line in fence.text.splitlines()]
    (start,) = (line for line in lines if line.startswith("uvicorn "))
    port = free_port()
    command = f"cd {shlex.quote(str(folder))} && exec {sys.executable} -m {start.replace('8000', str(port))}"
    environment = {name: os.environ[name] for name in ("PYTHONPATH",) if name in os.environ}
    with running(["sh", "-c", command], port=port, log=folder / "log", env=environment):
        seen = subprocess.run(
            ["node", str(BROWSER), part, f"http://127.0.0.1:{port}"],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert seen.returncode == 0, seen.stderr
    answer: dict[str, Any] = json.loads(seen.stdout)
    return answer


def test_a_message_appears_in_the_tab(tmp_path: Path) -> None:
    assert follow("say", 0, tmp_path) == {"notes": ["hello"]}


def test_the_right_person_hears_it_and_the_writer_once(tmp_path: Path) -> None:
    assert follow("rule", 1, tmp_path) == {
        "status": ["listening to ann's notebook"] * 2 + ["you may not listen to ann's notebook"],
        "first": ["from the first tab", "from the second tab"],
        "second": ["from the first tab", "from the second tab"],
        "ben": [],
    }
