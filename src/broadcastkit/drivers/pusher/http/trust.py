"""Whom TLS trusts: what httpx trusts, so that a change of transport changes nothing."""

from __future__ import annotations

import os
import ssl

import certifi

from broadcastkit.errors import ConfigurationError

__all__ = ["context_for", "trusting"]


def context_for(verify: ssl.SSLContext | bool | str) -> ssl.SSLContext:  # noqa: FBT001 - it is the setting
    """Return the context for HTTP that the setting `verify` stands for."""
    context = trusting(verify)
    if context is not verify:
        context.set_alpn_protocols(["http/1.1"])
    return context


def trusting(verify: ssl.SSLContext | bool | str) -> ssl.SSLContext:  # noqa: FBT001 - it is the setting
    """Return a context for any protocol; one that is given is returned as it is.

    True trusts certifi's authorities, or those that SSL_CERT_FILE or SSL_CERT_DIR names.
    """
    if isinstance(verify, ssl.SSLContext):
        return verify
    if verify is False:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    elif isinstance(verify, str):
        try:
            context = ssl.create_default_context(cafile=verify)
        except OSError as error:
            raise ConfigurationError(f"verify: the CA file {verify!r} cannot be read ({error})") from None
    elif file := os.environ.get("SSL_CERT_FILE"):
        context = ssl.create_default_context(cafile=file)
    elif folder := os.environ.get("SSL_CERT_DIR"):
        context = ssl.create_default_context(capath=folder)
    else:
        context = ssl.create_default_context(cafile=certifi.where())
    return context
