"""What every endpoint of the API has in common: who asks, how often, with which body, and how errors look.

    path("api/jobs", api(GET=jobs.index, POST=jobs.create))

Whoever sends a token is known by it. Whoever sends none has a session, and sends Django's CSRF token with what changes
things.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, get_type_hints

from django.conf import settings
from django.core.exceptions import PermissionDenied, RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse
from django.http.multipartparser import MultiPartParserError
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from pydantic import BaseModel, ConfigDict, ValidationError

from broadcastkit.integrations.rate_limits import RateLimit, client_key
from examples.artisan_jobs.tokens import user_of

__all__ = ["ApiError", "Body", "Handler", "admit", "api", "csrf_failure", "guest", "invalid", "only", "sign_in_key"]

Handler = Callable[..., Any]


class ApiError(Exception):
    """An answer that is not what was asked for: `{"message": …, "errors": {field: [what is wrong]}}`."""

    def __init__(self, status: int, message: str, errors: dict[str, list[str]] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.content = {"message": message} | ({"errors": errors} if errors else {})


TOO_MUCH = ApiError(413, "That is too much to send.")


class Body(BaseModel):
    """What a request may say. Nothing else is taken: nobody sets a field that is not his to set."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True, hide_input_in_errors=True)


def api(**handlers: Handler) -> Callable[[HttpRequest], HttpResponse]:
    """Make a view of a handler for each method; a handler returns what is to be JSON, or that and a status."""

    def view(request: HttpRequest, **path: Any) -> HttpResponse:
        handler = handlers.get(request.method or "")
        if handler is None:
            return HttpResponseNotAllowed(handlers)
        if int(request.META.get("CONTENT_LENGTH") or 0) > settings.MAX_UPLOAD + settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
            return JsonResponse(TOO_MUCH.content, status=413)
        # a page of another site can send a cookie, and no header of ours
        bearer = "Authorization" in request.headers or getattr(handler, "without_csrf", False)
        try:
            # Django looks for its token in the body, too, and reads that then
            response = (_answer if bearer else csrf_protect(_answer))(request, handler, path)
        except (RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent):
            response = JsonResponse(TOO_MUCH.content, status=413)
        except MultiPartParserError:
            response = JsonResponse({"message": "The body must be a form, or JSON."}, status=400)
        response.headers.setdefault("Cache-Control", "no-store")
        return response

    return csrf_exempt(view)  # type: ignore[no-any-return]


def guest(*, csrf: bool = True) -> Callable[[Handler], Handler]:
    """Let a handler be asked by whoever is not signed in; without `csrf` it must not look at the session."""

    def mark(handler: Handler) -> Handler:
        handler.for_guests = True  # type: ignore[attr-defined]
        handler.without_csrf = not csrf  # type: ignore[attr-defined]
        return handler

    return mark


def only(*roles: str) -> Callable[[Handler], Handler]:
    """Let a handler be asked by people of these roles alone."""

    def mark(handler: Handler) -> Handler:
        handler.roles = roles  # type: ignore[attr-defined]
        return handler

    return mark


def _answer(request: HttpRequest, handler: Handler, path: dict[str, Any]) -> HttpResponse:
    try:
        user = _user(request, handler)
        if isinstance(user, HttpResponse):
            return user
        admit(settings.API_LIMIT, client_key(user, request.META.get("REMOTE_ADDR")))
        given = handler(request, **path, **_body(request, handler))
    except ApiError as error:
        return JsonResponse(error.content, status=error.status)
    except Http404:
        return JsonResponse({"message": "There is nothing here."}, status=404)
    except PermissionDenied as error:
        return JsonResponse({"message": str(error) or "That is not yours to do."}, status=403)
    if isinstance(given, HttpResponse):
        return given
    content, status = given if isinstance(given, tuple) else (given, 200)
    return HttpResponse(status=204) if content is None else JsonResponse(content, status=status, safe=False)


def _user(request: Any, handler: Handler) -> Any:
    user = user_of(request)
    if isinstance(user, HttpResponse):
        return user
    request.user = user
    if user.is_anonymous:
        if getattr(handler, "for_guests", False):
            return None
        raise ApiError(401, "Sign in first.")
    roles = getattr(handler, "roles", ())
    if roles and user.role not in roles:
        raise PermissionDenied
    return user


def admit(limit: RateLimit, key: str) -> None:
    """Count a request; ApiError 429 for one too many."""
    wait = limit.hit(key)
    if wait is not None:
        raise ApiError(429, f"Too many requests: try again in {int(wait) + 1} seconds.")


def sign_in_key(request: HttpRequest, email: str) -> str:
    """Return for whom a try to sign in counts: somebody's address, and the account that is tried."""
    return f"{client_key(None, request.META.get('REMOTE_ADDR'))}:{email.strip().lower()}"


def _body(request: HttpRequest, handler: Handler) -> dict[str, Body]:
    """Return the body as the handler's `body` says it is."""
    wanted = get_type_hints(handler).get("body")
    if wanted is None:
        return {}
    if request.content_type == "multipart/form-data":
        given: Any = request.POST.dict()
        given.pop("csrfmiddlewaretoken", None)
    else:
        try:
            given = json.loads(request.body or b"{}")
        except (ValueError, RecursionError):
            raise ApiError(400, "The body must be JSON.") from None
    try:
        body = wanted.model_validate(given)
    except ValidationError as error:
        errors: dict[str, list[str]] = {}
        for one in error.errors(include_url=False, include_input=False):
            errors.setdefault(".".join(map(str, one["loc"])) or "body", []).append(one["msg"])
        raise ApiError(422, "The given data was invalid.", errors) from None
    for field, value in body:
        if isinstance(value, str) and "\0" in value:  # which no database takes
            raise invalid(field, "must not have a NUL in it")
    return {"body": body}


def invalid(field: str, message: str) -> ApiError:
    return ApiError(422, "The given data was invalid.", {field: [message]})


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer a request that lacks Django's CSRF token, in the words of the API."""
    del request
    return JsonResponse({"message": "The page is too old: reload it.", "reason": reason}, status=403)
