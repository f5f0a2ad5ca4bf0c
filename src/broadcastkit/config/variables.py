"""The variables that connections are configured by, and which argument of a driver each of them is.

The one list of them: `environment` reads them from texts, and a settings model has them as its fields.
"""

# no `from __future__ import annotations`: a model elsewhere takes over these fields, and would look for the types there

from collections.abc import Mapping
from functools import cache
from typing import Annotated, NamedTuple, TypeAlias, get_type_hints

from pydantic import BeforeValidator, SecretStr

__all__ = ["Argument", "Secret", "Text", "Variables", "arguments_by_variable"]


class Argument(NamedTuple):
    """The name of a driver's argument."""

    name: str


def _written(value: object) -> object:
    """Return a number or a boolean as the text that a variable has; anything else as it is."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, (int, float)) else value


Text: TypeAlias = Annotated[str | None, BeforeValidator(_written)]
Secret: TypeAlias = Annotated[SecretStr | None, BeforeValidator(_written)]


class Variables:
    """The variables in lower case, by connection. All are texts, and `environment` says what is wrong with one."""

    # a URL has its secret in it
    broadcast_connection: Secret = None
    broadcast_driver: Secret = None
    broadcast_delivery: Text = None

    pusher_url: Annotated[Secret, Argument("url")] = None
    pusher_app_id: Annotated[Text, Argument("app_id")] = None
    pusher_app_key: Annotated[Text, Argument("key")] = None
    pusher_app_secret: Annotated[Secret, Argument("secret")] = None
    pusher_app_cluster: Annotated[Text, Argument("cluster")] = None
    pusher_host: Annotated[Text, Argument("host")] = None
    pusher_port: Annotated[Text, Argument("port")] = None
    pusher_scheme: Annotated[Text, Argument("scheme")] = None
    pusher_path: Annotated[Text, Argument("path")] = None
    pusher_profile: Annotated[Text, Argument("profile")] = None
    pusher_timeout: Annotated[Text, Argument("timeout")] = None
    pusher_verify_peer: Annotated[Text, Argument("verify")] = None
    pusher_encryption_master_key: Annotated[Secret, Argument("encryption_master_key")] = None

    reverb_app_id: Annotated[Text, Argument("app_id")] = None
    reverb_app_key: Annotated[Text, Argument("key")] = None
    reverb_app_secret: Annotated[Secret, Argument("secret")] = None
    reverb_host: Annotated[Text, Argument("host")] = None
    reverb_port: Annotated[Text, Argument("port")] = None
    reverb_scheme: Annotated[Text, Argument("scheme")] = None
    reverb_server_path: Annotated[Text, Argument("path")] = None
    reverb_timeout: Annotated[Text, Argument("timeout")] = None
    reverb_verify_peer: Annotated[Text, Argument("verify")] = None
    reverb_encryption_master_key: Annotated[Secret, Argument("encryption_master_key")] = None

    redis_url: Annotated[Secret, Argument("url")] = None
    redis_host: Annotated[Text, Argument("host")] = None
    redis_port: Annotated[Text, Argument("port")] = None
    redis_scheme: Annotated[Text, Argument("tls")] = None
    redis_username: Annotated[Text, Argument("username")] = None
    redis_password: Annotated[Secret, Argument("password")] = None
    redis_db: Annotated[Text, Argument("db")] = None
    redis_prefix: Annotated[Text, Argument("prefix")] = None
    redis_timeout: Annotated[Text, Argument("timeout")] = None
    redis_verify_peer: Annotated[Text, Argument("verify")] = None

    socketio_url: Annotated[Secret, Argument("url")] = None
    socketio_channel: Annotated[Text, Argument("channel")] = None
    socketio_namespace: Annotated[Text, Argument("namespace")] = None
    socketio_timeout: Annotated[Text, Argument("timeout")] = None


@cache
def arguments_by_variable() -> Mapping[str, Mapping[str, str]]:
    """Return, for each connection, its variables and the arguments that they are."""
    connections: dict[str, dict[str, str]] = {}
    for name, hint in get_type_hints(Variables, include_extras=True).items():
        for note in hint.__metadata__:
            if isinstance(note, Argument):
                connections.setdefault(name.partition("_")[0], {})[name.upper()] = note.name
    return connections
