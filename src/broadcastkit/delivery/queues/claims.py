"""What a worker frees when it is done with a unique event: what was claimed where that was broadcast."""

from __future__ import annotations

import logging
from collections.abc import Callable
from inspect import isawaitable
from typing import Any

from broadcastkit.core.repeats import Claim

__all__ = ["release_claim", "release_claim_awaited"]

_log = logging.getLogger("broadcastkit.delivery")


def release_claim(source: Callable[[], object], claim: tuple[str, str]) -> None:
    """Free it in the store of the worker's own broadcaster, which must be the same one to have it."""
    try:
        _releasing(source(), claim)
    except Exception as error:  # noqa: BLE001 - what was sent is not to be sent again; the claim ends by itself
        _stays(error)


async def release_claim_awaited(source: Callable[[], object], claim: tuple[str, str]) -> None:
    """See release_claim."""
    try:
        releasing = _releasing(source(), claim)
        if isawaitable(releasing):
            await releasing
    except Exception as error:  # noqa: BLE001 - see release_claim
        _stays(error)


def _stays(error: Exception) -> None:
    name = type(error).__name__
    text = "a unique event stays pending until its time is over: %s"
    _log.error(text, name, exc_info=error, extra={"broadcast_error": name})


def _releasing(source: object, claim: tuple[str, str]) -> object:
    store: Any = getattr(source, "repeats", None)
    key, holder = claim
    return None if store is None else store.release([Claim(key, holder, 0.0)])
