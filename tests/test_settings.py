"""The settings model: the same variables and rules as the environment, from wherever pydantic-settings reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from broadcastkit import (
    AnonymousEvent,
    AsyncBroadcaster,
    Broadcaster,
    ChannelRegistry,
    broadcast,
    configure,
    default,
)
from broadcastkit.config import SettingsSource, settings_from_env
from broadcastkit.config.variables import arguments_by_variable
from broadcastkit.drivers.memory import AsyncMemoryDriver, MemoryDriver
from broadcastkit.errors import ConfigurationError
from broadcastkit.settings import BroadcastSettings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SECRET = "t0psecret"
PUSHER = {
    "BROADCAST_CONNECTION": "pusher",
    "PUSHER_APP_ID": "1001",
    "PUSHER_APP_KEY": "app-key",
    "PUSHER_APP_SECRET": SECRET,
    "PUSHER_APP_CLUSTER": "eu",
}
SHOWN = "PusherDriver('1001' at https://api-eu.pusher.com:443)"


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    for variables in arguments_by_variable().values():
        for variable in variables:
            monkeypatch.delenv(variable, raising=False)
    monkeypatch.delenv("BROADCAST_CONNECTION", raising=False)
    monkeypatch.delenv("BROADCAST_DRIVER", raising=False)
    monkeypatch.chdir(tmp_path)
    yield
    default.reset()


def set_all(monkeypatch: pytest.MonkeyPatch, environ: dict[str, str]) -> None:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)


class Inherited(BroadcastSettings):
    model_config = SettingsConfigDict(env_file=".env", secrets_dir=".")

    database_url: str = "sqlite://"


class Nested(BaseSettings):
    database_url: str = "sqlite://"
    broadcast: BroadcastSettings = Field(default_factory=BroadcastSettings)


# -- where it reads --------------------------------------------------------------------------------------------------


def test_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    set_all(monkeypatch, PUSHER | {"PUSHER_PORT": "", "broadcast_driver": "log"})

    settings = BroadcastSettings()

    assert repr(settings.broadcaster().driver()) == SHOWN
    assert repr(settings.async_broadcaster().driver()) == f"Async{SHOWN}"
    assert settings.pusher_app_key == "app-key"
    assert settings.pusher_app_secret == SecretStr(SECRET)
    assert settings.pusher_port is None


def test_it_says_what_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    environ = PUSHER | {"REDIS_URL": "redis://h", "REVERB_APP_ID": "incomplete", "PUSHER_TIMEOUT": "2.5"}
    set_all(monkeypatch, environ)

    said: Any = BroadcastSettings().connection_settings()
    expected = settings_from_env(environ)

    assert said["connections"]["reverb"].keys() == expected["connections"]["reverb"].keys() == {"driver", "wrong"}
    for settings in (said, expected):
        del settings["connections"]["reverb"]
    assert said == expected


def test_a_dotenv_file_that_is_the_whole_applications(tmp_path: Path) -> None:
    lines = [
        f"{name}={value}" for name, value in (PUSHER | {"APP_NAME": "shop", "DATABASE_URL": "postgres://"}).items()
    ]
    (tmp_path / ".env").write_text("\n".join(lines), encoding="utf-8")

    settings = Inherited()

    assert repr(settings.broadcaster().driver()) == SHOWN
    assert settings.database_url == "postgres://"
    assert repr(BroadcastSettings(_env_file=".env").broadcaster().driver()) == SHOWN  # type: ignore[call-arg]


def test_a_file_of_a_secret(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    set_all(monkeypatch, {name: value for name, value in PUSHER.items() if value != SECRET})
    (tmp_path / "pusher_app_secret").write_text(f"{SECRET}\n", encoding="utf-8")

    assert Inherited().pusher_app_secret == SecretStr(SECRET)
    assert repr(Inherited().broadcaster().driver()) == SHOWN


def test_arguments_win(monkeypatch: pytest.MonkeyPatch) -> None:
    set_all(monkeypatch, PUSHER)

    settings = BroadcastSettings.model_validate(
        {
            "pusher_host": "h",
            "pusher_port": 6001,
            "pusher_scheme": "http",
            "pusher_timeout": 2.5,
            "pusher_verify_peer": False,
        }
    )

    assert settings.pusher_port == "6001"
    assert settings.connection_settings()["connections"]["pusher"]["verify"] is False
    assert settings.connection_settings()["connections"]["pusher"]["timeout"] == 2.5


def test_a_field_of_another_model(monkeypatch: pytest.MonkeyPatch) -> None:
    set_all(monkeypatch, PUSHER)

    assert repr(Nested().broadcast.broadcaster().driver()) == SHOWN


def test_a_subclass_is_its_own_source_of_variables_for_other_drivers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgres://")

    assert dict(Inherited()._environ()) == {"DATABASE_URL": "postgres://"}


# -- what takes it ---------------------------------------------------------------------------------------------------


def test_it_serves_both_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROADCAST_CONNECTION", "memory")
    settings = BroadcastSettings()
    monkeypatch.delenv("BROADCAST_CONNECTION")
    channels = ChannelRegistry()

    configure(settings, channels=channels)

    assert isinstance(settings, SettingsSource)
    assert broadcast(AnonymousEvent("ping", on="news")).to_everyone().delivered
    assert default.default_async_broadcaster().channels is channels
    makers: list[Any] = [Broadcaster.from_settings, AsyncBroadcaster.from_settings]
    assert [type(make(settings).driver("memory")) for make in makers] == [MemoryDriver, AsyncMemoryDriver]


def test_options_of_the_broadcaster_are_passed_on() -> None:
    channels = ChannelRegistry()
    settings = BroadcastSettings.model_validate({"broadcast_connection": "null"})

    assert settings.broadcaster(channels=channels).channels is channels
    assert settings.async_broadcaster(channels=channels).channels is channels


# -- what is wrong ---------------------------------------------------------------------------------------------------


def test_nothing_may_be_set_until_it_is_used() -> None:
    settings = BroadcastSettings()

    with pytest.raises(ConfigurationError, match=r"^BROADCAST_CONNECTION is not set: name a connection"):
        settings.broadcaster()


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"PUSHER_PORT": "many"}, "PUSHER_PORT must be a number from 1 to 65535, not 'many'"),
        ({"PUSHER_APP_SECRET": ""}, "PUSHER_APP_SECRET is not set, and the pusher connection needs it"),
        ({"BROADCAST_CONNECTION": "mercure"}, "BROADCAST_CONNECTION must be one of log, null, memory, pusher, "),
        ({"BROADCAST_CONNECTION": f"amqp://{SECRET}"}, "BROADCAST_CONNECTION: a connection URL starts with log://"),
    ],
)
@pytest.mark.parametrize("model", [BroadcastSettings, Inherited, Nested])
def test_a_wrong_variable_is_named_when_the_model_is_made(
    monkeypatch: pytest.MonkeyPatch, model: Any, changed: dict[str, str], said: str
) -> None:
    set_all(monkeypatch, PUSHER | changed)

    with pytest.raises(ConfigurationError) as error:
        model()

    assert str(error.value).startswith(said)
    assert SECRET not in str(error.value)


def test_what_the_driver_finds_wrong_is_named_when_it_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    set_all(monkeypatch, PUSHER | {"PUSHER_HOST": "https://h"})
    broadcaster = BroadcastSettings().broadcaster()

    with pytest.raises(ConfigurationError, match=r"^PUSHER_HOST must be a host name or address"):
        broadcaster.driver()


def test_an_argument_of_the_wrong_type_is_pydantics_to_name() -> None:
    with pytest.raises(ValidationError) as error:
        BroadcastSettings.model_validate({"pusher_app_secret": [SECRET], "pusher_port": {}})

    assert {one["loc"] for one in error.value.errors()} == {("pusher_app_secret",), ("pusher_port",)}
    assert SECRET not in str(error.value)


def test_what_is_shown_is_what_is_set_and_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    set_all(monkeypatch, PUSHER)

    assert repr(BroadcastSettings()) == (
        "BroadcastSettings(broadcast_connection=SecretStr('**********'), pusher_app_id='1001', "
        "pusher_app_key='app-key', pusher_app_secret=SecretStr('**********'), pusher_app_cluster='eu')"
    )
