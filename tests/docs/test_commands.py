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
    ("command", "said"),
    [
        ("broadcastkit serve --ap 1:k:s", "No such option: --ap"),
        ("broadcastkit serve --port many", "valid integer"),
        ("broadcastkit deploy", "there is no command deploy"),
        ("make coffee", "No rule to make target 'coffee'"),
        ("npm install left-pad", "these are not tested with: ['install', 'left-pad']"),
        ("pip install broadcastkit[everything]", "there is no extra {'everything'}"),
        ("pip install broadcastkit-enterprise", "broadcastkit-enterprise is not among the packages"),
        ("python -m benchmarks.nothing", "python -m takes a module of this project"),
        ("python manage.py broadcast_test --no-such-option", "unrecognized arguments: --no-such-option"),
        ("python manage.py broadcast_rules", "broadcast_rules"),
        ("uvicorn nowhere:app", "the page has no nowhere:app"),
        ("rm -r", "nothing here knows the command rm"),
    ],
)
def test_a_command_that_is_wrong_is_found(command: str, said: str) -> None:
    assert said in str(complaint(command.split(), PAGES[0]))
