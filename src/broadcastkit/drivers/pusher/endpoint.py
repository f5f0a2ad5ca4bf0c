"""Where a service is and which app speaks to it: checked settings, from arguments or a URL."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from broadcastkit.drivers.pusher.profiles import Profile
from broadcastkit.errors import ConfigurationError

__all__ = ["Endpoint", "settings_from_url"]

_APP_ID = re.compile(r"[-a-zA-Z0-9_.]+")
# Labels of a name have 1 to 63 characters; others would fail in the resolver, as a UnicodeError.
_HOST = re.compile(r"(?!.*[^.:]{64}|.*\.\.)[-a-zA-Z0-9_.:\[\]]{1,253}")
_PATH = re.compile(r"(/[-a-zA-Z0-9_.~]+)*")
_PORTS = {"http": 80, "https": 443}
_MAX_PORT = 65535


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One app at one service. The secret is not in it: the signer has that."""

    app_id: str
    host: str
    port: int
    scheme: str
    path: str
    profile: Profile = field(repr=False)

    @classmethod
    def make(
        cls,
        *,
        app_id: str | int,
        cluster: str,
        host: str | None,
        port: int | None,
        scheme: str,
        path: str,
        profile: Profile,
    ) -> Endpoint:
        """Check each setting; ConfigurationError names the wrong one and says what it should hold."""
        # numeric ids come as ints from settings files
        if _APP_ID.fullmatch(_text("app_id", str(app_id) if type(app_id) is int else app_id)) is None:
            raise ConfigurationError("must be a str of letters, digits or - _ . and not be empty", setting="app_id")
        if scheme not in _PORTS:
            raise ConfigurationError(f"must be 'http' or 'https', not {scheme!r}", setting="scheme")
        if host is None:
            if not re.fullmatch(r"[-a-z0-9]+", _text("cluster", cluster)):
                raise ConfigurationError(f"must be a name such as 'mt1' or 'eu', not {cluster!r}", setting="cluster")
            host = f"api-{cluster}.pusher.com"
        if _HOST.fullmatch(_text("host", host)) is None:
            given = "" if "@" in host else f", not {host!r}"  # before an @ there may be a secret
            raise ConfigurationError(
                f"must be a host name or address without scheme, port or path{given}", setting="host"
            )
        port = _PORTS[scheme] if port is None else port
        if type(port) is not int or not 0 < port <= _MAX_PORT:
            raise ConfigurationError(f"must be a number from 1 to {_MAX_PORT}, not {port!r}", setting="port")
        path = _text("path", path).rstrip("/")
        if path and not path.startswith("/"):
            path = f"/{path}"
        if _PATH.fullmatch(path) is None:
            raise ConfigurationError(f"must be a prefix such as '/ws', not {path!r}", setting="path")
        return cls(str(app_id), host, port, scheme, path, profile)

    @property
    def origin(self) -> str:
        """Scheme, host and port, for requests and for error texts."""
        host = f"[{self.host}]" if ":" in self.host and not self.host.startswith("[") else self.host
        return f"{self.scheme}://{host}:{self.port}"

    def paths(self, suffix: str) -> tuple[str, str]:
        """Return the path to ask for, and the path to sign, of `/apps/{app_id}{suffix}`."""
        plain = f"/apps/{self.app_id}{suffix}"
        full = self.path + plain
        return full, full if self.profile.signs_path_prefix else plain


def _text(setting: str, value: object) -> str:
    """Return a setting that is text; an environment variable that is not set often comes as None."""
    if not isinstance(value, str):
        raise ConfigurationError(f"must be a str, not {type(value).__name__}", setting=setting)
    return value


def settings_from_url(url: str) -> dict[str, Any]:
    """Read `https://key:secret@host:port/prefix/apps/app-id`, or `pusher://key:secret@host:port/app-id`.

    With `pusher://` TLS is used unless the query says `scheme=http`; `cluster=eu` may stand in for the host, and
    `profile=soketi` names the service. The URL itself never appears in an error: it holds the secret.
    """
    try:
        parts = urlsplit(url)
    except ValueError:  # whose text would show key and secret
        raise ConfigurationError(
            "a Pusher URL cannot be read: in key and secret, write characters such as / : @ [ ] as %2F %3A %40 %5B %5D"
        ) from None
    if parts.scheme not in {"http", "https", "pusher"}:
        raise ConfigurationError(f"a Pusher URL starts with https://, http:// or pusher://, not {parts.scheme!r}")
    if not parts.username or not parts.password:
        raise ConfigurationError("a Pusher URL needs key and secret: https://key:secret@host/apps/app-id")
    prefix, _, app_id = parts.path.rstrip("/").rpartition("/")
    if parts.scheme != "pusher":
        if not (prefix == "/apps" or prefix.endswith("/apps")) or not app_id:
            raise ConfigurationError("the path of a Pusher URL ends in /apps/app-id")
        prefix = prefix.removesuffix("/apps")
    settings: dict[str, Any] = {
        "app_id": unquote(app_id),
        "key": unquote(parts.username),
        "secret": unquote(parts.password),
        "scheme": "https" if parts.scheme == "pusher" else parts.scheme,
        "path": prefix,
    }
    if parts.hostname:
        settings["host"] = parts.hostname
    try:
        if parts.port is not None:
            settings["port"] = parts.port
    except ValueError:
        raise ConfigurationError(f"the port of a Pusher URL is a number from 1 to {_MAX_PORT}") from None
    return settings | _from_query(parts.query)


def _from_query(query: str) -> dict[str, str]:
    options = dict(parse_qsl(query))
    known = {"scheme", "cluster", "profile"}
    unknown = options.keys() - known
    if unknown:
        raise ConfigurationError(f"a Pusher URL takes the options {sorted(known)}, not {sorted(unknown)}")
    return options
