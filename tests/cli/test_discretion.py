"""What the commands never print: an argument in the wrong place, or what would steer a terminal."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadcastkit.cli.output import discreet, note, printable, table
from tests.cli.conftest import RunCommand

URL = "https://app-key:hunter2@127.0.0.1:1/apps/app-id"


@pytest.mark.parametrize(
    "arguments",
    [
        *((URL,), ("channels", URL), ("users", URL), ("listen", URL), ("doctor", URL), ("serve", "1:key:hunter2")),
        *(("rules", URL), ("send", "--event", "x", "--channel", URL)),
        *(("channels", "--connection", URL), ("listen", "x", "--count", URL), ("listen", "x", "--timeout", URL)),
        *((f"--url={URL}",), ("channels", f"--ur={URL}"), ("doctor", "--connection", URL), ("doctor", "--jso", URL)),
        *(("channels", URL + "x" * 200), ("send", "--event", URL + "x" * 300, "--channel", "x")),
        *(("verify-webhook", URL, "--signature", "x"), ("channels", "--info", URL), (f"-{URL}",)),
        ("doctor", "--json", "--connection", URL),
    ],
    ids=" ".join,
)
def test_no_argument_in_the_wrong_place_is_shown(
    command: RunCommand, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    monkeypatch.setenv("BROADCAST_CONNECTION", "null")
    assert command(*arguments).status == 2


@pytest.mark.parametrize("argument", ["\udcff", "\x1b[2J", "a\nb", "\u202e", "\x00", "名前", "x" * 10_000, ""])
@pytest.mark.parametrize("before", [(), ("channels",), ("users",), ("rules",), ("send", "--event", "x", "--channel")])
def test_odd_arguments_are_refused_in_order(
    command: RunCommand, monkeypatch: pytest.MonkeyPatch, before: tuple[str, ...], argument: str
) -> None:
    monkeypatch.setenv("BROADCAST_CONNECTION", "null")
    result = command(*before, argument)
    assert result.status == 2
    assert "Traceback" not in result.err


def test_a_message_keeps_what_is_no_secret() -> None:
    assert discreet("no module:attribute, 'x:1'", ["module:attribute", "x:1", ""]) == "no module:attribute, 'x:1'"
    assert discreet("no 1:k:s and 1:k", ["1:k:s"]) == "no … and 1:k"


@given(st.text())
def test_what_is_printed_is_one_printable_line(text: str) -> None:
    shown = printable(text)
    assert shown.isprintable()
    shown.encode()
    if text.isprintable():
        assert shown == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [("a\nb", "a\\nb"), ("\x1b[2J", "\\x1b[2J"), ("\x9b", "\\x9b"), ("\u202e", "\\u202e"), ("\ud800", "\\ud800")],
)
def test_what_is_escaped(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_a_terminal_that_cannot_write_a_letter(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr("sys.stderr", io.TextIOWrapper(raw, encoding="ascii"))
    note("héllo ✓")
    assert raw.getvalue() == b"h\\xe9llo \\u2713\n"


def test_columns(capsys: pytest.CaptureFixture[str]) -> None:
    table([["a", "bb", ""], ["aaa", "b", "c"]])
    assert capsys.readouterr().out == "a    bb\naaa  b   c\n"
