"""Building signed requests of Pusher's HTTP API. Pure: the timestamp is an argument.

Source: Pusher Channels, "HTTP API reference".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from json.encoder import encode_basestring
from typing import NamedTuple

from broadcastkit.drivers.pusher.endpoint import Endpoint
from broadcastkit.drivers.pusher.wire import HttpRequest
from broadcastkit.signing import Signer, body_md5, query_text

__all__ = ["Entry", "RequestBuilder", "batch_body", "event_text", "trigger_body"]


_tuple = tuple.__new__


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
    return event_text(entry.event, entry.channels, entry.data, entry.exclude, entry.info).encode()


def batch_body(entries: Sequence[Entry]) -> bytes:
    """Return the body of `POST /batch_events`; each entry has one channel."""
    texts = [event_text(event, channels, data, exclude, info) for _, event, channels, data, exclude, info in entries]
    return f'{{"batch":[{",".join(texts)}]}}'.encode()


def event_text(event: str, channels: tuple[str, ...], data: str, exclude: str | None, info: tuple[str, ...]) -> str:
    """Return one event as the API takes it; `channels` has at least one."""
    # Channel names, socket ids and info are of alphabets that need no escaping; the event name and the data are not.
    # Written by hand because json.dumps takes four times as long for it.
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
        self._posts: dict[str, tuple[Callable[[bytes], str], str]] = {}
        for suffix in ("/events", "/batch_events"):
            path, signed_path = endpoint.paths(suffix)
            start = f"POST\n{signed_path}\nauth_key={signer.key}&auth_timestamp="
            target = f"{path}?{query_text({'auth_key': signer.key})}&auth_timestamp="
            self._posts[suffix] = (signer.after(start.encode()), target)

    def post_events(self, suffix: str, body: bytes, *, timestamp: int) -> HttpRequest:
        """Return a signed `POST /events` or `/batch_events`.

        The four parameters are already in the order in which they are signed; those made here need no escaping.
        """
        start, target = self._posts[suffix]
        query = f"{timestamp}&auth_version=1.0&body_md5={body_md5(body)}"
        # a NamedTuple's own constructor takes twice as long
        return _tuple(HttpRequest, ("POST", f"{target}{query}&auth_signature={start(query.encode())}", body))

    def request(
        self, method: str, suffix: str, params: Mapping[str, str], body: bytes = b"", *, timestamp: int
    ) -> HttpRequest:
        """Return any other signed request of the app; `suffix` is what follows `/apps/{app_id}`."""
        path, signed_path = self._endpoint.paths(suffix)
        query = self._signer.sign_request(method, signed_path, params, body, timestamp=timestamp)
        return HttpRequest(method, f"{path}?{query_text(query)}", body)
