"""The reference tells of every command, argument and option."""

from __future__ import annotations

import re
from typing import Any

import pytest
import typer.main

from broadcastkit.cli.commands import commands
from tests.docs.pages import PAGES

GROUP: Any = typer.main.get_command(commands)
PAGE = next(page for page in PAGES if page.name == "docs/reference/cli.md")
# told once for all commands
COMMON = {"--json", "--url", "--connection", "--help"}


def section(command: str) -> str:
    _, _, after = PAGE.text.partition(f"## `broadcastkit {command}`\n")
    return after.partition("\n## ")[0]


@pytest.mark.parametrize("command", GROUP.commands)
def test_every_option_is_told(command: str) -> None:
    options = {
        name
        for parameter in GROUP.commands[command].params
        if not getattr(parameter, "hidden", False)
        for name in (*parameter.opts, *parameter.secondary_opts)
        if name.startswith("--")
    }
    told = set(re.findall(r"(?<=`)--[\w-]+", section(command)))
    assert told <= options
    assert options - told <= COMMON


@pytest.mark.parametrize("command", GROUP.commands)
def test_every_command_has_json(command: str) -> None:
    assert "--json" in {name for parameter in GROUP.commands[command].params for name in parameter.opts}


def test_what_all_have_is_told_once() -> None:
    common, _, _ = PAGE.text.partition("\n## `broadcastkit ")
    assert {"--json", "--url", "--connection"} <= set(re.findall(r"--[\w-]+", common))
