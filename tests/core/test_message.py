from __future__ import annotations

from broadcastkit.core.message import Message


def test_repr_leaves_the_payload_out() -> None:
    message = Message("order.shipped", ("private-a", "private-b"), '{"secret":"hunter2"}', "1.1")

    assert repr(message) == "<Message 'order.shipped' on 2 channel(s), 20 characters>"
    assert str(message) == repr(message)
    assert f"{[message]}" == f"[{message!r}]"


def test_nobody_is_left_out_and_nothing_is_asked_by_default() -> None:
    message = Message("x", ("a",), "{}")

    assert (message.exclude, message.info) == (None, ())
