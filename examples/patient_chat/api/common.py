"""What every endpoint has: who asks, whether he may, a body that is read and checked, and the guide's two replies."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, TypeVar, cast

from pydantic import BaseModel, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from broadcastkit.integrations.rate_limits import client_key
from examples.patient_chat.accounts import Accounts, Visitor
from examples.patient_chat.chat import Chat
from examples.patient_chat.errors import Problem, as_problem, invalid
from examples.patient_chat.limits import Limits
from examples.patient_chat.metrics import Metrics
from examples.patient_chat.models import Role
from examples.patient_chat.settings import Settings
from examples.patient_chat.sockets import Sockets
from examples.patient_chat.uploads import Uploads

__all__ = ["Services", "allowed", "count", "count_address", "form", "ok", "on_error", "query", "services", "visitor"]

LONGEST_BODY = 64 * 1024
ModelT = TypeVar("ModelT", bound=BaseModel)
Endpoint = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True)
class Services:
    """The parts of the application, as endpoints find them."""

    settings: Settings
    accounts: Accounts
    chat: Chat
    uploads: Uploads
    limits: Limits
    metrics: Metrics
    sockets: Sockets


def services(request: Request) -> Services:
    return cast("Services", request.app.state.services)


def visitor(request: Request) -> Visitor:
    """Return who asks; in an endpoint that `allowed` guards."""
    return cast("Visitor", request.state.visitor)


def allowed(*roles: Role) -> Callable[[Endpoint], Endpoint]:
    """Let in who is signed in, and has one of the roles if any are named."""

    def guard(endpoint: Endpoint) -> Endpoint:
        @wraps(endpoint)
        async def guarded(request: Request) -> Response:
            kind, _, token = request.headers.get("authorization", "").partition(" ")
            found = await services(request).accounts.visitor(token.strip() if kind.lower() == "bearer" else None)
            await services(request).limits.check("request", found.user.id)
            if roles and found.user.role not in roles:
                raise Problem(403, f"This is for a {' or '.join(roles)} only")
            request.state.visitor = found
            return await endpoint(request)

        return guarded

    return guard


async def count(request: Request, what: str) -> None:
    """Count what somebody does; on the socket it counts too."""
    await services(request).limits.check(what, visitor(request).user.id)


async def count_address(request: Request, what: str) -> None:
    """Count somebody who is not signed in, by his address."""
    await services(request).limits.check(what, client_key(None, request.client.host if request.client else None))


async def form(request: Request, kind: type[ModelT]) -> ModelT:
    """Return the JSON body, checked."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LONGEST_BODY:
            raise Problem(413, f"The request is too long: at most {LONGEST_BODY // 1024} KB")
    try:
        return kind.model_validate(json.loads(bytes(body)))
    except ValidationError as error:
        raise invalid(error) from None
    except (ValueError, RecursionError):
        raise Problem(400, "The request must be JSON") from None


def query(request: Request, kind: type[ModelT]) -> ModelT:
    """Return the query parameters, checked."""
    try:
        return kind.model_validate(dict(request.query_params))
    except ValidationError as error:
        raise invalid(error) from None


def ok(data: Any, status: int = 200, **more: Any) -> JSONResponse:
    return JSONResponse({"success": True, "data": data, **more}, status, headers={"Cache-Control": "no-store"})


async def on_error(request: Request, error: Exception) -> Response:
    problem = as_problem(getattr(request.scope.get("endpoint"), "__qualname__", "a request"), error)
    services(request).metrics.errors.labels("http", problem.status).inc()
    headers = {"Cache-Control": "no-store"}
    if problem.status == 413:  # and whatever is on its way is not read
        headers["Connection"] = "close"
    if problem.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if problem.retry_after is not None:
        headers["Retry-After"] = str(max(1, round(problem.retry_after)))
    return JSONResponse(problem.as_dict(), problem.status, headers=headers)
