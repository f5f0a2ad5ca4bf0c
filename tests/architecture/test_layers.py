"""The import contracts of pyproject.toml: kept by the code, and each broken by a breach planted for it."""

from __future__ import annotations

import dataclasses
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

LAYERS = "layers point downwards"
PURE = "the pure half does no I/O"
MODELS = "the core knows no models"
OPTIONAL = "an optional dependency stays in the module that needs it"
HTTP = "HTTP libraries stay under the Pusher driver"
DRIVERS = "drivers do not know each other"


@dataclasses.dataclass(frozen=True)
class Breach:
    """An import which `contract` forbids to `module`, a module that need not exist yet."""

    module: str
    statement: str
    contract: str

    def plant(self, src: Path) -> None:
        path = src.joinpath(*self.module.split("."))
        file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
        with file.open("a") as text:
            text.write(f"\n{self.statement}\n")


BREACHES = [
    Breach("broadcastkit.core.names", "import broadcastkit.channels", LAYERS),
    Breach("broadcastkit.errors", "import broadcastkit.core", LAYERS),
    Breach("broadcastkit.drivers.log", "import broadcastkit.broadcaster", LAYERS),
    Breach("broadcastkit.server.hub", "import broadcastkit.integrations.asgi", LAYERS),
    Breach("broadcastkit.stray", "", LAYERS),  # a module that no layer names
    Breach("broadcastkit.core.names", "import time", PURE),
    Breach("broadcastkit.signing", "import os", PURE),
    Breach("broadcastkit.channels", "import logging", PURE),
    Breach("broadcastkit.webhooks.verify", "import time", PURE),
    Breach("broadcastkit.webhooks.events", "import broadcastkit.authorization", LAYERS),
    Breach("broadcastkit.drivers.pusher.exchange", "import asyncio", PURE),
    Breach("broadcastkit.server.protocol", "import socket", PURE),
    Breach("broadcastkit.drivers.socketio.plan", "import time", PURE),
    Breach("broadcastkit.core.payload", "import pydantic", MODELS),
    Breach("broadcastkit", "import fastapi", OPTIONAL),
    Breach("broadcastkit.config", "import pydantic_settings", OPTIONAL),
    Breach("broadcastkit.default", "import django", OPTIONAL),
    Breach("broadcastkit.delivery.queues.base", "import celery", OPTIONAL),
    Breach("broadcastkit.delivery.queues.work", "import broadcastkit.default", LAYERS),
    Breach("broadcastkit.delivery.transactions.base", "import sqlalchemy", OPTIONAL),
    Breach("broadcastkit.delivery.transactions.base", "import logging", PURE),
    Breach("broadcastkit.observability.hooks", "import broadcastkit.drivers.base", LAYERS),
    Breach("broadcastkit.observability.observers", "import opentelemetry", OPTIONAL),
    Breach("broadcastkit.server.app", "import uvicorn", OPTIONAL),
    Breach("broadcastkit.integrations.socketio", "import socketio", OPTIONAL),
    Breach("broadcastkit.integrations.endpoints", "import limits", OPTIONAL),
    Breach("broadcastkit.config", "import httpx", HTTP),
    Breach("broadcastkit.drivers.pusher.http.clients", "import pyreqwest", HTTP),
    Breach("broadcastkit.drivers.pusher.http.awaited", "import h11", HTTP),
    Breach("broadcastkit.drivers.pusher.http.messages", "import socket", PURE),
    Breach("broadcastkit.drivers.redis_io.resp", "import socket", PURE),
    Breach("broadcastkit.drivers.log", "import broadcastkit.drivers.null", DRIVERS),
    Breach("broadcastkit.drivers.socketio.plan", "import broadcastkit.drivers.redis.plan", DRIVERS),
]


@pytest.fixture
def src(tmp_path: Path) -> Path:
    """A copy of the package, with the contracts beside it."""
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    shutil.copytree(
        ROOT / "src" / "broadcastkit",
        tmp_path / "src" / "broadcastkit",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    return tmp_path / "src"


def broken_contracts(src: Path) -> set[str]:
    """Check the package in `src`; returns the names of the contracts it breaks."""
    lint_imports = Path(sys.executable).with_name("lint-imports")
    result = subprocess.run(
        [lint_imports, "--config", src.parent / "pyproject.toml", "--no-cache", "--no-logo"],
        cwd=src,  # first on its sys.path, before the package that is installed
        env={"COLUMNS": "200", "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    verdicts = dict(re.findall(r"^(.+?) (KEPT|BROKEN)\b", result.stdout, re.MULTILINE))
    assert set(verdicts) == {LAYERS, PURE, MODELS, OPTIONAL, HTTP, DRIVERS}, result.stdout + result.stderr
    return {name for name, verdict in verdicts.items() if verdict == "BROKEN"}


def test_the_package_keeps_every_contract(src: Path) -> None:
    assert broken_contracts(src) == set()


@pytest.mark.parametrize("breach", BREACHES, ids=lambda breach: f"{breach.module}: {breach.statement}")
def test_a_breach_breaks_its_contract_and_no_other(breach: Breach, src: Path) -> None:
    breach.plant(src)

    assert broken_contracts(src) == {breach.contract}
