"""The access token for FCM, from the service account's file that Firebase's console hands out."""

from __future__ import annotations

import threading
from pathlib import Path

from google.auth.exceptions import GoogleAuthError, TransportError
from google.auth.transport.requests import Request
from google.oauth2.service_account import Credentials

from broadcastkit.errors import BadCredentialsError, ConfigurationError, ConnectError, ServiceFailedError

__all__ = ["ServiceAccount"]

_SCOPE = "https://www.googleapis.com/auth/firebase.messaging"


class ServiceAccount:
    """Call it for a token: google-auth keeps one for as long as it is good."""

    def __init__(self, file: Path) -> None:
        try:
            self._credentials = Credentials.from_service_account_file(str(file), scopes=[_SCOPE])
        except (OSError, ValueError, LookupError, TypeError, AttributeError):
            raise ConfigurationError("must name the file of a service account", setting="FCM_CREDENTIALS") from None
        self.project = str(self._credentials.project_id)
        self._lock = threading.Lock()

    def __call__(self) -> str:
        with self._lock:
            if not self._credentials.valid:
                self._refresh()
            return str(self._credentials.token)

    def _refresh(self) -> None:
        try:
            self._credentials.refresh(Request())
        except TransportError:
            raise ConnectError("no access token for FCM: Google was not reached") from None
        except GoogleAuthError as error:
            # its text may quote what was sent
            refused = ServiceFailedError if error.retryable else BadCredentialsError
            raise refused("no access token for FCM") from None
