"""The one list of variables: in lower case as fields, and by connection as arguments."""

from __future__ import annotations

from typing import get_type_hints

from pydantic import SecretStr

from broadcastkit.config.variables import Variables, arguments_by_variable


def test_variables_are_grouped_by_their_connection() -> None:
    tables = arguments_by_variable()

    assert list(tables) == ["pusher", "reverb", "redis", "socketio"]
    assert tables["reverb"]["REVERB_SERVER_PATH"] == "path"
    assert tables["redis"]["REDIS_SCHEME"] == "tls"


def test_every_variable_is_there_once_and_has_an_argument() -> None:
    names = {name.upper() for name in get_type_hints(Variables)}
    names -= {"BROADCAST_CONNECTION", "BROADCAST_DRIVER", "BROADCAST_DELIVERY"}

    assert names == {variable for variables in arguments_by_variable().values() for variable in variables}


def test_what_is_or_holds_a_secret_is_one() -> None:
    secret = {name for name, hint in get_type_hints(Variables).items() if SecretStr in getattr(hint, "__args__", ())}

    assert secret == {
        "broadcast_connection",
        "broadcast_driver",
        "pusher_app_secret",
        "pusher_encryption_master_key",
        "pusher_url",
        "redis_password",
        "redis_url",
        "reverb_app_secret",
        "reverb_encryption_master_key",
        "socketio_url",
    }
