"""A Flask application for gunicorn, made before it forks (`--preload`).

It broadcasts once in the parent, so that there is an open connection which no child may use.
"""

from __future__ import annotations

import logging
import multiprocessing
import os

from flask import Flask, Response, abort, jsonify, request

from broadcastkit import AnonymousEvent, Broadcaster, PrivateChannel, broadcast
from broadcastkit.drivers.pusher import PusherDriver
from broadcastkit.integrations.flask import Broadcasting
from tests.integrations.application import TIMEOUT, Site, UnauthenticatedError, User, who

__all__ = ["app"]

logging.basicConfig(level=logging.INFO)
# Each worker serves one request at a time, so two that meet here are in two workers.
_both = multiprocessing.Barrier(2)


def current_user() -> User | None:
    try:
        return who(request.headers.get("X-User"))
    except UnauthenticatedError:
        abort(401)


app = Flask(__name__)
Broadcasting(app, Site().blocking_broadcaster(), user=current_user)
# the second is the one behind broadcast(), and signs for a real service
_live = PusherDriver.from_url(os.environ["SERVICE_URL"], profile=os.environ["SERVICE_PROFILE"])
_rules = Site().blocking_rules()
Broadcasting(app, Broadcaster(_live, channels=_rules), user=current_user, url_prefix="/live", name="live")
broadcast(AnonymousEvent("parent", on="news")).to_everyone()


@app.get("/up")
def up() -> Response:
    return jsonify(pid=os.getpid(), parent=os.getppid())


@app.post("/broadcast")
def tell() -> Response:
    _both.wait(TIMEOUT)
    name = request.args["name"]
    broadcast(AnonymousEvent(name, {"pid": os.getpid()}, on=PrivateChannel("lobby"))).to_others()
    return jsonify(pid=os.getpid())
