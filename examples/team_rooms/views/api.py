"""What the views of `/api` share: who is asking, which room it is about, and how answers and errors look."""

from __future__ import annotations

from typing import TypeVar

from flask import Blueprint, Response, abort, current_app, jsonify, request
from flask_login import current_user
from pydantic import BaseModel, ValidationError
from sqlalchemy.exc import IntegrityError
from werkzeug.exceptions import HTTPException, TooManyRequests, UnsupportedMediaType

from examples.team_rooms import roles
from examples.team_rooms.accounts import me
from examples.team_rooms.files import LARGEST
from examples.team_rooms.limits import too_many
from examples.team_rooms.models import Membership, db

__all__ = ["answer", "api", "asked", "body", "limit_body", "nothing", "own_room", "own_room_to_write"]

ModelT = TypeVar("ModelT", bound=BaseModel)

LONGEST_BODY = 32 * 1024
# With the form around the file.
LONGEST_UPLOAD = LARGEST + 64 * 1024
# What is open to guests, by the names of views.
FOR_GUESTS = {"api.show_session", "api.sign_in", "api.live"}

api = Blueprint("api", __name__, url_prefix="/api")


def limit_body() -> None:
    """Say how long a body may be; before anything of the application, such as CSRFProtect, begins to read it."""
    request.max_content_length = LONGEST_UPLOAD if request.endpoint == "api.upload" else LONGEST_BODY


@api.before_request
def check_user() -> None:
    if request.endpoint not in FOR_GUESTS and not current_user.is_authenticated:
        current_app.login_manager.unauthorized()  # type: ignore[attr-defined]


@api.after_request
def keep_private(response: Response) -> Response:
    response.headers.setdefault("Cache-Control", "no-store")
    return response


def body(model: type[ModelT]) -> ModelT:
    """Return the JSON body, checked."""
    if not request.is_json:
        raise UnsupportedMediaType("send JSON")
    return model.model_validate_json(request.get_data())


def asked(model: type[ModelT]) -> ModelT:
    """Return the query, checked."""
    return model.model_validate(request.args.to_dict())


def own_room(room_id: int) -> Membership:
    """Return one's membership; for others' rooms 404, as for none: that they exist is not said."""
    return me().membership(room_id) or abort(404, "you are in no such room")


def own_room_to_write(room_id: int) -> Membership:
    member = own_room(room_id)
    if not roles.may_write(member.role):
        abort(403, "guests read")
    return member


def answer(model: BaseModel, status: int = 200) -> Response:
    return Response(model.model_dump_json(), status, mimetype="application/json")


def nothing() -> Response:
    return Response(status=204)


@api.errorhandler(ValidationError)
def invalid(error: ValidationError) -> tuple[Response, int]:
    wrong = [{"field": ".".join(map(str, one["loc"])), "problem": one["msg"]} for one in error.errors()]
    return jsonify(error="something is wrong with what was sent", wrong=wrong), 422


@api.errorhandler(IntegrityError)
def collided(_: IntegrityError) -> tuple[Response, int]:
    """Two at a time have done what can be done once, such as joining a room."""
    db.session.rollback()
    return jsonify(error="somebody was faster: look again"), 409


@api.app_errorhandler(HTTPException)
def failed(error: HTTPException) -> tuple[Response, int]:
    return jsonify(error=error.description), error.code or 500


api.register_error_handler(TooManyRequests, too_many)
