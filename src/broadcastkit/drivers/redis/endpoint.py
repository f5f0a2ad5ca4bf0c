"""Where Redis is: checked settings, from arguments or a URL. One server, the servers of a cluster, or sentinels."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from broadcastkit.drivers.checks import check_flag, check_host, check_port, check_text, instead_of
from broadcastkit.drivers.redis_io.server import Server
from broadcastkit.drivers.redis_io.wire import Command
from broadcastkit.errors import ConfigurationError

__all__ = ["Address", "Endpoint", "settings_from_url"]

Address = tuple[str, int]

_PORT, _SENTINEL_PORT, _MAX_PORT = 6379, 26379, 65535
# scheme → TLS; the last two are how Laravel writes them
_SCHEMES = {"redis": False, "rediss": True, "tcp": False, "tls": True}
_KINDS = {"", "sentinel", "cluster"}
_OPTIONS = {"db", "prefix", "service"}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One of: a server, a socket's path, the first nodes of a cluster, or sentinels and the service they watch."""

    server: Address
    path: str | None
    cluster: tuple[Address, ...]
    sentinels: tuple[Address, ...]
    service: str
    db: int
    tls: bool
    username: str | None = field(repr=False)
    password: str | None = field(repr=False)

    @classmethod
    def make(
        cls,
        *,
        host: str,
        port: int,
        path: str | None,
        cluster: Sequence[str],
        sentinels: Sequence[str],
        service: str,
        db: int,
        tls: bool,
        username: str | None,
        password: str | None,
    ) -> Endpoint:
        """Check each setting; ConfigurationError names the wrong one and says what it should hold."""
        host = check_host("host", host)
        check_port("port", port)
        if type(db) is not int or db < 0:
            raise ConfigurationError(f"must be a number from 0{instead_of(db)}", setting="db")
        for setting, value in (("path", path), ("username", username), ("password", password)):
            if value is not None:
                check_text(setting, value)
        if sum(1 for given in (path, cluster, sentinels) if given) > 1:
            raise ConfigurationError("goes without path and sentinels: give one of the three", setting="cluster")
        return cls(
            server=(host, port),
            path=path,
            cluster=_addresses("cluster", cluster, _PORT),
            sentinels=_addresses("sentinels", sentinels, _SENTINEL_PORT),
            service=check_text("service", service),
            db=db,
            tls=check_flag("tls", tls),
            username=username,
            password=password,
        )

    def one(self, seconds: float, *, verify: bool | str) -> Server:
        """Return it as the one server that it is; `seconds` is for connecting, and for each answer."""
        greeting: list[Command] = []
        if self.username:
            greeting.append(("AUTH", self.username, self.password or ""))
        elif self.password:
            greeting.append(("AUTH", self.password))
        if self.db:
            greeting.append(("SELECT", self.db))
        host, port = self.server
        return Server(host, port, self.path, self.tls, verify, tuple(greeting), seconds)

    def __str__(self) -> str:
        """Show where it is, for error texts and reprs: neither user nor password."""
        if self.path:
            return f"unix://{self.path}"
        scheme = "rediss" if self.tls else "redis"
        if self.sentinels:
            return f"{scheme}+sentinel://{_shown(self.sentinels)}/{self.service}"
        return f"{scheme}+cluster://{_shown(self.cluster)}" if self.cluster else f"{scheme}://{_shown([self.server])}"


def _shown(addresses: Sequence[Address]) -> str:
    return ",".join(f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host, port in addresses)


def _addresses(setting: str, given: Sequence[str], port: int) -> tuple[Address, ...]:
    example = f"must be a list of addresses such as 'redis-1.example.com:{port}'"
    if isinstance(given, str) or not isinstance(given, Sequence):
        raise ConfigurationError(f"{example}, not one {type(given).__name__}", setting=setting)
    addresses = [_address(str(text), port) for text in given]
    known = tuple(address for address in addresses if address is not None)
    if len(known) < len(addresses):
        raise ConfigurationError(example, setting=setting)
    return known


def _address(text: str, default: int) -> Address | None:
    found = re.fullmatch(r"(?:\[([0-9a-fA-F:.]+)\]|([-a-zA-Z0-9_.]+))(?::([0-9]{1,5}))?", text)
    if found is None or not 0 < int(found[3] or default) <= _MAX_PORT:
        return None
    return found[1] or found[2], int(found[3] or default)


def settings_from_url(url: str) -> dict[str, Any]:
    """Read a URL into the driver's arguments; it never appears in an error, since it holds the password.

    `redis://user:password@host:port/db`, `rediss://` with TLS, `redis+sentinel://…@host:port,host:port/service/db`,
    `redis+cluster://…@host:port,host:port`, `unix://user:password@/path?db=`. The query may hold `prefix`, `db` and
    `service`.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        raise _unreadable() from None
    scheme, _, kind = parts.scheme.partition("+")
    if parts.scheme != "unix" and (scheme not in _SCHEMES or kind not in _KINDS):
        raise ConfigurationError(
            "must start with redis://, rediss://, redis+sentinel://, redis+cluster:// or unix://", setting="url"
        )
    # `#` and `?` in a password would have ended the address
    userinfo, _, hosts = parts.netloc.rpartition("@")
    if parts.fragment:
        raise _unreadable()
    settings: dict[str, Any] = _credentials(userinfo)
    path = parts.path.strip("/").split("/") if parts.path.strip("/") else []
    if parts.scheme == "unix":
        settings["path"], path = unquote(parts.path), []
    else:
        settings |= {"tls": _SCHEMES[scheme]} | _hosts(hosts, kind)
    if kind == "sentinel" and path:
        settings["service"] = unquote(path.pop(0))
    return settings | _options(parts.query, path)


def _credentials(userinfo: str) -> dict[str, str]:
    username, _, password = userinfo.partition(":")
    return {name: unquote(text) for name, text in (("username", username), ("password", password)) if text}


def _hosts(hosts: str, kind: str) -> dict[str, Any]:
    addresses = [_address(text, _SENTINEL_PORT if kind == "sentinel" else _PORT) for text in hosts.split(",") if text]
    known = [address for address in addresses if address is not None]
    if len(known) < len(addresses) or (kind and not known) or (not kind and len(known) > 1):
        raise _unreadable()
    if not kind:
        return {"host": known[0][0], "port": known[0][1]} if known else {}
    return {"sentinels" if kind == "sentinel" else "cluster": [_shown([one]) for one in known]}


def _options(query: str, path: list[str]) -> dict[str, Any]:
    options: dict[str, Any] = dict(parse_qsl(query))
    unknown = options.keys() - _OPTIONS
    if unknown:
        raise ConfigurationError(f"takes the options {', '.join(sorted(_OPTIONS))} and no others", setting="url")
    if path:
        options["db"] = path.pop(0)
    if path or not re.fullmatch(r"[0-9]{1,9}", options.get("db", "0")):
        raise ConfigurationError("must have the number of a database as its path, such as /0, or none", setting="url")
    return options | ({"db": int(options["db"])} if "db" in options else {})


def _unreadable() -> ConfigurationError:
    return ConfigurationError(
        "cannot be read: it must be like redis://user:password@host:port/db; "
        "in user and password, write characters such as / : @ # ? as %2F %3A %40 %23 %3F",
        setting="url",
    )
