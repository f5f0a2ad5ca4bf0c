"""`broadcastkit rules`: finds the registry of an application and lists what it holds."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import RunCommand

APPLICATION = """
from broadcastkit import ChannelRegistry, PrivateChannel
from broadcastkit.broadcaster import Broadcaster
from broadcastkit.drivers.null import NullDriver

channels = ChannelRegistry()
empty = ChannelRegistry()
broadcaster = Broadcaster(NullDriver(), channels=channels)
other = "hunter2"

class Outer:
    inner = channels

class UserChannel(PrivateChannel, pattern="user.{user_id}"):
    user_id: int

@channels.authorize(UserChannel)
def own_channel(user, channel):
    return user.id == channel.user_id

@channels.authorize("presence-room.{room_id}", guest=True)
async def in_room(user, room_id: int):
    return None

@channels.authorize("private-encrypted-notes")
class Notes:
    def __new__(cls, user):
        return True
"""


@pytest.fixture
def application(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], str]]:
    """Write a module into the current folder; returns its name, which no other test has imported."""
    monkeypatch.chdir(tmp_path)
    before, path = set(sys.modules), list(sys.path)

    def write(text: str) -> str:
        (tmp_path / "cli_rules_app.py").write_text(text, encoding="utf-8")
        return "cli_rules_app"

    yield write
    sys.path[:] = path
    for name in set(sys.modules) - before:
        if name.startswith("cli_rules"):
            del sys.modules[name]


def test_lists_the_rules(command: RunCommand, application: Callable[[str], str]) -> None:
    name = application(APPLICATION)
    status, out, err = command("rules", f"{name}:channels")
    assert (status, err) == (0, "")
    assert [line.split(maxsplit=2) for line in out.splitlines()] == [
        ["private-user.{user_id}", f"{name}.own_channel"],
        ["presence-room.{room_id}", f"{name}.in_room", "guests, async"],
        ["private-encrypted-notes", f"{name}.Notes"],
    ]


def test_json(command: RunCommand, application: Callable[[str], str]) -> None:
    name = application(APPLICATION)
    rules = json.loads(command("rules", f"{name}:channels", "--json").out)["rules"]
    assert rules[0] == {
        "pattern": "private-user.{user_id}",
        "kind": "private",
        "callback": f"{name}.own_channel",
        "channel_class": "UserChannel",
        "guest": False,
        "async": False,
    }
    assert [(rule["kind"], rule["channel_class"], rule["guest"], rule["async"]) for rule in rules[1:]] == [
        ("presence", None, True, True),
        ("encrypted", None, False, False),
    ]


@pytest.mark.parametrize("attribute", ["broadcaster", "Outer.inner", "broadcaster.channels"])
def test_where_the_registry_may_be(command: RunCommand, application: Callable[[str], str], attribute: str) -> None:
    assert "own_channel" in command("rules", f"{application(APPLICATION)}:{attribute}").out


def test_no_rules_yet(command: RunCommand, application: Callable[[str], str]) -> None:
    where = f"{application(APPLICATION)}:empty"
    status, out, err = command("rules", where)
    assert (status, out) == (0, "")
    assert "has no rules yet" in err
    assert json.loads(command("rules", where, "--json").out) == {"rules": []}


def test_another_folder(command: RunCommand, application: Callable[[str], str], tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "cli_rules_other.py").write_text(APPLICATION, encoding="utf-8")
    assert command("rules", "cli_rules_other:channels", "--app-dir", "elsewhere").status == 0


@pytest.mark.parametrize(
    ("attribute", "said"),
    [
        ("absent", "has no absent; there is channels, empty, broadcaster"),
        ("channels.absent", "has no channels.absent"),
        ("other", "other in cli_rules_app is a str; it must be a ChannelRegistry, or a broadcaster that has one"),
        ("json", "has no json"),
    ],
)
def test_an_attribute_that_is_wrong(
    command: RunCommand, application: Callable[[str], str], attribute: str, said: str
) -> None:
    status, out, err = command("rules", f"{application(APPLICATION)}:{attribute}")
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert said in err


@pytest.mark.parametrize("where", ["", ":", "module", "module:", ":attribute"])
def test_what_is_no_place(command: RunCommand, where: str) -> None:
    status, _, err = command("rules", where)
    assert (status, err) == (
        2,
        "broadcastkit: MODULE:ATTRIBUTE takes a module and an attribute of it, such as chat.rules:channels\n",
    )


@pytest.mark.parametrize("name", ["cli_rules_absent", "cli_rules_absent.deeper"])
def test_a_module_that_is_not_there(
    command: RunCommand, application: Callable[[str], str], tmp_path: Path, name: str
) -> None:
    status, _, err = command("rules", f"{name}:channels")
    assert (status, err) == (
        2,
        f"broadcastkit: MODULE:ATTRIBUTE: there is no module cli_rules_absent in {tmp_path} or installed\n",
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("import cli_rules_missing", "importing cli_rules_app failed: it needs the module cli_rules_missing"),
        (
            "\nraise ValueError('hunter2')",
            "importing cli_rules_app failed: ValueError at {folder}/cli_rules_app.py:2; ",
        ),
        ("password = 'hunter2", "importing cli_rules_app failed: SyntaxError at {folder}/cli_rules_app.py:1; "),
    ],
)
def test_a_module_that_cannot_be_imported(
    command: RunCommand, application: Callable[[str], str], tmp_path: Path, text: str, said: str
) -> None:
    status, out, err = command("rules", f"{application(text)}:channels")
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert said.format(folder=tmp_path) in err
