"""What a service quotes of a payload, blanked: its other words are what people need.

Services and proxies quote a request as it came, read and written again, or as HTML. So the text of the answer and the
payloads are compared without their escapes and spaces.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from typing import Any

__all__ = ["blanked"]

_RUN = 12
"""Characters that an answer must have in common with a payload: fewer may be a word of its own."""
_HALF = _RUN // 2
# What is returned is as much as an error looks at; a quote may go on behind it.
_LIMIT, _LOOK_AHEAD = 1000, 250
_ESCAPED = re.compile(
    r"(?P<units>(?:\\+u[0-9a-fA-F]{4})+)|(?P<bytes>(?:\\+x[0-9a-fA-F]{2})+)|\\*(?P<entity>&#?\w{1,8};)"
    r"|\\+(?P<one>.?)",
    re.DOTALL,
)
_SPACES = frozenset("bfnrt")


def blanked(text: str, sent: bytes) -> str:
    """Return the beginning of a text, without any longer run of characters that a payload of a request has too."""
    chars, spans = _plain(text[: _LIMIT + _LOOK_AHEAD])
    runs = {chars[at : at + _RUN] for at in range(len(chars) - _RUN + 1)}
    quoted: set[str] = set()
    for payload in _payloads(sent) if runs else ():
        data = _bare(_ESCAPED.sub(_meant, payload))
        # each run has a whole one of these in it, and looking for them is quick where the payload is long
        if any(chars[at : at + _HALF] in data for at in range(0, len(chars) - _HALF + 1, _HALF)):
            quoted |= {run for at in range(len(data) - _RUN + 1) if (run := data[at : at + _RUN]) in runs}
    shown, end = "", 0
    for start, after in _found(chars, spans, quoted):
        if start > end or not shown:
            shown += f"{text[end:start]}[blanked]"
        end = max(end, after)
    return (shown + text[end:_LIMIT])[:_LIMIT]


def _payloads(sent: bytes) -> list[str]:
    """Return the payloads in the body of a request."""
    try:
        body: Any = json.loads(sent or b"null")
    except ValueError:
        return []
    entries = body.get("batch", [body]) if isinstance(body, dict) else []
    return [entry["data"] for entry in entries if isinstance(entry.get("data"), str)]


def _plain(text: str) -> tuple[str, list[tuple[int, int]]]:
    """Return a text without escapes and spaces, and for each of its characters where it comes from."""
    chars = ""
    spans: list[tuple[int, int]] = []
    at = 0
    for escaped in [*_ESCAPED.finditer(text), None]:
        start, end = (len(text), len(text)) if escaped is None else escaped.span()
        for place in range(at, start):
            char = _bare(text[place])
            chars += char
            spans += [(place, place + 1)] * len(char)
        meant = "" if escaped is None else _bare(_meant(escaped))
        chars += meant
        spans += [(start, end)] * len(meant)
        at = end
    return chars, spans


def _bare(text: str) -> str:
    """Leave out what services write differently: spaces, backslashes, and which quotation mark it is."""
    return "".join(text.split()).replace("'", '"').replace("\\", "")


def _meant(escaped: re.Match[str]) -> str:
    """Return what an escape stands for; nothing where it is a space."""
    units, octets, one, entity = escaped.group("units", "bytes", "one", "entity")
    if units:
        return bytes.fromhex(re.sub(r"\\+u", "", units)).decode("utf-16-be", errors="replace")
    if octets:
        return bytes.fromhex(re.sub(r"\\+x", "", octets)).decode(errors="replace")
    if entity:
        return html.unescape(entity)
    return "" if one in _SPACES else str(one)


def _found(chars: str, spans: list[tuple[int, int]], quoted: set[str]) -> Iterator[tuple[int, int]]:
    """Return where in the text there are quotes, in order; they may overlap."""
    for at in range(len(chars) - _RUN + 1):
        if chars[at : at + _RUN] in quoted:
            yield spans[at][0], spans[at + _RUN - 1][1]
