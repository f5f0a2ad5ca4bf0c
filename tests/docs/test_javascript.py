"""The JavaScript on the pages: all of it is JavaScript, and what connects is run against the embedded server."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.docs.pages import PAGES, Page
from tests.interop.servers import NODE_MODULES, free_port, running

pytestmark = pytest.mark.real

HERE = Path(__file__).parent
_SCRIPT = re.compile(r'<script type="module">(.*?)</script>', re.DOTALL)

SCRIPTS = [
    pytest.param(script, id=f"{page}:{fence.line}")
    for page in PAGES
    for fence in page.of("javascript", "html")
    for script in ([fence.text] if fence.language == "javascript" else _SCRIPT.findall(fence.text))
]


@pytest.mark.parametrize("script", SCRIPTS)
def test_it_is_javascript(script: str, tmp_path: Path) -> None:
    file = tmp_path / "script.mjs"
    file.write_text(script, encoding="utf-8")
    result = subprocess.run(["node", "--check", str(file)], capture_output=True, text=True, check=False)

    assert result.returncode == 0, result.stderr


def how_to(name: str) -> Page:
    return next(page for page in PAGES if page.name == f"docs/how-to/{name}.md")


def run(page: Page, harness: str, folder: Path) -> Any:
    """Serve the page's own application, and run a script of ours beside the page's files; returns what it printed."""
    for fence in page.fences:
        if fence.file is not None:
            (folder / fence.file).write_text(fence.text, encoding="utf-8")
    (folder / "node_modules").symlink_to(NODE_MODULES)
    shutil.copy(HERE / harness, folder)
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "app:app", "--app-dir", str(folder), "--port", str(port)]
    environment = {name: os.environ[name] for name in ("PYTHONPATH",) if name in os.environ}
    with running([*command, "--ws", "websockets-sansio"], port=port, log=folder / "log", env=environment):
        result = subprocess.run(
            ["node", str(folder / harness), f"http://127.0.0.1:{port}"],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
    assert result.returncode == 0, result.stdout + result.stderr
    return json.loads(result.stdout)


def test_the_snippets_for_laravel_echo_do_what_they_say(tmp_path: Path) -> None:
    """Two people, with a real Laravel Echo."""
    assert run(how_to("laravel-echo"), "laravel_echo.mjs", tmp_path) == {
        "ann": [["Ann"], "Ben came", "Ben is typing", "Ben left"],
        "ben": [["Ann", "Ben"], "Ann is typing"],
    }


def test_the_snippet_for_signing_in_does_what_it_says(tmp_path: Path) -> None:
    page = how_to("sign-in-users")
    (snippet,) = page.of("javascript")
    (tmp_path / "snippet.js").write_text(snippet.text, encoding="utf-8")

    assert run(page, "sign_in.mjs", tmp_path) == {
        "user": {"id": "3", "user_info": {"name": "Ann"}},
        "reloaded": True,
        "ended": "disconnected",
    }
