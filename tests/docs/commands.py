"""Checks the commands on a page without running them: that program, target, option and package exist."""

from __future__ import annotations

import importlib.util
import json
import re
import shlex
import subprocess
import tomllib
from functools import cache
from typing import TYPE_CHECKING, Any

import dramatiq.cli
import typer.main
import uvicorn
from celery.bin.celery import celery
from django.core.management import CommandError, load_command_class
from rq.cli.cli import main as rq
from taskiq.cli.worker.args import WorkerArgs

from broadcastkit.cli.commands import commands
from tests.docs.pages import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.docs.pages import Page

__all__ = ["complaint", "written_in"]

PACKAGE = re.compile(r"([A-Za-z0-9_-]+)(?:\[([a-z,]+)\])?")
# What only others can tell us about.
NOT_OURS = {".", "cd", "curl", "mkdir", "openssl", "twine"}


def written_in(page: Page) -> Iterator[list[str]]:
    """Yield each command of the page, in words; a prompt, a comment and `&&` are none."""
    for fence in page.of("console"):
        for line in fence.text.replace("\\\n", " ").splitlines():
            for command in line.removeprefix("$ ").split(" && "):
                words = shlex.split(command, comments=True)
                if words:
                    yield words


def complaint(words: list[str], page: Page) -> str | None:
    """Return why a command cannot be right, or None."""
    program, *arguments = words
    if program.startswith(".venv/bin/"):
        program = program.removeprefix(".venv/bin/")
    if program in NOT_OURS:
        return None
    check = CHECKS.get(program)
    return f"nothing here knows the command {program}" if check is None else check(arguments, page)


def _pip(arguments: list[str], page: Page) -> str | None:
    if not arguments or arguments[0] != "install":
        return "pip install is what a reader needs"
    for requirement in arguments[1:]:
        if requirement in {"--editable", "."} and "pyproject.toml" in {fence.file for fence in page.fences}:
            continue
        found = PACKAGE.fullmatch(requirement)
        if found is None:
            return f"{requirement} is no requirement"
        if found[1] == "broadcastkit":
            unknown = set((found[2] or "").split(",")) - {"", *_project()["optional-dependencies"]}
            if unknown:
                return f"there is no extra {unknown}"
        elif found[1].lower() not in _pinned():
            return f"{found[1]} is not among the packages that are tested with"
    return None


def _make(arguments: list[str], _: Page) -> str | None:
    result = subprocess.run(
        ["make", "--dry-run", "--silent", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return result.stderr if result.returncode else None


def _broadcastkit(arguments: list[str], _: Page) -> str | None:
    if arguments in (["--version"], ["--help"]):
        return None
    group: Any = typer.main.get_command(commands)
    command = group.commands.get(arguments[0])
    return f"there is no command {arguments[0]}" if command is None else _parsed(command, arguments[1:])


def _uvicorn(arguments: list[str], page: Page) -> str | None:
    return _absent(arguments[0], page) or _parsed(uvicorn.main, arguments)


def _absent(target: str, page: Page) -> str | None:
    """Return a complaint if what a command is pointed at, `module:name`, is not on the page."""
    module, _, name = target.partition(":")
    files = [fence for fence in page.fences if fence.file == f"{module}.py"]
    return None if files and f"{name} = " in files[-1].text else f"the page has no {target}"


def _celery(arguments: list[str], page: Page) -> str | None:
    if arguments[0] != "--app" or arguments[2] not in celery.commands:
        return "celery --app module command"
    return _absent(f"{arguments[1]}:app", page)


def _dramatiq(arguments: list[str], page: Page) -> str | None:
    return _read(dramatiq.cli.make_argument_parser().parse_args, arguments) or _absent(arguments[0], page)


def _rq(arguments: list[str], _: Page) -> str | None:
    return _parsed(rq.commands[arguments[0]], arguments[1:])


def _taskiq(arguments: list[str], page: Page) -> str | None:
    if arguments[0] != "worker":
        return "taskiq worker module:broker"
    return _read(WorkerArgs.from_cli, arguments[1:]) or _absent(arguments[1], page)


def _read(parse: Callable[[list[str]], object], arguments: list[str]) -> str | None:
    """Have argparse read the arguments."""
    try:
        parse(arguments)
    except SystemExit:
        return f"not understood: {arguments}"
    return None


def _parsed(command: Any, arguments: list[str]) -> str | None:
    """Have click read the arguments, which it does without running the command."""
    try:
        command.make_context(command.name, list(arguments))
    except Exception as error:  # noqa: BLE001 - click's and typer's have no common class that both export
        return str(error) or type(error).__name__
    return None


def _python(arguments: list[str], page: Page) -> str | None:
    if arguments[0] == "manage.py":
        return _manage(*arguments[1:])
    if arguments[:2] == ["-m", "pytest"]:
        return _pytest(arguments[2:], page)
    if arguments[:2] == ["-m", "venv"]:
        return None
    if arguments[0] == "-m" and importlib.util.find_spec(arguments[1]) is not None:
        return None
    return "python -m takes a module of this project"


def _manage(name: str, *arguments: str) -> str | None:
    """Have Django read the arguments of a command of ours; of its own, which want a project, know the name."""
    if importlib.util.find_spec(f"django.core.management.commands.{name}") is not None:
        return None
    try:
        load_command_class("broadcastkit.integrations.django", name).create_parser("manage.py", name).parse_args(
            list(arguments)
        )
    except (CommandError, ImportError) as error:
        return str(error)
    return None


def _pytest(arguments: list[str], page: Page) -> str | None:
    files = {fence.file for fence in page.fences}
    known = [word for word in arguments if word in files or (ROOT / word).exists()]
    options = [word for word in arguments if word.startswith("-")]
    return None if known or not arguments or options else f"there is no {arguments}"


def _npm(arguments: list[str], _: Page) -> str | None:
    locked = json.loads((ROOT / "tests/interop/package.json").read_text(encoding="utf-8"))["dependencies"]
    if arguments[0] != "install" or not set(arguments[1:]) <= locked.keys():
        return f"these are not tested with: {arguments}"
    return None


CHECKS: dict[str, Callable[[list[str], Page], str | None]] = {
    "broadcastkit": _broadcastkit,
    "celery": _celery,
    "dramatiq": _dramatiq,
    "make": _make,
    "npm": _npm,
    "pip": _pip,
    "pytest": _pytest,
    "python": _python,
    "python3": _python,
    "rq": _rq,
    "taskiq": _taskiq,
    "uvicorn": _uvicorn,
}


@cache
def _project() -> dict[str, Any]:
    project: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return project


@cache
def _pinned() -> set[str]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return {line.partition("==")[0].lower() for line in lines}
