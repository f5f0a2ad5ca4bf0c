"""Every Python example in README.md and docs/ runs, and prints what the page says it prints."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.docs.examples import PageRun
from tests.docs.pages import PAGES, Page

# What a block may be; another one would be an example that nobody runs.
LANGUAGES = {"console", "dotenv", "html", "javascript", "json", "php", "python", "text"}
WITH_EXAMPLES = [page for page in PAGES if page.of("python", "dotenv")]


@pytest.mark.parametrize("page", WITH_EXAMPLES, ids=repr)
def test_the_examples_run(page: Page, tmp_path: Path) -> None:
    run = PageRun(page, tmp_path)
    run.run()

    assert run.count == len(page.of("python", "dotenv"))


@pytest.mark.parametrize("page", PAGES, ids=repr)
def test_every_block_is_of_a_kind_that_is_checked(page: Page) -> None:
    assert {fence.language for fence in page.fences} <= LANGUAGES


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
