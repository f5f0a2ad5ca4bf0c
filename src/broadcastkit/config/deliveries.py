"""The setting `delivery`: in words what a broadcaster's argument of that name is."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from broadcastkit.delivery import Background, Delivery, Inline
from broadcastkit.drivers.checks import instead_of
from broadcastkit.errors import ConfigurationError

__all__ = ["NAMES", "delivery_of"]

NAMES = ("inline", "background")


def delivery_of(value: object) -> Delivery:
    """Return a Delivery for `"inline"`, `"background"` or `{"background": {…}}`; one is returned as it is.

    Raises:
        ConfigurationError: it is something else, or an option of it is wrong; that is named.
    """
    if isinstance(value, Delivery):
        return value
    if value == "inline":
        return Inline()
    if value == "background":
        return Background()
    if not isinstance(value, Mapping) or len(value) != 1:
        raise ConfigurationError(
            f"must be 'inline', 'background', {{'background': {{…}}}} or a Delivery{instead_of(value)}",
            setting="delivery",
        )
    [(name, options)] = value.items()
    if name != "background":
        raise ConfigurationError("takes no options: only 'background' does", setting=f"delivery.{name}")
    return _background(options)


def _background(options: Any) -> Background:
    path, known = "delivery.background", list(inspect.signature(Background).parameters)
    if not isinstance(options, Mapping):
        raise ConfigurationError(f"must map {', '.join(known)} to values{instead_of(options)}", setting=path)
    unknown = [str(option) for option in options if option not in known]
    if unknown:
        raise ConfigurationError(f"is none of {', '.join(known)}", setting=f"{path}.{unknown[0]}")
    try:
        return Background(**options)
    except ConfigurationError as error:
        text = str(error).removeprefix(f"{error.setting} ")
        raise ConfigurationError(text, setting=f"{path}.{error.setting}") from None
