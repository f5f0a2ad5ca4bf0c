"""What a service quotes of a payload, in the forms in which services write it: none of it stays."""

from __future__ import annotations

import html
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadcastkit.drivers.pusher.quoting import blanked
from broadcastkit.drivers.pusher.requests import Entry, batch_body, trigger_body
from broadcastkit.errors import BadRequestError

if TYPE_CHECKING:
    from collections.abc import Callable

# what a person wrote: accents, Cyrillic, a quote, a break of the line, a backslash, and what HTML escapes
NOTE = 'Zoë said "Привет, как дела?"\n& <ask> \\ about its price, isn\'t it?'
PAYLOAD: dict[str, Any] = {"id": 7, "note": NOTE}


def entry(data: str, event: str = "order.paid", channel: str = "private-orders.7") -> Entry:
    return Entry(0, event, (channel,), data, None, ())


DATA = json.dumps(PAYLOAD, ensure_ascii=False, separators=(",", ":"))
SENT = trigger_body(entry(DATA))
# how the body of a request may be quoted, or what a service has read in it
QUOTES: dict[str, Callable[[], str]] = {
    "the request": SENT.decode,
    "the request, escaped": lambda: json.dumps(SENT.decode()),
    "the request, escaped twice": lambda: json.dumps(json.dumps(SENT.decode())),
    "the request, read and written again": lambda: json.dumps(json.loads(SENT)),
    "the request, by Python": lambda: repr(json.loads(SENT)),
    "the request, indented": lambda: json.dumps(json.loads(SENT), indent=2, ensure_ascii=False),
    "the bytes, by Python": lambda: repr(SENT),
    "HTML": lambda: f"<p>{html.escape(SENT.decode())}</p>",
    "HTML, by PHP": lambda: html.escape(json.dumps(SENT.decode()).replace("/", "\\/")).replace("&#x27;", "&#039;"),
    "the payload": lambda: DATA,
    "the payload, read": lambda: json.dumps(json.loads(DATA), indent=1),
    "the payload, by Python": lambda: repr(json.loads(DATA)),
    "one field": lambda: NOTE,
    "one field, escaped": lambda: json.dumps(NOTE),
    "one field, by Python": lambda: repr(NOTE),
}


@pytest.mark.parametrize("quote", QUOTES.values(), ids=QUOTES)
def test_a_quote_in_whatever_form_is_blanked(quote: Callable[[], str]) -> None:
    shown = blanked(f"The request is odd: {quote()} (code 17)", SENT)

    assert shown.startswith("The request is odd")
    assert shown.endswith(" (code 17)")
    assert "[blanked]" in shown
    for part in ("said", "price", "about", "Привет", "041f", "\\xd0\\x9f", "дела"):
        assert part not in shown


def test_every_payload_of_a_batch_is_looked_for() -> None:
    sent = batch_body([entry(json.dumps({"n": f"number {n} of many"})) for n in range(3)])

    shown = blanked("'number 0 of many', 'number 2 of many' and 'number 9 of many'", sent)

    assert shown == "[blanked], [blanked] and 'number 9 of many'"


def test_names_are_kept_and_so_is_what_is_short() -> None:
    said = "order.paid on private-orders.7 has 7, which is no uuid"

    assert blanked(said, SENT) == said


@pytest.mark.parametrize("sent", [b"", b"{}", b"[]", b"null", b'{"batch":[]}', b'{"data":7}', b"\xff"])
def test_a_request_without_a_payload_leaves_an_answer_as_it_is(sent: bytes) -> None:
    assert blanked('Zoë said "no" to all of it', sent) == 'Zoë said "no" to all of it'


@given(st.text(min_size=1, max_size=30), st.text(max_size=30), st.text(max_size=30))
def test_twelve_characters_and_more_never_stay(secret: str, before: str, after: str) -> None:
    secret = "".join(char for char in secret if char.isalnum())
    # what would make an escape of its beginning
    before = before.replace("\\", "").replace("&", "")

    shown = blanked(before + secret + after, trigger_body(entry(json.dumps(secret))))

    assert len(secret) < 12 or secret not in shown.replace("[blanked]", "")


@given(st.text(max_size=200), st.text(max_size=50))
def test_what_has_nothing_in_common_is_returned_as_it_is(said: str, payload: str) -> None:
    digits = "".join(str(ord(char)) for char in payload)
    letters = "".join(char for char in said if not char.isdigit() and char not in '&";#')

    assert blanked(letters, trigger_body(entry(json.dumps(f"x{digits}")))) == letters


def test_only_what_an_error_keeps_is_returned() -> None:
    assert len(blanked("x" * 100_000, SENT)) == 1000


def test_a_quote_that_is_cut_is_blanked_to_the_cut() -> None:
    words = "one word more " * 70  # 980 characters
    error = BadRequestError("", response_text=blanked(words + NOTE * 3, SENT))

    assert "Zoë" not in error.response_text
    assert blanked("x" * 995 + DATA, SENT) == f"{'x' * 995}[blanked]"[:1000]
