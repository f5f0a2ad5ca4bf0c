"""Every command on the pages exists, with the options and packages that it is given."""

from __future__ import annotations

import pytest

from tests.docs.commands import complaint, written_in
from tests.docs.pages import PAGES, Page

COMMANDS = [pytest.param(words, page, id=f"{page}: {' '.join(words)}") for page in PAGES for words in written_in(page)]


@pytest.mark.parametrize(("words", "page"), COMMANDS)
def test_the_command_can_be_right(words: list[str], page: Page) -> None:
    assert complaint(words, page) is None


@pytest.mark.parametrize(
    "words",
    [
        ["broadcastkit", "serve", "--ap", "1:k:s"],
        ["broadcastkit", "serve", "--port", "many"],
        ["broadcastkit", "deploy"],
        ["make", "coffee"],
        ["npm", "install", "left-pad"],
        ["pip", "install", "broadcastkit[everything]"],
        ["pip", "install", "broadcastkit-enterprise"],
        ["python", "-m", "benchmarks.nothing"],
        ["python", "manage.py", "broadcast_test", "--no-such-option"],
        ["python", "manage.py", "broadcast_rules"],
        ["uvicorn", "nowhere:app"],
        ["rm", "-r"],
    ],
)
def test_a_command_that_is_wrong_is_found(words: list[str]) -> None:
    assert complaint(words, PAGES[0]) is not None
