"""Every Python example in README.md and docs/ runs, and prints what the page says it prints."""

from __future__ import annotations

import ast
import os
import sys
from pathlib import Path

import pytest

from broadcastkit.errors import ConfigurationError
from tests.docs.examples import PageRun
from tests.docs.pages import PAGES, Page

# What a block may be; another one would be an example that nobody runs.
LANGUAGES = {"console", "dotenv", "html", "javascript", "json", "php", "python", "text", "toml"}
WITH_EXAMPLES = [page for page in PAGES if page.of("python", "dotenv")]


@pytest.mark.parametrize("page", WITH_EXAMPLES, ids=repr)
def test_the_examples_run(page: Page, tmp_path: Path) -> None:
    run = PageRun(page, tmp_path)
    run.run()

    assert run.count == len(page.of("python", "dotenv"))


@pytest.mark.parametrize("page", PAGES, ids=repr)
def test_every_block_is_of_a_kind_that_is_checked(page: Page) -> None:
    assert {fence.language for fence in page.fences} <= LANGUAGES


@pytest.mark.parametrize(
    "text",
    [
        "```python\nprint(1)\n# > 2\n```",
        "```python\nprint(1)\n```",
        "```python\n# > 1\n```",
        "```python\n1 / 0\n```",
        "```python\nawait absent()\n```",
        "```python\n# app.py\nimport absent\n```",
        "```python\n# test_app.py\ndef test_app(broadcasts):\n    broadcasts.assert_broadcast('ping')\n```",
        "```dotenv\nBROADCAST_CONNECTION=pusher\n```",
    ],
)
def test_an_example_that_is_wrong_is_found(text: str, tmp_path: Path) -> None:
    (tmp_path / "page.md").write_text(text, encoding="utf-8")

    with pytest.raises((AssertionError, ArithmeticError, NameError, ImportError, ConfigurationError)):
        PageRun(Page(tmp_path / "page.md"), tmp_path).run()


def test_examples_share_what_they_should_and_leave_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "page.md").write_text(PAGE, encoding="utf-8")
    before = dict(os.environ), list(sys.path)

    PageRun(Page(tmp_path / "page.md"), tmp_path).run()

    assert (dict(os.environ), sys.path) == before
    assert {"app", "example"} & sys.modules.keys() == set()


PAGE = """
```dotenv
BROADCAST_CONNECTION=log  # and a comment
```
```python
# app.py
answer = 42
```
```python
import asyncio
import os

from app import answer

await asyncio.sleep(0)
```
```python
print(answer, os.environ["BROADCAST_CONNECTION"])
# > 42 log
```
```dotenv
BROADCAST_DRIVER=null
MAIL_PORT=8025
```
```python
print("BROADCAST_CONNECTION" in os.environ, os.environ["MAIL_PORT"] == "8025")
# > False False
```
"""


def test_readme_shows_the_names_that_it_promises() -> None:
    """The line of imports works as it is printed: as a block of README it is run above."""
    readme = next(page for page in PAGES if page.name == "README.md")
    imported = {
        alias.name
        for fence in readme.of("python")
        for node in ast.walk(ast.parse(fence.text))
        if isinstance(node, ast.ImportFrom) and node.module == "broadcastkit"
        for alias in node.names
    }

    assert imported >= {
        "Channel",
        "EncryptedChannel",
        "Event",
        "JobUpdated",
        "MessageSent",
        "NotificationSent",
        "PlanSubmitted",
        "PresenceChannel",
        "PrivateChannel",
        "broadcast",
    }
