"""Which driver a connection URL is for. What else is in it, the driver reads."""

from __future__ import annotations

import re
from typing import Any

from broadcastkit.drivers import DRIVERS, is_driver
from broadcastkit.errors import ConfigurationError

__all__ = ["settings_from_url"]

# what a URL of a driver may start with, besides its name
_SCHEMES = {
    **dict.fromkeys(("http", "https"), "pusher"),
    **dict.fromkeys(("rediss", "redis+sentinel", "rediss+sentinel"), "redis"),
    **dict.fromkeys(("redis+cluster", "rediss+cluster", "unix"), "redis"),
    **dict.fromkeys(("socketio+redis", "socketio+rediss", "socketio+unix"), "socketio"),
}
_EXAMPLES = "log://, memory://, null://, pusher://, redis://, socketio+redis://"


def settings_from_url(url: str) -> dict[str, Any]:
    """Return settings with one connection for a URL; the URL is never shown in an error.

    Raises:
        ConfigurationError: it is for no driver that is here.
    """
    # not urlsplit, whose errors show what they cannot read
    found = re.match(r"([a-zA-Z][a-zA-Z0-9+.-]*)://(.?)", url)
    scheme = "" if found is None else found[1].lower()
    # those of a driver from elsewhere are its name, alone or before a plus
    driver = _SCHEMES.get(scheme) or (scheme if scheme in DRIVERS else scheme.partition("+")[0])
    if found is None or not is_driver(driver):
        raise ConfigurationError(f"a connection URL starts with {_EXAMPLES} or https://, not {scheme!r}")
    return {"driver": driver, "url": url} if found[2] else {"driver": driver}
