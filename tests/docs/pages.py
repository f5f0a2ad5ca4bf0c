"""The pages of the documentation, read as Markdown: their fences, headings and links."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from markdown_it import MarkdownIt

if TYPE_CHECKING:
    from collections.abc import Iterator

    from markdown_it.token import Token

__all__ = ["PAGES", "ROOT", "Fence", "Page"]

ROOT = Path(__file__).parents[2]
# `# app.py`, `# shop/app.py`, `// app.mjs` or `<!-- index.html -->` on the first line: the example is that file.
_FILE = re.compile(r"(?:#|//|<!--) ((?:[\w-]+/)?[\w-]+\.\w+)(?: -->)?")
_NOT_IN_ANCHORS = re.compile(r"[^\w\- ]")


@dataclass(frozen=True, slots=True)
class Fence:
    """A fenced block; `line` is that of its first line of text, counted from 1."""

    language: str
    text: str
    line: int

    @property
    def file(self) -> str | None:
        """The name of the file that the block shows, if it shows a whole one."""
        found = _FILE.fullmatch(self.text.partition("\n")[0])
        return None if found is None else found[1]


class Page:
    """One Markdown file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else path.name
        self.text = path.read_text(encoding="utf-8")
        tokens = MarkdownIt("commonmark").enable("table").parse(self.text)
        self.fences = [_fence(token) for token in tokens if token.type == "fence"]
        self.links = [link for token in tokens for link in _links(token)]
        self.anchors = set(_anchors(tokens))

    def __repr__(self) -> str:
        return self.name

    def of(self, *languages: str) -> list[Fence]:
        """Return the fences in these languages."""
        return [fence for fence in self.fences if fence.language in languages]


def _fence(token: Token) -> Fence:
    start = token.map[0] if token.map else 0
    return Fence(token.info.partition(" ")[0], token.content, start + 2)


def _links(token: Token) -> Iterator[str]:
    for child in token.children or ():
        target = child.attrGet("href" if child.type == "link_open" else "src")
        if child.type in {"link_open", "image"} and isinstance(target, str):
            yield target


def _anchors(tokens: list[Token]) -> Iterator[str]:
    """Yield what headings are linked to by, as GitHub makes it of their text."""
    seen: dict[str, int] = {}
    for opening, heading in pairwise(tokens):
        if opening.type == "heading_open":
            text = "".join(part.content for part in heading.children or ())
            anchor = _NOT_IN_ANCHORS.sub("", text.lower()).replace(" ", "-")
            number = seen[anchor] = seen.get(anchor, -1) + 1
            yield f"{anchor}-{number}" if number else anchor


@cache
def _pages() -> tuple[Page, ...]:
    paths = [ROOT / "README.md", ROOT / "CHANGELOG.md", ROOT / "CONTRIBUTING.md", *sorted(ROOT.glob("docs/**/*.md"))]
    return tuple(Page(path) for path in paths)


PAGES = _pages()
