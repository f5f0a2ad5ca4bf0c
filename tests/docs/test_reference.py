"""The reference says what the code is: every public name is there, and every table agrees with what it is about."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from dataclasses import fields
from typing import Any

import pytest
import typer.main

import broadcastkit
from broadcastkit import channels, errors, events
from broadcastkit.channels import common
from broadcastkit.cli.commands import commands
from broadcastkit.config.variables import arguments_by_variable
from broadcastkit.drivers.pusher import profiles
from broadcastkit.server import Limits
from tests.docs.pages import PAGES, Page

# What an application, a driver or an integration imports from. The rest is how it is done: `core` but for what
# drivers are given, the inside of the server and of the Pusher driver, and what stands behind the functions.
PUBLIC = [
    "broadcastkit",
    "broadcastkit.aio",
    "broadcastkit.authorization",
    "broadcastkit.broadcaster",
    "broadcastkit.channels",
    "broadcastkit.config",
    "broadcastkit.delivery",
    "broadcastkit.delivery.outbox",
    "broadcastkit.delivery.repeats",
    "broadcastkit.delivery.transactions",
    "broadcastkit.delivery.queues",
    "broadcastkit.drivers",
    "broadcastkit.drivers.base",
    "broadcastkit.drivers.client_options",
    "broadcastkit.drivers.guarded",
    "broadcastkit.drivers.log",
    "broadcastkit.drivers.memory",
    "broadcastkit.drivers.null",
    "broadcastkit.drivers.pusher",
    "broadcastkit.drivers.redis",
    "broadcastkit.drivers.serviceless",
    "broadcastkit.drivers.socketio",
    "broadcastkit.encryption",
    "broadcastkit.errors",
    "broadcastkit.events",
    "broadcastkit.events.base",
    "broadcastkit.integrations.asgi",
    "broadcastkit.integrations.django",
    "broadcastkit.integrations.django.webhooks",
    "broadcastkit.integrations.fastapi",
    "broadcastkit.integrations.flask",
    "broadcastkit.integrations.lifespan",
    "broadcastkit.integrations.litestar",
    "broadcastkit.integrations.rate_limits",
    "broadcastkit.integrations.socketio",
    "broadcastkit.integrations.starlette",
    "broadcastkit.integrations.webhooks",
    "broadcastkit.integrations.wsgi",
    "broadcastkit.observability",
    "broadcastkit.observability.opentelemetry",
    "broadcastkit.observability.prometheus",
    "broadcastkit.offline",
    "broadcastkit.offline.email",
    "broadcastkit.offline.push",
    "broadcastkit.pytest_plugin",
    "broadcastkit.server",
    "broadcastkit.settings",
    "broadcastkit.signing",
    "broadcastkit.socket_id",
    "broadcastkit.testing",
    "broadcastkit.testing.aio",
    "broadcastkit.types",
    "broadcastkit.webhooks",
]
REFERENCE = [page for page in PAGES if page.name.startswith("docs/reference/")]
CODE = re.compile(r"`([^`\n]+)`")
NAME = re.compile(r"\w+")
# `broadcastkit.x.Y`, but not a file, a command or the name of a logger, an attribute or a metric
DOTTED = re.compile(r"\bbroadcastkit(?:\.\w+)+(?![\w/-])")
LOGGERS = {f"broadcastkit.{name}" for name in ("log", "authorization", "webhooks", "relay", "hooks", "offline")}
TELEMETRY = {
    f"broadcastkit.{name}"
    for name in ("connection", "channel.count", "drop.reason", "dropped.messages", "queue.messages")
}


def reference(name: str) -> Page:
    return next(page for page in REFERENCE if page.path.stem == name)


def named(text: str) -> set[str]:
    """Return every name that stands in code on a page."""
    code = [*CODE.findall(text), *re.findall(r"```\w*\n(.*?)```", text, re.DOTALL)]
    return {name for part in code for name in NAME.findall(part)}


def rows(page: Page, heading: str) -> dict[str, list[str]]:
    """Return the rows of the first table after a heading by their first cell, without backticks."""
    _, _, after = page.text.partition(heading)
    lines = after[after.index("\n|") :].strip().partition("\n\n")[0].splitlines()
    cells = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip("|"))] for line in lines[2:]]
    return {first.strip("`"): rest for first, *rest in cells}


@pytest.mark.parametrize("module", PUBLIC)
def test_every_public_name_is_in_the_reference(module: str) -> None:
    exported: list[str] = importlib.import_module(module).__all__

    assert set(exported) - set().union(*(named(page.text) for page in REFERENCE)) == set()


def test_every_subpackage_is_in_the_reference_or_inside() -> None:
    """A new package or module is put in one of the two lists, or this fails."""
    inside = re.compile(
        r"broadcastkit\.(calls|cli|core|default|drivers\.(asked|checks|exchange|observed|outside|playing|policies|unasked|wrapped)|pending|threads|integrations(\.(answers|broadcasters|endpoints|fields|windows)|\.django\.[\w.]+)?$|channels\.\w+|"
        r"authorization\.\w+|broadcaster\.\w+|config\.\w+|delivery\.\w+|drivers\.(pusher|redis|redis_io|socketio|sockets)(\.\w+)?|events\.\w+|observability\.(hooks|observers)|offline\.\w+|server\.\w+|testing\.\w+|webhooks\.\w+)"
    )
    modules = [module.name for module in pkgutil.walk_packages(broadcastkit.__path__, "broadcastkit.")]

    assert [name for name in modules if name not in PUBLIC and not inside.match(name)] == []


@pytest.mark.parametrize("page", PAGES, ids=repr)
def test_every_dotted_name_is_there(page: Page) -> None:
    for name in set(DOTTED.findall(" ".join(CODE.findall(page.text)))) - LOGGERS - TELEMETRY:
        assert resolve(name) is not None, name


def resolve(name: str) -> object:
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        try:
            found: object = importlib.import_module(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        for attribute in parts[length:]:
            found = getattr(found, attribute, None)
        return found
    return None


# -- tables ----------------------------------------------------------------------------------------------------------


def test_the_tree_of_errors_is_the_one_in_the_code() -> None:
    drawn = inspect.cleandoc(errors.__doc__ or "")
    tree = inspect.cleandoc(drawn[drawn.index("    BroadcastError") : drawn.index("\n\nNo error carries")])

    assert [fence.text.rstrip() for fence in reference("errors").of("text")] == [tree]


def test_the_errors_have_the_retryable_that_is_told() -> None:
    told = rows(reference("errors"), "of this API")
    delivery = {
        name: cls.retryable
        for name in errors.__all__
        if isinstance(cls := getattr(errors, name), type) and issubclass(cls, errors.DeliveryError)
    }
    leaves = {name for name in delivery if not getattr(errors, name).__subclasses__()}

    assert {name: cells[0] == "yes" for name, cells in told.items()} == {name: delivery[name] for name in leaves}


def test_the_variables_are_those_that_are_read() -> None:
    page = next(page for page in PAGES if page.name == "docs/how-to/configure.md")
    read = {variable for variables in arguments_by_variable().values() for variable in variables}

    told = {*rows(page, "| variable | holds"), "BROADCAST_CONNECTION"}
    assert told == {"BROADCAST_CONNECTION", "BROADCAST_DRIVER", "BROADCAST_DELIVERY", *read}


def test_the_limits_of_the_server_are_told_with_their_defaults() -> None:
    told = {name: cells[0] for name, cells in rows(reference("server"), "## Limits").items()}

    assert told == {field.name: str(field.default) for field in fields(Limits)}


def test_the_profiles_are_told() -> None:
    told = rows(reference("drivers"), "### Profiles")

    assert set(told) == {field.name for field in fields(profiles.Profile)} - {"name"}
    del told["unsupported"]  # the table of the next test
    for column, profile in enumerate(profiles.PROFILES.values(), start=1):
        assert {key: cells[column] for key, cells in told.items()} == {
            key: shown(getattr(profile, key)) for key in told
        }


def test_what_each_service_offers_is_told() -> None:
    told = rows(reference("drivers"), "### What each offers")
    by_feature = {found[1]: cells for label, cells in told.items() if (found := re.search(r"\(`([A-Z_]+)`\)", label))}

    assert set(by_feature) == set(profiles.Feature.__members__)
    for column, profile in enumerate(profiles.PROFILES.values()):
        assert {name: cells[column] for name, cells in by_feature.items()} == {
            name: shown(feature not in profile.unsupported) for name, feature in profiles.Feature.__members__.items()
        }
        assert told["several events in one request"][column] == shown(profile.batch_limit > 1)


def shown(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return f"`{value}`"
    return "none" if value is None else f"{value:,}"


def test_the_options_of_serve_are_told_with_their_defaults() -> None:
    group: Any = typer.main.get_command(commands)
    options = [option for option in group.commands["serve"].params if not option.hidden and option.name != "help"]
    told = {
        option: cells[0]
        for names, cells in rows(reference("cli"), "## `broadcastkit serve`").items()
        for option in re.findall(r"--[\w-]+", names)
    }

    assert set(told) == {name for option in options for name in (*option.opts, *option.secondary_opts)}
    defaults = {option.opts[0]: str(option.default) for option in options if option.opts[0] not in UNSET_OPTIONS}
    assert {name: told[name] for name in defaults} == defaults | {"--client-events": "on", "--json": "no"}


UNSET_OPTIONS = {"--app", "--allow-origin"}


def test_the_arguments_of_the_pusher_driver_are_told() -> None:
    from broadcastkit.drivers.pusher import PusherDriver

    told = " ".join(rows(reference("drivers"), "## Pusher\n")).replace("`", "").replace(",", "").split()

    assert set(told) == set(inspect.signature(PusherDriver.__init__).parameters) - {"self"}


def test_the_ready_made_events_are_told() -> None:
    told = rows(reference("ready-made"), "## Events")
    made = [cls for name in events.__all__ if is_ready_made(cls := getattr(events, name))]

    assert {name: cells[0].strip("`") for name, cells in told.items()} == {cls.__name__: cls.event_name for cls in made}
    for cls in made:
        told_fields = re.sub(r"\([^)]*\)|\[[^]]*\]|\{[^}]*\}", "", told[cls.__name__][2])
        names = {part.strip(" `") for part in told_fields.split(",") if part.strip()}
        assert names == {
            f"{name}{'?' if field.default is None else ''}"
            for name, field in cls.model_fields.items()
            if not field.exclude
        }, cls.__name__


def is_ready_made(value: object) -> bool:
    return isinstance(value, type) and issubclass(value, events.Event) and value is not events.Event


def test_the_ready_made_channels_are_told() -> None:
    told = {name: cells[0].strip("`") for name, cells in rows(reference("ready-made"), "## Channels").items()}

    assert told == {name: getattr(channels, name).pattern.text for name in common.__all__}
