"""How often one may do what: a decorator of views, counted for each user."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from flask import Flask, Response, current_app, jsonify, request
from flask_login import current_user
from werkzeug.exceptions import TooManyRequests

from broadcastkit.integrations.rate_limits import FixedWindow
from examples.team_rooms.settings import Settings

__all__ = ["count", "init_app", "limited", "too_many"]

P = ParamSpec("P")
R = TypeVar("R")


def init_app(app: Flask, settings: Settings) -> None:
    app.extensions["rates"] = {
        name: FixedWindow(rate, storage=settings.rates_storage, key_prefix=f"team-rooms:{name}")
        for name, rate in dataclasses.asdict(settings.rates).items()
    }


def count(what: str, key: str) -> None:
    """Count one more, and answer 429 if that is too many."""
    rate: FixedWindow = current_app.extensions["rates"][what]
    wait = rate.hit(f"{what}:{key}")
    if wait is not None:
        raise TooManyRequests(retry_after=max(1, math.ceil(wait)))


def limited(what: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Count each call of a view for who is signed in, or for the address of a guest."""

    def decorate(view: Callable[P, R]) -> Callable[P, R]:
        @wraps(view)
        def counted(*args: P.args, **kwargs: P.kwargs) -> R:
            known = current_user.is_authenticated
            count(what, f"user:{current_user.id}" if known else f"address:{request.remote_addr}")
            return view(*args, **kwargs)

        return counted

    return decorate


def too_many(error: TooManyRequests) -> tuple[Response, int, dict[str, str]]:
    headers = {"Retry-After": str(error.retry_after)}
    return jsonify(error=f"too often: try again in {error.retry_after} s"), 429, headers
