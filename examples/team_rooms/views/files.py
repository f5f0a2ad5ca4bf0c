"""Files: shared in a room, and given to its members only; pictures are shown, all else is downloaded."""

from __future__ import annotations

from pathlib import Path

from flask import Response, abort, current_app, request, send_file

from examples.team_rooms import files, rooms
from examples.team_rooms.accounts import me
from examples.team_rooms.limits import limited
from examples.team_rooms.models import Upload, db
from examples.team_rooms.views.api import api, own_room_to_write
from examples.team_rooms.views.messages import posted

__all__: list[str] = []


@api.post("/rooms/<row:room_id>/files")
@limited("uploads")
def upload(room_id: int) -> Response:
    member = own_room_to_write(room_id)
    given = request.files.get("file") or abort(422, "send a form with a file in the field `file`")
    kept = files.keep(current_app.config["UPLOADS"], given.filename or "", given.read(files.LARGEST + 1))
    return posted(*rooms.share(member, kept))


@api.get("/files/<row:upload_id>")
@limited("asking")
def download(upload_id: int) -> Response:
    found = _own_upload(upload_id)
    return _send(_folder() / found.stored_as, found, found.content_type, inline=found.is_image)


@api.get("/files/<row:upload_id>/thumbnail")
@limited("asking")
def thumbnail(upload_id: int) -> Response:
    found = _own_upload(upload_id)
    if not found.is_image:
        abort(404, "it is no picture")
    return _send(_folder() / f"{found.stored_as}.thumbnail", found, "image/webp", inline=True)


def _own_upload(upload_id: int) -> Upload:
    found = db.session.get(Upload, upload_id)
    if found is None or me().membership(found.room_id) is None:
        abort(404, "there is no such file")
    return found


def _folder() -> Path:
    folder: Path = current_app.config["UPLOADS"]
    return folder


def _send(path: Path, found: Upload, content_type: str, *, inline: bool) -> Response:
    if not path.exists():
        abort(404, "the file is gone")
    response = send_file(path, content_type, as_attachment=not inline, download_name=found.name, max_age=3600)
    response.headers["Cache-Control"] = "private, max-age=3600, immutable"
    # whatever it is taken for, it runs nothing
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return response
