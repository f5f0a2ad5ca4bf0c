"""`broadcastkit doctor`: what is wrong with the configuration, and what would be right."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from broadcastkit.cli.checks import Check, Patient, examine
from broadcastkit.cli.connections import Configured, JsonOption, UrlOption, configured
from broadcastkit.cli.output import discreet, note, show, show_json, table
from broadcastkit.errors import ConfigurationError

__all__ = ["doctor"]

# the environment has these always, and one that nobody has chosen is no news
_ALWAYS_THERE = frozenset({"log", "memory", "null"})
_WORDS = {True: "ok", False: "wrong"}


def doctor(
    *,
    connection: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Check this one only; may be repeated. All that are set up, unless given."),
    ] = None,
    timeout: Annotated[float, typer.Option(min=0.1, metavar="SECONDS", help="How long to wait for each answer.")] = 5.0,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check each connection: settings, host, clock, key and secret; say what is wrong and what would be right."""
    try:
        with configured(url) as found:
            reports = [(name, examine(Patient(found, name, timeout))) for name in _chosen(found, connection)]
            default = found.default
    except ConfigurationError as error:
        if as_json:
            show_json({"ok": False, "problem": discreet(str(error), sys.argv[1:]), "connections": []})
            raise typer.Exit(2) from None
        raise
    status = max(check.status for _, checks in reports for check in checks)
    if as_json:
        show_json({"ok": status == 0, "connections": [_document(name, checks, default) for name, checks in reports]})
    else:
        for name, checks in reports:
            show(f"{name} (the default)" if name == default else name)
            table(["", _WORDS[check.ok], check.about, check.says] for check in checks)
        note("All is well." if status == 0 else "Not all is well.")
    raise typer.Exit(status)


def _chosen(found: Configured, names: Sequence[str] | None) -> list[str]:
    for name in names or ():
        if name not in found.names:
            raise ConfigurationError(f"there is no connection {name!r}; there are: {', '.join(found.names)}")
    if names:
        return list(dict.fromkeys(names))
    return [name for name in found.names if name == found.default or name not in _ALWAYS_THERE]


def _document(name: str, checks: Sequence[Check], default: str) -> dict[str, object]:
    return {
        "connection": name,
        "default": name == default,
        "ok": all(check.ok for check in checks),
        "checks": [{"about": check.about, "ok": check.ok, "says": check.says} for check in checks],
    }
