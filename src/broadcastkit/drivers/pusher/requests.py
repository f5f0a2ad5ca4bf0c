"""Building signed requests of Pusher's HTTP API. Pure: the timestamp is an argument.

Source: Pusher Channels, "HTTP API reference".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from json.encoder import encode_basestring
from typing import NamedTuple

from broadcastkit.drivers.pusher.endpoint import Endpoint
from broadcastkit.drivers.pusher.wire import HttpRequest
from broadcastkit.signing import Signer, body_md5, query_text

__all__ = ["Entry", "RequestBuilder", "batch_body", "trigger_body"]


class Entry(NamedTuple):
    """One part of a message, as the service takes it: `of` is the position of the message that it is a part of."""

    of: int
    event: str
    channels: tuple[str, ...]
    data: str
    exclude: str | None
    info: tuple[str, ...]


def trigger_body(entry: Entry) -> bytes:
    """Return the body of `POST /events`: `channel` for one, `channels` for more, never a null."""
    return _entry_text(entry).encode()


def batch_body(entries: Sequence[Entry]) -> bytes:
    """Return the body of `POST /batch_events`; each entry has one channel."""
    return f'{{"batch":[{",".join([_entry_text(entry) for entry in entries])}]}}'.encode()


def _entry_text(entry: Entry) -> str:
    # Channel names, socket ids and info are of alphabets that need no escaping; the event name and the data are not.
    # Written by hand because json.dumps takes four times as long for it.
    _, event, channels, data, exclude, info = entry
    where = f'"channel":"{channels[0]}"' if len(channels) == 1 else '"channels":["' + '","'.join(channels) + '"]'
    text = f'{{"name":{encode_basestring(event)},"data":{encode_basestring(data)},{where}'
    if info:
        text = f'{text},"info":"{",".join(info)}"'
    return f'{text},"socket_id":"{exclude}"}}' if exclude is not None else f"{text}}}"


class RequestBuilder:
    """Signs requests for one app; what is the same for every request is prepared once."""

    __slots__ = ("_endpoint", "_posts", "_signer")

    def __init__(self, endpoint: Endpoint, signer: Signer) -> None:
        self._endpoint = endpoint
        self._signer = signer
        self._posts: dict[str, tuple[str, str]] = {}
        for suffix in ("/events", "/batch_events"):
            path, signed_path = endpoint.paths(suffix)
            query = f"auth_key={signer.key}&auth_timestamp="
            self._posts[suffix] = (f"POST\n{signed_path}\n{query}", f"{path}?{query}")

    def post_events(self, suffix: str, body: bytes, *, timestamp: int) -> HttpRequest:
        """Return a signed `POST /events` or `/batch_events`.

        The four parameters are already in the order in which they are signed, and need no escaping.
        """
        to_sign, target = self._posts[suffix]
        query = f"{timestamp}&auth_version=1.0&body_md5={body_md5(body)}"
        signature = self._signer.hex(f"{to_sign}{query}".encode())
        return HttpRequest("POST", f"{target}{query}&auth_signature={signature}", body)

    def request(
        self, method: str, suffix: str, params: Mapping[str, str], body: bytes = b"", *, timestamp: int
    ) -> HttpRequest:
        """Return any other signed request of the app; `suffix` is what follows `/apps/{app_id}`."""
        path, signed_path = self._endpoint.paths(suffix)
        query = self._signer.sign_request(method, signed_path, params, body, timestamp=timestamp)
        return HttpRequest(method, f"{path}?{query_text(query)}", body)
