"""The guide's own examples in Chromium, over a soketi that stops and starts again: guide.mjs is the story."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from dirty_equals import IsDatetime, IsPositiveInt, IsStr

from tests.examples.team_rooms.browsers import guides_environment, served, soketi_for
from tests.interop.servers import free_port

pytestmark = [pytest.mark.browser, pytest.mark.timeout(150)]


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("guide-browser")
    port = free_port()
    with contextlib.ExitStack() as stack:
        soketi = stack.enter_context(contextlib.ExitStack())
        server = soketi.enter_context(soketi_for(folder, port))
        address = stack.enter_context(served(folder, guides_environment(server), port=port))
        errors = stack.enter_context((folder / "errors").open("w+"))
        story = stack.enter_context(
            subprocess.Popen(
                ["node", str(Path(__file__).parent / "guide.mjs"), address, str(folder)],
                env=dict(os.environ),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
        )
        stack.callback(story.kill)
        assert story.stdin
        assert story.stdout
        for line in story.stdout:
            told: dict[str, Any] = json.loads(line)
            match told.get("soketi"):
                case "stop":
                    soketi.close()
                case "start":
                    soketi.enter_context(soketi_for(folder, port, soketi_port=server.port))
                case _:
                    return told
            story.stdin.write("done\n")
            story.stdin.flush()
        errors.seek(0)
        pytest.fail(errors.read())


def test_listening_to_messages(seen: dict[str, Any]) -> None:
    assert seen["message"] == {
        "id": IsPositiveInt,
        "room_id": 1,
        "sender_role": "owner",
        "sender_name": "Ann",
        "message": "Hello from the page",
        "type": "text",
        "created_at": IsDatetime(iso_string=True),
    }


def test_unsubscribing(seen: dict[str, Any]) -> None:
    assert seen["afterCleanup"] == len(seen["heard"])


def test_the_connection_status(seen: dict[str, Any]) -> None:
    assert seen["atFirst"] in {"connecting", "connected"}
    assert (seen["connected"], seen["away"], seen["back"]) == ("connected", "disconnected", "connected")


def test_monitoring_is_told_of_errors_and_of_the_end(seen: dict[str, Any]) -> None:
    assert seen["error"] == {"type": "error", "value": IsStr(min_length=1)}


def test_everybody_comes_back_by_themselves_and_hears_what_follows(seen: dict[str, Any]) -> None:
    assert seen["heard"] == ["Hello from the page", "And after it"]


def test_built_with_vites_variables_it_connects_to_pusher(seen: dict[str, Any]) -> None:
    assert seen["built"]["status"] == "connected"
    assert seen["built"]["url"].startswith("wss://ws-ap4.pusher.com/app/key-of-the-guide?protocol=7&client=js")
