from __future__ import annotations

from typing import Any

import pytest

from broadcastkit.drivers.socketio.endpoint import check_namespace, settings_from_url, shown
from broadcastkit.errors import ConfigurationError

SECRET = "t0psecret"


@pytest.mark.parametrize(
    ("url", "settings", "shown_as"),
    [
        ("socketio+redis://127.0.0.1", {"url": "redis://127.0.0.1"}, "redis://127.0.0.1"),
        (f"redis://u:{SECRET}@cache:6380/2", {"url": f"redis://u:{SECRET}@cache:6380/2"}, "redis://cache:6380"),
        (f"socketio+rediss://:{SECRET}@[::1]:1", {"url": f"rediss://:{SECRET}@[::1]:1"}, "rediss://[::1]:1"),
        (f"socketio+unix://:{SECRET}@/run/r.sock", {"url": f"unix://:{SECRET}@/run/r.sock"}, "unix:///run/r.sock"),
        (
            "socketio+redis://h/?channel=chat&namespace=%2Fstaff",
            {"url": "redis://h/", "channel": "chat", "namespace": "/staff"},
            "redis://h",
        ),
    ],
)
def test_urls(url: str, settings: dict[str, Any], shown_as: str) -> None:
    assert settings_from_url(url) == settings
    assert shown(settings["url"]) == shown_as


@pytest.mark.parametrize(
    ("url", "says"),
    [
        (f"http://:{SECRET}@h", "url must start with socketio+redis://"),
        (f"redis+sentinel://:{SECRET}@h:1/0/mymaster", "such as Sentinel, give a client"),
        (f"{SECRET}", "url must start with"),
        (f"redis://:{SECRET}@h:port", "url cannot be read"),
        (f"redis://:{SECRET}@h:99999", "url cannot be read"),
        (f"redis://:{SECRET}@h:0", "url cannot be read"),
        (f"redis://:{SECRET}#@h", "url cannot be read"),
        (f"redis://:{SECRET}@[h", "url cannot be read"),
        (f"redis://:{SECRET}@", "url cannot be read"),
        (f"unix://{SECRET}", "url cannot be read"),
        (f"redis://:{SECRET}@h/first", "the number of a database"),
        (f"redis://:{SECRET}@h/0?prefix=x", "url takes the options channel, namespace and no others"),
        (5, "url must be a str, not int"),
    ],
)
def test_a_wrong_url_is_said_to_be_so_and_not_shown(url: Any, says: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        settings_from_url(url)

    assert says in str(caught.value)
    assert SECRET not in str(caught.value)
    assert caught.value.setting == "url"
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("namespace", ["", "staff", None, 5])
def test_a_namespace_starts_with_a_slash(namespace: Any) -> None:
    with pytest.raises(ConfigurationError, match="namespace must be a str that starts with /"):
        check_namespace(namespace)
    assert check_namespace("/staff") == "/staff"
