"""Where a service is and which app speaks to it: checked settings, from arguments or a URL."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from broadcastkit.drivers.checks import check_host, check_port, check_text, instead_of
from broadcastkit.drivers.pusher.profiles import Profile
from broadcastkit.errors import ConfigurationError

__all__ = ["Endpoint", "settings_from_url"]

_APP_ID = re.compile(r"[-a-zA-Z0-9_.]+")
_PATH = re.compile(r"(/[-a-zA-Z0-9_.~]+)*")
_PORTS = {"http": 80, "https": 443}


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
        if _APP_ID.fullmatch(check_text("app_id", str(app_id) if type(app_id) is int else app_id)) is None:
            raise ConfigurationError("must be a str of letters, digits or - _ . and not be empty", setting="app_id")
        if check_text("scheme", scheme) not in _PORTS:
            raise ConfigurationError(f"must be 'http' or 'https'{instead_of(scheme)}", setting="scheme")
        host = check_host("host", _home(profile, cluster) if host is None else host)
        port = _PORTS[scheme] if port is None else check_port("port", port)
        path = check_text("path", path).rstrip("/")
        if path and not path.startswith("/"):
            path = f"/{path}"
        if _PATH.fullmatch(path) is None:
            raise ConfigurationError(f"must be a prefix such as '/ws'{instead_of(path)}", setting="path")
        return cls(str(app_id), host, port, scheme, path, profile)

    @property
    def origin(self) -> str:
        """Scheme, host and port, for requests and for error texts."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"

    def paths(self, suffix: str) -> tuple[str, str]:
        """Return the path to ask for, and the path to sign, of `/apps/{app_id}{suffix}`."""
        plain = f"/apps/{self.app_id}{suffix}"
        full = self.path + plain
        return full, full if self.profile.signs_path_prefix else plain


def _home(profile: Profile, cluster: str) -> str:
    """Return where the service itself is."""
    if profile.host is None:
        raise ConfigurationError(f"is needed: {profile.name} is where you run it", setting="host")
    if not re.fullmatch(r"[-a-z0-9]+", check_text("cluster", cluster)):
        raise ConfigurationError(f"must be a name such as 'mt1' or 'eu'{instead_of(cluster)}", setting="cluster")
    return profile.host.replace("{cluster}", cluster)


def settings_from_url(url: str) -> dict[str, Any]:
    """Read `https://key:secret@host:port/prefix/apps/app-id`, or `pusher://key:secret@host:port/app-id`.

    With `pusher://` TLS is used unless the query says `scheme=http`; `cluster=eu` may stand in for the host, and
    `profile=soketi` names the service. The URL itself never appears in an error: it holds the secret.
    """
    try:
        parts = urlsplit(url)
    except ValueError:  # whose text would show key and secret
        raise ConfigurationError(
            "cannot be read: in key and secret, write characters such as / : @ [ ] as %2F %3A %40 %5B %5D",
            setting="url",
        ) from None
    if parts.scheme not in {"http", "https", "pusher"}:
        raise ConfigurationError(f"must start with https://, http:// or pusher://, not {parts.scheme!r}", setting="url")
    if not parts.username or not parts.password:
        raise ConfigurationError("needs key and secret: https://key:secret@host/apps/app-id", setting="url")
    prefix, _, app_id = parts.path.rstrip("/").rpartition("/")
    if parts.scheme != "pusher":
        if not (prefix == "/apps" or prefix.endswith("/apps")) or not app_id:
            raise ConfigurationError("must have a path that ends in /apps/app-id", setting="url")
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
        raise ConfigurationError("must have a port from 1 to 65535, or none", setting="url") from None
    return settings | _from_query(parts.query)


def _from_query(query: str) -> dict[str, str]:
    options = dict(parse_qsl(query))
    known = {"scheme", "cluster", "profile"}
    unknown = options.keys() - known
    if unknown:
        raise ConfigurationError(f"takes the options {', '.join(sorted(known))} and no others", setting="url")
    return options
