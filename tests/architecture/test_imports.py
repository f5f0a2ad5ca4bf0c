"""What importing broadcastkit costs, and what it says when an extra is not installed."""

from __future__ import annotations

import subprocess
import sys

import pytest

# Each of these would be paid for by everybody, or is not there for everybody.
NOT_IMPORTED = {
    "asyncio",
    "broadcastkit.offline",
    "celery",
    "cryptography",
    "django",
    "dramatiq",
    "fastapi",
    "flask",
    "httpcore",
    "httpx",
    "limits",
    "litestar",
    "logging.config",
    "nacl",
    "opentelemetry",
    "prometheus_client",
    "pydantic_settings",
    "pytest",
    "redis",
    "rq",
    "smtplib",
    "socketio",
    "sqlalchemy",
    "ssl",
    "starlette",
    "taskiq",
    "typer",
    "uvicorn",
    "websockets",
    "werkzeug",
}
OPTIONAL = [
    "asgiref",
    "celery",
    "django",
    "dramatiq",
    "fastapi",
    "flask",
    "limits",
    "litestar",
    "nacl",
    "opentelemetry",
    "prometheus_client",
    "pydantic_settings",
    "pytest",
    "redis",
    "rq",
    "sqlalchemy",
    "starlette",
    "taskiq",
    "typer",
    "uvicorn",
    "websockets",
    "werkzeug",
]


def run(code: str) -> subprocess.CompletedProcess[str]:
    """Run code in a fresh interpreter, which nothing but the code itself makes import anything."""
    return subprocess.run([sys.executable, "-I", "-c", code], env={}, capture_output=True, text=True, check=False)


def without(names: list[str]) -> str:
    """Return code that makes these packages look not installed."""
    return f"import sys; sys.modules.update(dict.fromkeys({names!r}))\n"


def test_importing_broadcastkit_imports_nothing_heavy_and_nothing_optional() -> None:
    result = run("import sys, broadcastkit; print(*sys.modules)")

    assert result.returncode == 0, result.stderr
    assert set(result.stdout.split()) & NOT_IMPORTED == set()


@pytest.mark.parametrize("module", ["broadcastkit", "broadcastkit.aio", "broadcastkit.testing"])
def test_the_package_works_without_any_extra(module: str) -> None:
    result = run(without(OPTIONAL) + f"from {module} import *")

    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize(
    ("program", "missing", "extra"),
    [
        ("import broadcastkit.integrations.django", "django", "django"),
        ("import broadcastkit.integrations.fastapi", "fastapi", "fastapi"),
        ("import broadcastkit.integrations.flask", "flask", "flask"),
        ("import broadcastkit.integrations.litestar", "litestar", "litestar"),
        (
            "from broadcastkit.integrations.rate_limits import FixedWindow; FixedWindow('1/second')",
            "limits",
            "limits",
        ),
        ("import broadcastkit.integrations.starlette", "starlette", "starlette"),
        ("from broadcastkit.delivery.queues import CeleryDelivery", "celery", "celery"),
        ("from broadcastkit.delivery.queues import DramatiqDelivery", "dramatiq", "dramatiq"),
        ("from broadcastkit.delivery.queues import RQDelivery", "rq", "rq"),
        ("from broadcastkit.delivery.queues import TaskiqDelivery", "taskiq", "taskiq"),
        ("import broadcastkit.delivery.transactions.django", "django", "django"),
        ("import broadcastkit.delivery.transactions.sqlalchemy", "sqlalchemy", "sqlalchemy"),
        ("import broadcastkit.cli; broadcastkit.cli.main()", "typer", "cli"),
        ("import broadcastkit.observability.opentelemetry", "opentelemetry", "opentelemetry"),
        (
            "from broadcastkit.observability.prometheus import PrometheusHooks; PrometheusHooks()",
            "prometheus_client",
            "prometheus",
        ),
        ("import broadcastkit.settings", "pydantic_settings", "settings"),
    ],
)
def test_a_missing_extra_is_named_with_the_command_that_installs_it(program: str, missing: str, extra: str) -> None:
    result = run(without([missing]) + program)

    assert result.returncode != 0
    assert f"pip install 'broadcastkit[{extra}]'" in result.stderr
