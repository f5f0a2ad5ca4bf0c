"""The rules of a Django project, of which some may be `async` and the code that asks them is not."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import Any

from broadcastkit.authorization import ChannelRegistry
from broadcastkit.authorization.rules import Rule

__all__ = ["DjangoChannelRegistry"]


class DjangoChannelRegistry(ChannelRegistry):
    """A registry whose `async` rules blocking code may ask too, as Django lets it call anything async.

    The rule is awaited on the event loop of the ASGI server while the request waits in its own thread. Under WSGI there
    is none, and the rule gets a loop for itself: it works, but what is bound to another loop cannot be used in it.
    """

    def ask(self, socket_id: str, channel_name: str, user: object | None) -> tuple[Rule, dict[str, Any]]:
        """See ChannelRegistry.ask."""
        rule, arguments = super().ask(socket_id, channel_name, user)
        if rule.is_async and not _in_event_loop():
            from asgiref.sync import async_to_sync

            rule = replace(rule, callback=async_to_sync(rule.callback), is_async=False)
        return rule, arguments


def _in_event_loop() -> bool:
    # looked up rather than imported: where nobody has imported asyncio, no loop runs
    asyncio = sys.modules.get("asyncio")
    return asyncio is not None and asyncio._get_running_loop() is not None  # noqa: SLF001 - the other one raises
