"""The site builds without a warning, shows every page and every public name, and asks no other host for anything."""

from __future__ import annotations

import importlib
import inspect
import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path
from types import FunctionType
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import griffe
import pytest
from markdown_it import MarkdownIt
from typing_extensions import is_protocol

from tests.docs.pages import PAGES, ROOT, Page
from tests.docs.test_reference import PUBLIC
from tests.interop.servers import free_port, running

if TYPE_CHECKING:
    from collections.abc import Iterator

READER = Path(__file__).with_name("site.mjs")
DOCS = ROOT / "docs"
OURS = [page for page in PAGES if page.path.is_relative_to(DOCS)]
# What a browser fetches for a page, and where its address stands.
FETCHED = {"iframe": "src", "img": "src", "link": "href", "script": "src", "source": "src"}
# What both readers of a page must find in it as often as the other.
COUNTED = ["h1", "h2", "h3", "li", "pre", "table", "tr"]


def build(root: Path, site: Path) -> subprocess.CompletedProcess[str]:
    command = ["mkdocs", "build", "--config-file", str(root / "mkdocs.yml"), "--site-dir", str(site)]
    environment = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    return subprocess.run(
        [sys.executable, "-m", *command], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    folder = tmp_path_factory.mktemp("site")
    return folder, build(ROOT, folder)


@pytest.fixture(scope="module")
def site(built: tuple[Path, subprocess.CompletedProcess[str]]) -> Path:
    """The site, also one that a warning is about: pages are written before the build fails."""
    return built[0]


@pytest.fixture(scope="module")
def shown(site: Path) -> dict[str, Html]:
    """The pages of the site, by the path of their source."""
    return {page.name: Html((site / address(page)).read_text(encoding="utf-8")) for page in OURS}


def address(page: Page) -> str:
    return page.path.relative_to(DOCS).with_suffix(".html").as_posix()


class Html(HTMLParser):
    """A page of the site: what a browser fetches for it, its anchors, and what was written by hand in it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.anchors: set[str] = set()
        self.navigation: set[str] = set()
        self.written: Counter[str] = Counter()
        self._in_article = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.anchors.add(given.get("id", ""))
        if given.get("rel") not in {"next", "prev"}:
            self.fetched += [given[name] for name in (FETCHED.get(tag, ""), "srcset") if name in given]
        if "md-nav__link" in given.get("class", ""):
            self.navigation.add(given.get("href", ""))
        if tag == "article" or given.get("id") == "api":  # what follows is generated
            self._in_article = tag == "article"
        if self._in_article:
            self.written[tag] += 1

    def handle_endtag(self, tag: str) -> None:
        self._in_article &= tag != "article"


def test_it_builds_without_a_warning(built: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    _, result = built

    assert result.returncode == 0, result.stderr


def test_no_page_asks_another_host(shown: dict[str, Html]) -> None:
    fetched = {link for page in shown.values() for link in page.fetched}

    assert fetched
    assert [link for link in fetched if urlsplit(link).netloc] == []


def test_no_style_asks_another_host(site: Path) -> None:
    styles = [file.read_text(encoding="utf-8") for file in site.rglob("*.css")]

    assert len(styles) > 1
    assert [found for style in styles for found in re.findall(r"(?:url\(|@import)\W*(?:https?:)?//[^)]*", style)] == []


def test_the_site_reads_the_pages_as_git_hosts_do(shown: dict[str, Html]) -> None:
    """They use different readers of Markdown, which differ in where a list begins and what is in it."""
    for page in OURS:
        tokens = MarkdownIt("commonmark").enable("table").parse(page.text.partition("\n## API\n")[0])
        read = Counter("pre" if token.type == "fence" else token.tag for token in tokens if token.nesting >= 0)

        assert {tag: shown[page.name].written[tag] for tag in COUNTED} == {tag: read[tag] for tag in COUNTED}, page


def test_every_page_is_in_the_navigation(shown: dict[str, Html]) -> None:
    assert {address(page) for page in OURS} <= shown["docs/index.md"].navigation


@pytest.mark.parametrize(
    ("mistake", "complaint"),
    [
        ("[gone](nothing.md)", "nothing.md"),
        ("[gone](#nothing)", "#nothing"),
        ("::: broadcastkit.Nothing", "broadcastkit.Nothing"),
    ],
)
def test_a_mistake_stops_the_build(tmp_path: Path, mistake: str, complaint: str) -> None:
    small_site(tmp_path, mistake)

    result = build(tmp_path, tmp_path / "site")

    assert result.returncode != 0
    assert complaint in result.stderr


def test_a_page_that_is_nowhere_in_the_index_stops_the_build(tmp_path: Path) -> None:
    small_site(tmp_path, "right")
    assert build(tmp_path, tmp_path / "site").returncode == 0
    (tmp_path / "docs" / "forgotten.md").write_text("# Forgotten\n", encoding="utf-8")

    result = build(tmp_path, tmp_path / "site")

    assert result.returncode != 0
    assert "forgotten.md" in result.stderr


def small_site(folder: Path, text: str) -> None:
    """A site of one page, with the settings of ours."""
    shutil.copy(ROOT / "mkdocs.yml", folder)
    (folder / "docs").mkdir()
    (folder / "docs" / "index.md").write_text(f"# Home\n\n{text}\n", encoding="utf-8")
    (folder / "docs" / "site.css").touch()
    for name in ("scripts", "src"):
        (folder / name).symlink_to(ROOT / name)


@pytest.mark.browser
@pytest.mark.timeout(180)
def test_a_browser_shows_every_page_and_searches_them(site: Path) -> None:
    """On a phone no page is wider than the screen; nothing is asked for elsewhere, or missing."""
    port = free_port()
    command = [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1", "--directory", str(site)]
    with running(command, port=port, log=site / "log"):
        result = subprocess.run(
            ["node", str(READER), f"http://127.0.0.1:{port}", *map(address, OURS)],
            capture_output=True,
            text=True,
            timeout=170,
            check=False,
        )
    assert result.returncode == 0, result.stderr
    seen = json.loads(result.stdout)

    assert seen.pop("found") > 0
    assert seen == {"foreign": [], "failed": [], "tooWide": [], "schemes": ["slate", "default"]}


# -- the reference ---------------------------------------------------------------------------------------------------


PACKAGE = griffe.load("broadcastkit", search_paths=[ROOT / "src"], allow_inspection=False)


def defined(name: str) -> griffe.Object:
    """Return what a name means, where it is defined."""
    found = PACKAGE[name.removeprefix("broadcastkit.")]
    return found.final_target if isinstance(found, griffe.Alias) else found


@pytest.fixture(scope="module")
def rendered(shown: dict[str, Html]) -> set[str]:
    """Where everything is defined that the pages have a generated heading for."""
    anchors = set().union(*(page.anchors for page in shown.values()))
    return {defined(anchor).path for anchor in anchors if anchor.startswith("broadcastkit.")}


def test_every_public_name_is_made_from_its_docstring(rendered: set[str]) -> None:
    """One that is missing wants a line `::: module.name` below "API" on its page of the reference."""
    public = {f"{module}.{name}" for module in PUBLIC for name in importlib.import_module(module).__all__}

    assert sorted(name for name in public if defined(name).path not in rendered) == []
    assert sorted(name for name in public if defined(name).docstring is None) == []


# What the drivers without a service are made with.
INSIDE = {"take"}


def test_every_public_method_is_there(rendered: set[str]) -> None:
    """With the class, one that it has it from, or the protocol that promises it."""
    promised = {name for cls in public_classes() if is_protocol(cls) for name in vars(cls)} | INSIDE
    methods = {method for cls in public_classes() for method in documented(cls)}

    assert {name for name in methods if name.rpartition(".")[2] not in promised} - rendered == set()


def public_classes() -> Iterator[type[Any]]:
    for module in PUBLIC:
        imported = importlib.import_module(module)
        yield from filter(inspect.isclass, (getattr(imported, name) for name in imported.__all__))


def documented(cls: type[Any]) -> Iterator[str]:
    """Yield where the methods and properties are defined that the class has from this package."""
    for name in dir(cls):
        owner = next((base for base in cls.__mro__ if name in vars(base)), object)
        member = vars(owner).get(name)
        written = isinstance(member, (FunctionType, classmethod, property, staticmethod)) and member.__doc__
        if written and owner.__module__.startswith("broadcastkit") and not name.startswith("_"):
            yield f"{owner.__module__}.{owner.__qualname__}.{name}"
