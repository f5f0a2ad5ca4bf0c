"""Links between pages lead somewhere, and every page can be found."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

import pytest

from tests.docs.pages import PAGES, ROOT, Page

BY_PATH = {page.path: page for page in PAGES}


def dead(page: Page, link: str) -> str | None:
    """Return what is wrong with a link, or None; of an address elsewhere only the form is looked at."""
    parts = urlsplit(link)
    if parts.scheme:
        return None if parts.scheme == "https" and parts.netloc else f"{link} is no address"
    target = (page.path.parent / unquote(parts.path)).resolve() if parts.path else page.path
    if not target.exists() or not target.is_relative_to(ROOT):
        return f"{link} is not there"
    if parts.fragment and (target not in BY_PATH or parts.fragment not in BY_PATH[target].anchors):
        return f"{link}: there is no such heading"
    return None


@pytest.mark.parametrize("page", PAGES, ids=repr)
def test_no_link_is_dead(page: Page) -> None:
    assert [complaint for link in page.links if (complaint := dead(page, link))] == []


def test_a_dead_link_is_found() -> None:
    page = PAGES[0]

    assert dead(page, "docs/nothing.md")
    assert dead(page, "docs/index.md#nothing")
    assert dead(page, "#nothing")
    assert dead(page, "http:")
    assert dead(page, "docs/index.md#reference") is None


def test_every_page_is_in_the_index() -> None:
    index = BY_PATH[ROOT / "docs" / "index.md"]
    listed = {(index.path.parent / urlsplit(link).path).resolve() for link in index.links}

    assert {page.path for page in PAGES if page.path.is_relative_to(ROOT / "docs")} - {index.path} - listed == set()
