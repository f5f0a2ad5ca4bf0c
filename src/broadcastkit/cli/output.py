"""What the commands print. Names, texts and payloads come from strangers: none may steer the terminal."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from typing import TextIO

__all__ = ["discreet", "note", "printable", "show", "show_json", "table"]

_HIDDEN = "…"
_QUOTED = 40


def printable(text: str) -> str:
    """Return text on one line without control characters, invisible ones and lone surrogates: written as escapes."""
    return text if text.isprintable() else "".join(map(_escaped, text))


def _escaped(character: str) -> str:
    return character if character.isprintable() else character.encode("unicode_escape").decode()


def discreet(message: str, given: Sequence[str]) -> str:
    """Return a message without the arguments in it that could be a URL or `id:key:secret` in the wrong place."""
    for argument in sorted(given, key=len, reverse=True):
        if "://" in argument or argument.count(":") > 1:
            # errors shorten long names, and quote
            for form in (argument, repr(argument)[1:-1], argument[:_QUOTED]):
                message = message.replace(form, _HIDDEN)
    return message


def show(line: str) -> None:
    """Print a line of the result."""
    _print(line, sys.stdout)


def note(line: str) -> None:
    """Print a line that is not part of the result, where a pipe does not take it."""
    _print(line, sys.stderr)


def show_json(value: object) -> None:
    """Print a JSON document on one line, in ASCII: any program and any terminal can take it."""
    _print(json.dumps(value, separators=(",", ":")), sys.stdout)


def table(rows: Iterable[Sequence[str]]) -> None:
    """Print rows in columns."""
    cells = [[printable(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        show("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _print(line: str, stream: TextIO) -> None:
    # a terminal that cannot write a letter is no reason to stop
    encoding = stream.encoding or "utf-8"
    stream.write(printable(line).encode(encoding, "backslashreplace").decode(encoding) + "\n")
    stream.flush()
