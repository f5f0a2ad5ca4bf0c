"""What was encrypted with the current master key or with one before it is opened; nothing else is."""

from __future__ import annotations

import json
from typing import Any

import nacl.secret
import pusher
import pusher.crypto
import pytest

from broadcastkit.encryption import decrypt
from broadcastkit.errors import ConfigurationError, InvalidChannelError, InvalidPayloadError

CURRENT, RETIRED, OTHER = (
    "zyrm8pvV2C9fJcBfhyXzvxbJVN/H7QLmbe0xJi1GhPU=",
    "ZUhQVldIZzduRkdZVkJzS2pPRkRYV1JyaWJJUjJiMGI=",
    "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
)
VAULT = "private-encrypted-vault.3"


def sealed_by(master_key: str, text: str, channel: str = VAULT) -> str:
    """Encrypt as Pusher's own package does."""
    key = pusher.crypto.parse_master_key(None, master_key)
    return json.dumps(pusher.crypto.encrypt(channel, text, key, b"n" * nacl.secret.SecretBox.NONCE_SIZE))


@pytest.mark.parametrize("by", [CURRENT, RETIRED])
@pytest.mark.parametrize(
    "keys",
    [(CURRENT, RETIRED), [RETIRED, CURRENT], f"{CURRENT},{RETIRED}"],
    ids=["several", "in any order", "in one text"],
)
def test_whichever_key_it_was_it_is_opened(by: str, keys: Any) -> None:
    assert decrypt(VAULT, sealed_by(by, '{"code":"✓ 4711"}'), master_key=keys) == '{"code":"✓ 4711"}'


@pytest.mark.parametrize(
    ("data", "keys"),
    [
        (sealed_by(RETIRED, "{}"), CURRENT),
        (sealed_by(CURRENT, "{}", "private-encrypted-vault.4"), (CURRENT, RETIRED)),
        ("hunter2", (CURRENT, RETIRED)),
        ("{}", CURRENT),
        (sealed_by(CURRENT, "{}"), ()),
        (sealed_by(CURRENT, "{}"), None),
    ],
    ids=["another key", "another channel", "not JSON", "not encrypted", "no keys", "none"],
)
def test_what_no_key_opens_is_refused_and_not_shown(data: str, keys: Any) -> None:
    with pytest.raises(InvalidPayloadError, match=r"'private-encrypted-vault\.3' opens with no master key") as caught:
        decrypt(VAULT, data, master_key=keys)

    assert "hunter2" not in repr(caught.value)


@pytest.mark.parametrize("channel", ["news", "private-vault.3", "presence-a", "private-encrypted-", ""])
def test_other_channels_have_nothing_to_decrypt(channel: str) -> None:
    with pytest.raises(InvalidChannelError):
        decrypt(channel, "{}", master_key=CURRENT)


@pytest.mark.parametrize(
    "keys",
    ["hunter2", [CURRENT, "hunter2"], f"{CURRENT},", f"{CURRENT}, {RETIRED}", b"hunter2", [None]],
    ids=["none", "the second", "nothing behind a comma", "a space", "bytes", "None"],
)
def test_something_that_is_no_master_key_is_named_and_not_shown(keys: Any) -> None:
    with pytest.raises(ConfigurationError) as caught:
        decrypt(VAULT, sealed_by(CURRENT, "{}"), master_key=keys)

    assert caught.value.setting == "encryption_master_key"
    assert "hunter2" not in str(caught.value)
