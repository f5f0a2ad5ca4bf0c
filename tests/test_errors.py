"""The tree of errors: who must act, what travels with them, and what never does."""

from __future__ import annotations

import copy
import inspect
import pickle
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadcastkit import errors
from broadcastkit.errors import (
    BroadcastError,
    ConfigurationError,
    DeliveryError,
    DeniedError,
    MissingDependencyError,
    PayloadTooLargeError,
    RateLimitedError,
)
from broadcastkit.pending import ConnectionReceipt, Receipt

CLASSES = [value for value in vars(errors).values() if inspect.isclass(value) and issubclass(value, BroadcastError)]

SAMPLES: list[BroadcastError] = [
    *(cls() for cls in CLASSES if cls is not MissingDependencyError),
    *(cls("what, where") for cls in CLASSES if cls is not MissingDependencyError),
    ConfigurationError("must be a number", setting="PUSHER_PORT"),
    MissingDependencyError("PyNaCl", "encryption", "an encrypted channel"),
    PayloadTooLargeError("too large", event="x", size=7, limit=5, largest=(("a", 4),)),
    DeniedError("no rule fits the name"),
    RateLimitedError("slow down", status=429, response_text="wait", retry_after=1.5, delivered=("a", "b")),
]


# The tree as errors.py draws it.
def test_the_tree_is_as_it_is_drawn() -> None:
    drawn: dict[str, str] = {}
    above: dict[int, str] = {}
    for line in (errors.__doc__ or "").splitlines():
        found = re.match(r"    ([ │├└─]*)([A-Z]\w+)", line)
        if found:
            depth = len(found[1]) // 4
            above[depth] = found[2]
            if depth:
                drawn[found[2]] = above[depth - 1]

    assert drawn == {cls.__name__: cls.__bases__[0].__name__ for cls in CLASSES if cls is not BroadcastError}


@pytest.mark.parametrize(
    ("cls", "builtin"), [(errors.InvalidInputError, ValueError), (errors.MissingDependencyError, ImportError)]
)
def test_errors_that_python_has_a_word_for_are_of_that_kind_too(cls: type[BroadcastError], builtin: type) -> None:
    assert issubclass(cls, builtin)


@pytest.mark.parametrize(
    ("cls", "retryable"),
    [
        (errors.ConnectError, True),
        (errors.ConnectionLostError, True),
        (errors.NoReplyError, True),
        (errors.BadCredentialsError, False),
        (errors.ForbiddenError, False),
        (errors.UnknownAppError, False),
        (errors.TooLargeForServiceError, False),
        (errors.BadRequestError, False),
        (errors.RateLimitedError, True),
        (errors.ServiceFailedError, True),
    ],
)
def test_what_may_succeed_later_says_so(cls: type[DeliveryError], retryable: bool) -> None:
    assert cls().retryable is retryable


def copied_by_pickle(error: BroadcastError) -> Any:
    return pickle.loads(pickle.dumps(error))  # noqa: S301 - our own


@pytest.mark.parametrize("error", SAMPLES, ids=lambda error: f"{type(error).__name__}-{error.args}")
@pytest.mark.parametrize("copied", [copied_by_pickle, copy.copy, copy.deepcopy], ids=["pickle", "copy", "deepcopy"])
def test_a_copy_has_class_text_and_attributes(error: BroadcastError, copied: Any) -> None:
    again = copied(error)

    assert again is not error
    assert type(again) is type(error)
    assert (str(again), repr(again), again.args) == (str(error), repr(error), error.args)
    assert vars(again) == vars(error)


def test_notes_travel_too() -> None:
    error = DeliveryError("broken")
    error.add_note("2 failed in all")

    assert copied_by_pickle(error).__notes__ == ["2 failed in all"]


# An error of several events carries their receipts, and a receipt the error: a circle.
@pytest.mark.parametrize("copied", [copied_by_pickle, copy.deepcopy], ids=["pickle", "deepcopy"])
def test_an_error_in_its_own_receipts_can_be_copied(copied: Any) -> None:
    error = DeliveryError("broken", status=500)
    error.receipts = (Receipt("x", {}, None, (ConnectionReceipt("main", error=error),)),)

    (receipt,) = copied(error).receipts

    assert receipt.event == "x"
    assert (str(receipt.error), receipt.error.status) == ("broken", 500)


def test_a_subclass_of_an_application_can_be_pickled() -> None:
    error = OwnError("mine", 7)

    again = copied_by_pickle(error)

    assert (type(again), str(again), again.code) == (OwnError, "mine", 7)


class OwnError(BroadcastError):
    """An application's, with a constructor of its own."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


def test_a_wrong_setting_is_named_first() -> None:
    error = ConfigurationError("must be a number from 1 to 65535", setting="PUSHER_PORT")

    assert (str(error), error.setting) == ("PUSHER_PORT must be a number from 1 to 65535", "PUSHER_PORT")
    assert ConfigurationError("x").setting == ""


def test_a_missing_dependency_says_what_to_run() -> None:
    error = MissingDependencyError("PyNaCl", "encryption", "an encrypted channel")

    assert str(error) == "an encrypted channel needs PyNaCl: run `pip install 'broadcastkit[encryption]'`"


# -- nothing that signs gets into an error ---------------------------------------------------------------------------

SIGNATURE = "da454824c97ba181a32ccc17a72625ba02771f50b50e1e7430e47a1f3f457e6c"


# As Pusher writes it; the text is in peers.md §2.5 and the errors' docstring.
def test_signatures_in_an_answer_are_blanked() -> None:
    text = (
        f'Invalid signature: you should have sent HmacSHA256Hex("GET\\n/apps/3/x", secret), but you sent "{SIGNATURE}"'
    )

    error = DeliveryError("refused", response_text=text)

    assert error.response_text.endswith('but you sent "[blanked]"')
    assert SIGNATURE.upper() not in DeliveryError("refused", response_text=SIGNATURE.upper()).response_text


@given(st.integers(0, 600), st.sampled_from([SIGNATURE, SIGNATURE.upper(), "ec365a775a4cd0599faeb73354201b6f"]))
def test_no_part_of_a_signature_is_left_where_the_text_is_cut(before: int, signature: str) -> None:
    error = DeliveryError("refused", response_text="x " * (before // 2) + signature + " y" * 500)

    assert len(error.response_text) <= 500
    assert re.search(r"[0-9a-fA-F]{8,}", error.response_text) is None


def test_an_answer_is_shortened_and_kept_as_it_was_before_that() -> None:
    assert DeliveryError(response_text="bad gateway").response_text == "bad gateway"
    assert DeliveryError(response_text="ä" * 900).response_text == "ä" * 500
