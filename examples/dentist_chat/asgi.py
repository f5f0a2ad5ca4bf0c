"""The application for a server of one's own: `uvicorn examples.dentist_chat.asgi:app --ws websockets-sansio`."""

from __future__ import annotations

from examples.dentist_chat.app import create_app
from examples.dentist_chat.monitoring import log_to_file
from examples.dentist_chat.settings import Settings

__all__ = ["app"]

app = create_app()
log_to_file(Settings.from_env())
