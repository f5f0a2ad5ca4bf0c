"""What is asked of the service, and how the last event of a cache channel is read."""

from __future__ import annotations

import pytest

from broadcastkit.core.encryption import master_keys
from broadcastkit.drivers.base import CachedEvent, ChannelInfo
from broadcastkit.drivers.pusher.profiles import PROFILES
from broadcastkit.drivers.pusher.questions import Questions
from broadcastkit.errors import InvalidChannelError, InvalidUserError
from tests.drivers.talk import Talk, reply
from tests.test_encryption import CURRENT, RETIRED, VAULT, sealed_by


def told(data: object, channel: str = VAULT, keys: tuple[str, ...] = (CURRENT, RETIRED)) -> ChannelInfo:
    """Return what is read where the service says this of a channel's last event."""
    talk = Talk(reply(200, {"occupied": True, "cache": data}))
    info = talk.run(Questions(talk.client, PROFILES["pusher"], master_keys(keys)).channel(channel, ("cache",)))
    assert [(asked.method, asked.path, asked.query["info"]) for asked in talk.asked] == [
        ("GET", f"/apps/app-1/channels/{channel}", "cache")
    ]
    assert isinstance(info, ChannelInfo)
    return info


def test_the_last_event_of_a_cache_channel() -> None:
    # the example of Pusher's "HTTP API reference"
    assert told({"data": '{"n":1}', "ttl": 60}, "cache-prices") == ChannelInfo(True, cache=CachedEvent('{"n":1}', 60))


def test_there_may_be_none() -> None:
    assert told(None, "cache-prices") == ChannelInfo(occupied=True)


@pytest.mark.parametrize("by", [CURRENT, RETIRED])
def test_one_that_was_encrypted_is_opened_whichever_key_it_was(by: str) -> None:
    assert told({"data": sealed_by(by, '{"n":1}'), "ttl": 60}).cache == CachedEvent('{"n":1}', 60)


def test_one_that_no_key_opens_stays_sealed() -> None:
    sealed = sealed_by(RETIRED, '{"n":1}')

    assert told({"data": sealed, "ttl": 60}, keys=(CURRENT,)).cache == CachedEvent(sealed, 60, sealed=True)
    assert told({"data": sealed, "ttl": 60}, keys=()).cache == CachedEvent(sealed, 60, sealed=True)


def test_no_repr_shows_a_payload() -> None:
    assert "hunter2" not in repr(told({"data": '"hunter2"', "ttl": 60}, "cache-prices"))


def test_what_cannot_be_asked_is_not_asked() -> None:
    talk = Talk()
    questions = Questions(talk.client, PROFILES["pusher"], ())

    for exchange, error in [
        (questions.channel("#server-to-user-7", ()), InvalidChannelError),
        (questions.channel("a b", ()), InvalidChannelError),
        (questions.users("private-a"), InvalidChannelError),
        (questions.terminate("a b"), InvalidUserError),
    ]:
        with pytest.raises(error):
            talk.run(exchange)
    assert talk.asked == []
