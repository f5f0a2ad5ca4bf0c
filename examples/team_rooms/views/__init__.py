"""The HTTP side, by subject. All of `/api` is one blueprint; api.py has what its views share."""

from __future__ import annotations

from flask import Flask

from examples.team_rooms.views import files, messages, page, rooms, session
from examples.team_rooms.views.api import api

# whose views are in the blueprint since they were imported
__all__ = ["files", "init_app", "messages", "rooms", "session"]


def init_app(app: Flask) -> None:
    app.register_blueprint(api)
    page.init_app(app)
