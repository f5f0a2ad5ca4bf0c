"""`manage.py broadcast_channels`: who decides about which channels."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from broadcastkit.authorization.rules import Rule
from broadcastkit.integrations.django import channels

__all__ = ["Command"]


class Command(BaseCommand):
    """Lists the registered rules, in the order of registration."""

    help: str = "List the channels that ask for authorization, and the rule that decides about each."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take `--json`."""
        parser.add_argument("--json", action="store_true", help="print one JSON list")

    def handle(self, *_: Any, **options: Any) -> None:
        """Print the rules."""
        if options["json"]:
            self.stdout.write(json.dumps([_described(rule) for rule in channels.rules], indent=2))
            return
        if not channels.rules:
            self.stdout.write("no rules: register some in broadcasting.py of an app")
        width = max((len(rule.pattern.text) for rule in channels.rules), default=0)
        for rule in channels.rules:
            notes = [note for note, is_so in (("async", rule.is_async), ("guests too", rule.guest)) if is_so]
            line = f"{rule.pattern.text:{width}}  {_name(rule)}"
            self.stdout.write(f"{line}  ({', '.join(notes)})" if notes else line)


def _described(rule: Rule) -> dict[str, Any]:
    return {"channel": rule.pattern.text, "rule": _name(rule), "async": rule.is_async, "guest": rule.guest}


def _name(rule: Rule) -> str:
    module = getattr(rule.callback, "__module__", None)
    return f"{module}.{rule.name}" if module else rule.name
