"""Checks of settings that several drivers have. Each error names the setting and says what it should hold."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from dataclasses import fields
from ipaddress import IPv6Address
from pathlib import Path
from typing import Any

from broadcastkit.core.breaker import Breaker
from broadcastkit.core.retry import Retry
from broadcastkit.errors import ConfigurationError

__all__ = [
    "check_breaker",
    "check_flag",
    "check_host",
    "check_port",
    "check_retry",
    "check_seconds",
    "check_text",
    "check_verify",
    "instead_of",
]

_log = logging.getLogger("broadcastkit")

_MAX_PORT = 65535
# Labels of a name have 1 to 63 characters; others would fail in the resolver, as a UnicodeError.
_NAME = re.compile(r"(?!.*[^.]{64}|.*\.\.)[-a-zA-Z0-9_.]{1,253}")


def instead_of(value: object) -> str:
    """Return `, not …` for the end of an error; nothing of a text in which there may be a secret, before an @."""
    return "" if isinstance(value, str) and "@" in value else f", not {value!r}"


def check_text(setting: str, value: object) -> str:
    """Return a text; a variable that is not set often comes as None."""
    if not isinstance(value, str):
        raise ConfigurationError(f"must be a str, not {type(value).__name__}", setting=setting)
    return value


def check_host(setting: str, value: object) -> str:
    """Return a name or an address; one of IPv6, which may stand in brackets, without them."""
    host = check_text(setting, value)
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    if not _is_ipv6(bare) and _NAME.fullmatch(host) is None:
        raise ConfigurationError(
            f"must be a host name or address without scheme, port or path{instead_of(host)}", setting=setting
        )
    return bare


def _is_ipv6(text: str) -> bool:
    try:
        # a scope is of this machine, and no part of an address that is written into a request
        return "%" not in text and bool(IPv6Address(text))
    except ValueError:
        return False


def check_port(setting: str, value: object) -> int:
    """Return a port."""
    if type(value) is not int or not 0 < value <= _MAX_PORT:
        raise ConfigurationError(f"must be a number from 1 to {_MAX_PORT}{instead_of(value)}", setting=setting)
    return value


def check_flag(setting: str, value: object) -> bool:
    """Return a bool: of a text, `"false"` would be true."""
    if not isinstance(value, bool):
        raise ConfigurationError(f"must be True or False{instead_of(value)}", setting=setting)
    return value


def check_seconds(setting: str, value: object) -> float:
    """Return a time to wait for."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not value > 0:
        raise ConfigurationError(f"must be a number of seconds over 0{instead_of(value)}", setting=setting)
    return value


def check_verify(value: Any, *, tls: bool, contexts: bool = False) -> Any:
    """Return whom TLS is to trust: whether certificates are checked, the path of a CA file, or an `ssl.SSLContext`.

    Without TLS the file is not needed, and may be missing. To trust anybody is logged as a warning.
    """
    if value is False and tls:
        extra = {"broadcast_setting": "verify"}
        _log.warning("TLS without certificates: whoever is on the way can read and change what is sent", extra=extra)
    if isinstance(value, bool) or (contexts and hasattr(value, "wrap_socket")):
        return value
    if not isinstance(value, str):
        also = ", the path of a CA file or an ssl.SSLContext" if contexts else " or the path of a CA file"
        raise ConfigurationError(f"must be True, False{also}, not {type(value).__name__}", setting="verify")
    if tls and not Path(value).is_file():
        raise ConfigurationError(
            f"must be the path of a CA file, and there is none{instead_of(value).replace(', not', ' at', 1)}",
            setting="verify",
        )
    return value


def check_retry(value: object) -> Retry:
    """Return a Retry; a mapping, as files have it, is one's arguments, and None the usual one."""
    if value is None or isinstance(value, Retry):
        return value or Retry()
    return Retry(**_arguments(Retry, "retry", value, f"a Retry, or a mapping of {_names(Retry)}"))


def check_breaker(value: object) -> Breaker | None:
    """Return a Breaker; a mapping is one's arguments, True the usual one, and None or False none."""
    if value is None or isinstance(value, (bool, Breaker)):
        return value if isinstance(value, Breaker) else Breaker() if value else None
    wanted = f"True, False, a Breaker, or a mapping of {_names(Breaker)}"
    return Breaker(**_arguments(Breaker, "breaker", value, wanted))


def _arguments(cls: type[Breaker | Retry], setting: str, value: object, wanted: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ConfigurationError(f"must be {wanted}", setting=setting)
    known = {field.name for field in fields(cls)}
    unknown = [str(name) for name in value if name not in known]
    if unknown:
        raise ConfigurationError(f"is none of {_names(cls)}", setting=f"{setting}.{unknown[0]}")
    return value


def _names(cls: type[Breaker | Retry]) -> str:
    return ", ".join(field.name for field in fields(cls))
