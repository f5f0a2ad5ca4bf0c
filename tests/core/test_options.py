"""How an event wants to be sent."""

from __future__ import annotations

import json
from typing import Any

import pytest

from broadcastkit.core.options import EventOptions
from broadcastkit.core.retry import Retry
from broadcastkit.errors import ConfigurationError

FULL = EventOptions(Retry(attempts=5, after_timeout=True), "high", 4, 2.5)


@pytest.mark.parametrize("options", [EventOptions(), EventOptions(queue="high"), FULL])
def test_what_was_written_as_json_is_read(options: EventOptions) -> None:
    assert EventOptions.from_dict(json.loads(json.dumps(options.as_dict()))) == options


def test_only_what_is_set_is_written() -> None:
    assert EventOptions(tries=4, backoff=0.0).as_dict() == {"tries": 4, "backoff": 0.0}


def test_what_a_later_release_added_is_left_out() -> None:
    assert EventOptions.from_dict({"tries": 4, "shade": "blue"}) == EventOptions(tries=4)


@pytest.mark.parametrize(
    ("changed", "complaint"),
    [
        ({"retry": 3}, "retry must be a Retry, not 3"),
        ({"queue": ""}, "queue must be the name of a queue, not ''"),
        ({"queue": 7}, "queue must be the name of a queue, not 7"),
        ({"tries": 0}, "tries must be a number from 1, not 0"),
        ({"tries": True}, "tries must be a number from 1, not True"),
        ({"tries": 2.0}, r"tries must be a number from 1, not 2\.0"),
        ({"backoff": -1}, "backoff must be a number of seconds from 0, not -1"),
        ({"backoff": float("nan")}, "backoff must be a number of seconds from 0, not nan"),
        ({"backoff": [1, 5]}, r"backoff must be a number of seconds from 0, not \[1, 5\]"),
    ],
)
def test_a_wrong_one_is_named(changed: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ConfigurationError, match=complaint):
        EventOptions(**changed)
