"""Settings of the environment, and what is said of those that are wrong."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest

from broadcastkit.errors import ConfigurationError
from examples.patient_chat import __main__ as command
from examples.patient_chat.app import create_app
from examples.patient_chat.database import Database
from examples.patient_chat.models import Base, Role, User
from examples.patient_chat.seed import seed_if_empty
from examples.patient_chat.settings import Settings
from tests.examples.patient_chat.conftest import HASHER, SECRET, make_settings

EXAMPLE = Path(__file__).parents[3] / "examples" / "patient_chat"


def test_the_guides_variables_are_read() -> None:
    settings = Settings.from_env({"JWT_SECRET": SECRET, "FRONTEND_URL": "http://localhost:3000/"})

    assert settings.jwt_secret == SECRET
    assert settings.frontend_url == "http://localhost:3000"
    assert settings.demo is False
    assert settings.database_url == "sqlite+aiosqlite:///build/patient_chat/chat.db"


def test_more_variables_are_read() -> None:
    settings = Settings.from_env(
        {
            "JWT_SECRET": SECRET,
            "DATABASE_URL": "postgres://user:password@db/chat",
            "REDIS_URL": "redis://redis",
            "MAIL_URL": "smtp://mail",
            "MAIL_FROM": "practice@example.com",
            "UPLOAD_DIR": "/var/uploads",
            "METRICS_TOKEN": "token",
            "TOKEN_HOURS": "2",
        }
    )

    assert settings.database_url == "postgresql+psycopg://user:password@db/chat"
    assert (settings.redis_url, settings.mail_url, settings.mail_from) == (
        "redis://redis",
        "smtp://mail",
        "practice@example.com",
    )
    assert (settings.upload_dir, settings.metrics_token) == (Path("/var/uploads"), "token")
    assert settings.token_lifetime == timedelta(hours=2)


def test_every_variable_is_in_the_example_and_an_empty_one_is_none() -> None:
    lines = (EXAMPLE / ".env.example").read_text().splitlines()
    names = {line.partition("=")[0] for line in lines if line and not line.startswith("#")}

    assert names == {
        "JWT_SECRET",
        "FRONTEND_URL",
        "DATABASE_URL",
        "REDIS_URL",
        "MAIL_URL",
        "MAIL_FROM",
        "UPLOAD_DIR",
        "METRICS_TOKEN",
        "TOKEN_HOURS",
        "PORT",
    }
    assert Settings.from_env({"JWT_SECRET": SECRET, "REDIS_URL": "", "MAIL_URL": ""}).redis_url is None


@pytest.mark.parametrize("secret", ["", "your_jwt_secret_key", "short", "x" * 40, "0123456789" * 3])
def test_a_secret_that_could_be_guessed_is_refused(secret: str) -> None:
    with pytest.raises(ConfigurationError, match=r"JWT_SECRET.*at least 32 bytes") as raised:
        Settings.from_env({"JWT_SECRET": secret})

    assert not secret or secret not in str(raised.value)


def test_the_application_does_not_start_without_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JWT_SECRET", raising=False)

    with pytest.raises(ConfigurationError, match="JWT_SECRET"):
        create_app()


def test_the_demo_makes_a_secret_of_its_own_and_refuses_a_weak_one() -> None:
    first, second = Settings.from_env({}, demo=True), Settings.from_env({}, demo=True)

    assert first.jwt_secret != second.jwt_secret
    with pytest.raises(ConfigurationError, match="JWT_SECRET"):
        Settings.from_env({"JWT_SECRET": "your_jwt_secret_key"}, demo=True)


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("FRONTEND_URL", "localhost:3000", "must be an origin"),
        ("FRONTEND_URL", "*", "must be an origin"),
        ("FRONTEND_URL", "http://localhost:3000/chat", "must be an origin"),
        ("DATABASE_URL", "mysql://db/chat", "must start with postgresql:// or sqlite:///"),
        ("DATABASE_URL", "chat.db", "must start with postgresql:// or sqlite:///"),
        ("TOKEN_HOURS", "0", "must be a number of hours"),
        ("TOKEN_HOURS", "soon", "must be a number of hours"),
    ],
)
def test_a_wrong_variable_is_named(variable: str, value: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=f"{variable}.*{message}"):
        Settings.from_env({"JWT_SECRET": SECRET, variable: value})


@pytest.mark.parametrize(
    ("variable", "value", "told"),
    [("PORT", "many", "PORT must be a number from 0 to 65535"), ("JWT_SECRET", "weak", "JWT_SECRET must be")],
)
def test_the_command_says_what_is_wrong(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    *,
    variable: str,
    value: str,
    told: str,
) -> None:
    monkeypatch.setattr(command, "BUNDLE", tmp_path)
    (tmp_path / "index.html").touch()
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path / 'chat.db'}")
    monkeypatch.setenv(variable, value)

    assert command.main() == 1
    assert told in capsys.readouterr().err


def test_the_command_says_that_the_page_is_not_built(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(command, "BUNDLE", tmp_path)

    assert command.main() == 1
    assert "make demo EXAMPLE=patient_chat" in capsys.readouterr().err


def test_requirements_are_what_the_suite_runs_with() -> None:
    def name_of(line: str) -> str:
        return re.split(r"[\[=]", line)[0].lower()

    pinned = {name_of(line) for line in (EXAMPLE.parents[1] / "constraints.txt").read_text().splitlines()}
    asked = {name_of(line) for line in (EXAMPLE / "requirements.txt").read_text().splitlines()}

    assert asked - pinned == {"broadcastkit"}
    # in place of the guide's jsonwebtoken and mongoose; broadcastkit[socketio] brings python-socketio
    assert {"pyjwt", "sqlalchemy"} <= asked
    assert "python-socketio" in pinned


async def test_a_database_with_people_of_its_own_is_left_as_it_is(tmp_path: Path) -> None:
    url = make_settings(tmp_path).database_url
    assert await seed_if_empty(url, HASHER) is True
    assert await seed_if_empty(url, HASHER) is True

    database = Database(url)
    async with database.sessions() as session, session.begin():
        for table in reversed(Base.metadata.sorted_tables):
            await session.execute(table.delete())
        session.add(User(fullname="Somebody", email="somebody@example.com", role=Role.PATIENT, password="hash"))
    await database.aclose()

    assert await seed_if_empty(url, HASHER) is False
