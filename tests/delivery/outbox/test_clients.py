"""The id of an event, in a real client: the snippet on the page drops what comes twice, and nothing else."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import NullPool, create_engine

from broadcastkit import AnonymousEvent, Broadcaster
from broadcastkit.delivery.outbox import Outbox, Relay
from broadcastkit.delivery.outbox.sqlalchemy import outbox_table
from broadcastkit.drivers.pusher import PusherDriver
from tests.docs.pages import PAGES
from tests.interop.servers import NODE_MODULES

if TYPE_CHECKING:
    from pathlib import Path

    from tests.interop.servers import PusherServer

pytestmark = pytest.mark.real


class KilledError(Exception):
    """The relay ended after the service had answered, and before it could note that."""


def test_a_client_handles_each_event_once(soketi: PusherServer, tmp_path: Path) -> None:
    page = next(page for page in PAGES if page.name == "docs/how-to/outbox.md")
    (snippet,) = page.of("javascript")
    (tmp_path / "snippet.mjs").write_text(snippet.text)
    (tmp_path / "once.mjs").write_bytes((NODE_MODULES.parents[1] / "delivery/outbox/once.mjs").read_bytes())
    (tmp_path / "node_modules").symlink_to(NODE_MODULES)
    engine = create_engine(f"sqlite:///{tmp_path / 'outbox.db'}", poolclass=NullPool)
    outbox_table().create(engine)
    command = ["node", "once.mjs", str(soketi.port), soketi.key]
    with (
        subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as client,
        Broadcaster(PusherDriver.from_url(soketi.url), delivery=Outbox(engine, id_field="event_id")) as sender,
    ):
        assert client.stdout is not None
        assert client.stdout.readline() == "ready\n"
        for number in (1, 2):
            sender.broadcast(AnonymousEvent("order.placed", {"id": number}, on="orders")).to_everyone()
        _die_before_settling(Relay(engine, sender, lease=1e-6))
        sender.broadcast(AnonymousEvent("fence", {}, on="orders")).to_everyone()
        assert Relay(engine, sender).run_once() == 3
        shown = json.loads(client.stdout.readline())

    assert shown == {"came": [1, 2, 1, 2], "handled": [1, 2]}


def _die_before_settling(relay: Relay) -> None:
    def killed(*_: Any, **__: Any) -> None:
        raise KilledError

    relay._store.settle = killed  # type: ignore[method-assign]
    with pytest.raises(KilledError):
        relay.run_once()
