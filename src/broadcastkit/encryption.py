"""Opening what was encrypted for a channel, with the current master key or one before it."""

from __future__ import annotations

from broadcastkit.core.encryption import MasterKeys, master_keys, open_sealed
from broadcastkit.core.names import ChannelKind, check_channel_name, parse_channel_name
from broadcastkit.errors import InvalidChannelError

__all__ = ["MasterKeys", "decrypt"]


def decrypt(channel_name: str, data: str, *, master_key: MasterKeys) -> str:
    """Return the JSON text that was encrypted for a channel: an event's `data`, as a client or a webhook has it.

    `master_key` may hold retired keys after the current one: whichever opens it, does.

    Raises:
        InvalidPayloadError: none of the keys opens it, or it was never encrypted; the two are not told apart.
        InvalidChannelError: not the name of an encrypted channel.
        ConfigurationError: something that cannot be a master key.
        MissingDependencyError: PyNaCl is not installed.
    """
    if parse_channel_name(check_channel_name(channel_name)).kind is not ChannelKind.ENCRYPTED:
        raise InvalidChannelError(f"{channel_name!r} is not an encrypted channel: nothing to decrypt")
    return open_sealed(channel_name, data, master_keys(master_key))
