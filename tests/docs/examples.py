"""Runs the examples of a page, as a reader would type them in: one after another, in one folder.

- A `python` block shares its names with the blocks before it; it may `await`. What it prints is shown in it, in
  comments that start with `# >`, and must be that.
- A block whose first line names a file (`# app.py`) is that file: a Python one is imported, a test is run by pytest.
  One in a folder (`# shop/models.py`) is only written: the test imports it, in the test's own process.
- A `toml` block that is `pyproject.toml` makes the page's modules an installed package, with its entry points.
- A `dotenv` block is the whole environment of what follows it, and must be one that a broadcaster starts from. A port
  in it where the page itself runs a server is replaced by a free one.
"""

from __future__ import annotations

import ast
import asyncio
import contextlib
import inspect
import io
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from broadcastkit import Broadcaster, default
from tests.interop.servers import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.docs.pages import Fence, Page

__all__ = ["PageRun"]

_SHOWN = "# >"
# With the last one, a run under `coverage run` measures these too.
_PASSED_ON = re.compile("PATH$|PYTHONPATH$|COVERAGE_")
_SERVED_BY_THE_PAGE = {"MAIL_PORT"}


class PageRun:
    """One page's examples; `count` says how many have run."""

    def __init__(self, page: Page, folder: Path) -> None:
        self.page = page
        self.folder = folder
        self.count = 0
        self._module = ModuleType("example")
        self._environment: dict[str, str] = {}
        self._imported = {self._module.__name__: self._module}

    def run(self) -> None:
        """Run all of them."""
        with self._stage() as runner:
            for fence in self.page.fences:
                self._run(fence, runner)

    @contextlib.contextmanager
    def _stage(self) -> Iterator[asyncio.Runner]:
        """Be in the folder, with nothing configured and no module known; leave no trace."""
        before = dict(os.environ)
        (self.folder / "node_modules").mkdir(exist_ok=True)  # what `npm install` makes
        sys.modules.update(self._imported)
        sys.path.insert(0, str(self.folder))
        default.reset()
        try:
            with contextlib.chdir(self.folder), asyncio.Runner() as runner:
                yield runner
        finally:
            default.reset()
            sys.path.remove(str(self.folder))
            for name in self._imported:
                sys.modules.pop(name, None)
            os.environ.clear()
            os.environ.update(before)

    def _run(self, fence: Fence, runner: asyncio.Runner) -> None:
        if fence.file is not None:
            (self.folder / fence.file).parent.mkdir(exist_ok=True)
            (self.folder / fence.file).write_text(fence.text, encoding="utf-8")
        if fence.file == "pyproject.toml":
            self._register(tomllib.loads(fence.text)["project"])
        if fence.language == "dotenv":
            self._set_environment(fence)
        elif fence.language == "python":
            self._run_python(fence, runner)
        else:
            return
        self.count += 1

    def _register(self, project: dict[str, Any]) -> None:
        """Write what `pip install --editable .` does; `tests/packaging` runs that, for the same files."""
        name, version = project["name"], project["version"]
        folder = self.folder / f"{name.replace('-', '_')}-{version}.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        groups = [
            "\n".join([f"[{group}]", *(f"{key} = {value}" for key, value in entries.items())])
            for group, entries in project["entry-points"].items()
        ]
        (folder / "entry_points.txt").write_text("\n".join(groups))

    def _set_environment(self, fence: Fence) -> None:
        for name in self._environment:
            del os.environ[name]
        lines = [line.partition("#")[0].strip() for line in fence.text.splitlines()]
        self._environment = {name: value for name, _, value in (line.partition("=") for line in lines if line)}
        self._environment |= {name: str(free_port()) for name in self._environment.keys() & _SERVED_BY_THE_PAGE}
        os.environ.update(self._environment)
        with Broadcaster.from_env() as broadcaster:
            broadcaster.driver()

    def _run_python(self, fence: Fence, runner: asyncio.Runner) -> None:
        place = f"{self.page.name}:{fence.line}"
        shown = [line.strip().removeprefix(_SHOWN).removeprefix(" ") for line in _shown_lines(fence.text)]
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            try:
                self._execute(fence, runner)
            except BaseException as error:
                error.add_note(f"in the example at {place}")
                raise
        lines = [line.rstrip() for line in printed.getvalue().splitlines()]
        assert lines == shown, "\n".join([f"{place} shows", *shown, "and printed", *lines])

    def _execute(self, fence: Fence, runner: asyncio.Runner) -> None:
        if fence.file is None:
            # as many lines down as on the page, so that a traceback names the right one
            source = "\n" * (fence.line - 1) + fence.text
            code = compile(source, str(self.page.path), "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
            answer = eval(code, self._module.__dict__)  # noqa: S307 - this is what runs the examples
            if inspect.isawaitable(answer):
                runner.run(_awaited(answer))
        elif fence.file.startswith("test_"):
            self._run_pytest(fence.file)
        elif fence.file != "conftest.py" and "/" not in fence.file:
            self._import(fence.file.removesuffix(".py"))

    def _import(self, name: str) -> None:
        source = (self.folder / f"{name}.py").read_text(encoding="utf-8")
        module = ModuleType(name)
        module.__file__ = str(self.folder / f"{name}.py")
        sys.modules[name] = self._imported[name] = module
        # not imported by name: a page may show a file again, with more in it
        exec(compile(source, module.__file__, "exec", dont_inherit=True), module.__dict__)  # noqa: S102

    def _run_pytest(self, file: str) -> None:
        (self.folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
        environment = {name: value for name, value in os.environ.items() if _PASSED_ON.match(name)}
        result = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", file],
            env=environment | self._environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert result.returncode == 0, result.stdout + result.stderr


def _shown_lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.strip().startswith(_SHOWN)]


async def _awaited(answer: object) -> None:
    assert inspect.isawaitable(answer)
    await answer
