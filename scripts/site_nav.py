"""The navigation of the site is the list in docs/index.md: one place to add a page to, for readers on disk as well.

`## Part` makes a tab, `### Group` a section in it, `- [Title](page.md)` a page. A page that is in no list stops the
strict build. MkDocs calls `on_config` and `on_page_markdown` (`hooks` in mkdocs.yml).
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

__all__ = ["navigation", "on_config", "on_page_markdown"]

_ENTRY = re.compile(r"(?P<level>##|###) (?P<heading>.+)|- \[(?P<title>[^]]+)\]\((?P<page>[^)#]+\.md)\)")


def on_config(config: Any) -> Any:
    """Give the site its navigation."""
    config.nav = navigation((Path(config.docs_dir) / "index.md").read_text(encoding="utf-8"))
    return config


def on_page_markdown(markdown: str, *, page: Any, **_: Any) -> str:
    """Show the home page without a side bar, which would hold nothing but itself."""
    if page.is_homepage:
        page.meta["hide"] = ["navigation"]
    return markdown


def navigation(index: str) -> list[dict[str, Any]]:
    """Read parts, groups and pages from the text of the index."""
    home: list[Any] = [{"Home": "index.md"}]
    part = group = home
    for found in filter(None, map(_ENTRY.match, index.splitlines())):
        if found["level"] == "##":
            part = group = []
            home.append({found["heading"]: part})
        elif found["level"] == "###":
            group = []
            part.append({found["heading"]: group})
        elif part is not home:
            group.append({found["title"]: found["page"]})
    return home
