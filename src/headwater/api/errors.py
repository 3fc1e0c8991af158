"""The one place where errors become HTTP answers: problem details (RFC 9457), no internals.

Whatever fails, the body has the same shape, `schemas.platform.Problem`; `PROBLEMS` lists every
status with its meaning and is what the document (OpenAPI) says.
"""

import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from math import ceil
from typing import Any, Final

import msgspec
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.routing import compile_path
from starlette.types import Scope

from headwater.api.lookup import IntervalNotOffered, UnknownExchange
from headwater.api.schemas.base import encode
from headwater.api.schemas.platform import Problem, ProblemField
from headwater.core.errors import (
    Conflict,
    NotSupported,
    Overloaded,
    PlatformError,
    RateLimited,
    RequestError,
    StorageError,
    UnknownRecord,
    UnknownSymbol,
    VenueError,
    VenueTimeout,
    VenueUnavailable,
    WireError,
)

PROBLEM_TYPE: Final = "application/problem+json"
"""Media type of every error body."""

REQUEST_ID_KEY: Final = "headwater.request_id"
"""Where the request's id stands in the ASGI scope."""

PROBLEMS: Final[Mapping[int, str]] = {
    400: "The bytes are not an HTTP request, or the host or origin is not served.",
    403: "This client may not do that.",
    404: "Unknown path, id, venue or symbol (`suggestions`), the venue does not offer this, or "
    "there are no data.",
    405: "Wrong method; `Allow` names the right ones.",
    408: "The request did not arrive whole in time.",
    409: "It is not in a state that allows this, or the `Idempotency-Key` is that of another "
    "request; `errors` says which.",
    413: "The body is longer than this server reads.",
    414: "Path and query are longer than this server reads.",
    422: "A parameter is wrong; `errors` names it and what is allowed.",
    429: "The venue's request budget is used up; `Retry-After` says when to try again.",
    431: "The headers are longer, or more, than this server reads.",
    500: "Our fault; the log has it under the request id in `instance`.",
    502: "The venue refused, or answered what cannot be read.",
    503: "The venue cannot be reached, or this server is full; `Retry-After` says for how long.",
    504: "The venue did not answer in time.",
}
"""Every error status and when it is sent."""

DEFAULT_RETRY_S: Final = 5.0
"""What 429 and 503 say when nobody knows better."""

_VALUE_CUT_CHARS: Final = 200
_FIELDS_MAX: Final = 20
_QUOTED: Final = re.compile(r"'([^']*)'")
_LABELS: Final = frozenset({"bool", "constrained-str", "float", "int", "none", "str"})
_WORDS: Final[Mapping[str, str]] = {
    "bool_parsing": "true or false",
    "bool_type": "true or false",
    "dict_type": "an object",
    "extra_forbidden": "no such field",
    "finite_number": "a finite number",
    "float_parsing": "a number",
    "float_type": "a number",
    "greater_than_equal": "at least {ge:,.12g}",
    "int_from_float": "a whole number",
    "int_parsing": "a whole number",
    "int_type": "a whole number",
    "less_than": "less than {lt:,.12g}",
    "less_than_equal": "at most {le:,.12g}",
    "list_type": "a list",
    "model_attributes_type": "an object",
    "model_type": "an object",
    "string_pattern_mismatch": "a text of the form {pattern}",
    "string_too_long": "at most {max_length} letters",
    "string_too_short": "at least {min_length} letters",
    "string_type": "a text",
    "string_unicode": "a text of whole characters",
    "too_long": "at most {max_length} entries",
    "too_short": "at least {min_length} entries",
}
"""Pydantic's findings in our words; those of the fields' own validators say it themselves."""

_CODES: Final[Mapping[int, str]] = {400: "bad_request", 404: "not_found", 413: "body_too_long"}


def problem_of(error: PlatformError) -> Problem:
    """What a client is told of an error of ours.

    Args:
        error: any of the tree in `core.errors`.

    Returns:
        Status and words; 500 without particulars for what is no client's business.
    """
    if isinstance(error, RequestError):
        return _request_problem(error)
    if isinstance(error, Overloaded):
        return make_problem(503, "overloaded", str(error), retry_after=error.retry_after_s)
    if isinstance(error, RateLimited):
        return _venue_problem(429, "rate_limited", error)
    if isinstance(error, VenueTimeout):
        return _venue_problem(504, "venue_timeout", error)
    if isinstance(error, VenueUnavailable):
        return _venue_problem(503, "venue_unavailable", error)
    if isinstance(error, VenueError):
        return _venue_problem(502, "venue_rejected", error)
    if isinstance(error, WireError):
        detail = f"{error.exchange} answered what cannot be read ({error.channel})"
        return make_problem(502, "venue_unreadable", detail)
    if isinstance(error, StorageError):
        detail = "the database does not answer; its state is in /health"
        return make_problem(503, "storage_unavailable", detail, retry_after=DEFAULT_RETRY_S)
    return make_problem(500, "internal_error", "internal error")


def make_problem(
    status: int,
    code: str,
    detail: str,
    *,
    errors: Sequence[ProblemField] = (),
    retry_after: float | None = None,
    suggestions: Sequence[str] = (),
) -> Problem:
    """A problem with the standard title of its status."""
    return Problem(
        title=HTTPStatus(status).phrase,
        status=status,
        code=code,
        detail=detail,
        errors=tuple(errors),
        retry_after=retry_after,
        suggestions=tuple(suggestions),
    )


def wrong_field(
    field: str, value: object, allowed: str | Sequence[str], message: str = "not allowed"
) -> ProblemField:
    """What is wrong with one parameter.

    Args:
        field: its name.
        value: what was sent; shown as text, cut to 200 characters.
        allowed: what would be right: words, or the values to choose from.
        message: what is wrong.
    """
    return ProblemField(
        field=_shown(field),
        message=message,
        value=_shown(value),
        allowed=(allowed,) if isinstance(allowed, str) else tuple(allowed),
    )


def problem_response(
    problem: Problem, scope: Scope, headers: Mapping[str, str] | None = None
) -> Response:
    """The HTTP answer that carries `problem`.

    Args:
        problem: what went wrong.
        scope: the request's; gives the id shown as `instance`.
        headers: more of them.
    """
    sent = dict(headers or {})
    if problem.retry_after is not None:
        sent["retry-after"] = str(max(1, ceil(problem.retry_after)))
    return Response(
        problem_body(problem, scope),
        status_code=problem.status,
        media_type=PROBLEM_TYPE,
        headers=sent,
    )


def problem_body(problem: Problem, scope: Scope) -> bytes:
    """The JSON of a problem, with the request's id when it has one."""
    request_id: str | None = scope.get(REQUEST_ID_KEY)
    body = encode(problem)
    if request_id is None or problem.instance is not None:
        return body
    return body[:-1] + b',"instance":"' + request_id.encode() + b'"}'


def add_error_handlers(app: FastAPI) -> None:
    """Makes `app` answer every expected error with problem details.

    What is not expected is left to `request_log.RequestLayer`, which logs it and answers 500.
    """
    app.add_exception_handler(PlatformError, _on_platform_error)
    app.add_exception_handler(RequestValidationError, _on_validation_error)
    app.add_exception_handler(HTTPException, _on_http_exception)


async def _on_platform_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, PlatformError)
    problem = problem_of(error)
    if problem.status == HTTPStatus.INTERNAL_SERVER_ERROR:
        raise error
    return problem_response(problem, request.scope)


async def _on_validation_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    fields = _merged([_field_of(one) for one in error.errors()[:_FIELDS_MAX]])
    first = fields[0]
    given = first.field if first.message == "missing" else f"{first.field}={first.value!r}"
    detail = f"{given}: {', '.join(first.allowed) or first.message}"
    problem = make_problem(422, "bad_parameter", detail, errors=fields)
    return problem_response(problem, request.scope)


async def _on_http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    status, headers = error.status_code, error.headers
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        allowed = ", ".join(_methods_at(request)) or (headers or {}).get("Allow", "GET")
        headers = {**(headers or {}), "Allow": allowed}
        field = wrong_field("method", request.method, allowed.split(", "))
        problem = make_problem(
            405, "method_not_allowed", f"{request.method}: use {allowed}", errors=[field]
        )
    elif status == HTTPStatus.NOT_FOUND:
        path = request.url.path[:_VALUE_CUT_CHARS]
        problem = make_problem(404, "not_found", f"there is nothing at {path}; see /docs")
    else:
        code = _CODES.get(status, f"http_{status}")
        problem = make_problem(status, code, str(error.detail)[:_VALUE_CUT_CHARS])
    return problem_response(problem, request.scope, headers)


def _shown(value: object) -> str:
    """A value as text that can be sent: a body may hold half a character, or lists in lists."""
    try:
        text = str(value)[:_VALUE_CUT_CHARS]
    except RecursionError:
        text = "too deeply nested"
    return text.encode("utf-8", "backslashreplace").decode()


def _request_problem(error: RequestError) -> Problem:
    """404 for what does not exist, 409 for what is in the way, 422 for what cannot be meant."""
    if isinstance(error, UnknownExchange):
        status, code, suggestions = 404, "unknown_exchange", error.suggestions
        field = wrong_field(error.field, error.value, error.known)
    elif isinstance(error, UnknownSymbol):
        status, code, suggestions = 404, "unknown_symbol", error.suggestions
        field = wrong_field(error.field, error.value, error.suggestions or error.allowed)
    elif isinstance(error, NotSupported):
        status, code, suggestions = 404, "not_supported", ()
        offered = error.offered if isinstance(error, IntervalNotOffered) else error.reason
        field = wrong_field(error.field, error.value, offered)
    elif isinstance(error, UnknownRecord):
        status, code, suggestions = 404, "unknown_id", ()
        field = wrong_field(error.field, error.value, error.allowed)
    elif isinstance(error, Conflict):
        status, code, suggestions = 409, "conflict", ()
        field = wrong_field(error.field, error.value, error.allowed)
    else:
        status, code, suggestions = 422, "bad_parameter", ()
        field = wrong_field(error.field, error.value, error.allowed)
    return make_problem(status, code, str(error), errors=[field], suggestions=suggestions)


def _venue_problem(status: int, code: str, error: VenueError) -> Problem:
    """Carries the venue's words; 429 and 503 always say for how long."""
    retry_after = error.retry_after_s
    if retry_after is None and status in (429, 503):
        retry_after = DEFAULT_RETRY_S
    return make_problem(status, code, str(error)[:_VALUE_CUT_CHARS], retry_after=retry_after)


def _field_of(error: Mapping[str, Any]) -> ProblemField:
    """One of pydantic's findings, in our words."""
    context: Mapping[str, Any] = error.get("ctx", {})
    kind, given = error["type"], error.get("input")
    allowed = context.get("allowed") or _QUOTED.findall(context.get("expected", ""))
    if not allowed:
        allowed = _WORDS[kind].format(**context) if kind in _WORDS else error["msg"]
    if kind == "json_invalid":
        return wrong_field("body", "", f"JSON ({context.get('error', '')})")
    if kind.startswith("model_") and isinstance(given, bytes):
        return wrong_field("body", "", "JSON, with the header content-type: application/json")
    place = [str(part) for part in error["loc"] if part not in ("query", "path", "body")]
    # What is no field may be called as pydantic calls a kind.
    last = [] if kind != "extra_forbidden" else place[-1:]
    named = [part for part in place[: len(place) - len(last)] if not _is_label(part)]
    name = ".".join([*named, *last]) or "request"
    if error["type"] == "missing":
        return wrong_field(name, "", "has to be given", "missing")
    return wrong_field(name, given, allowed, "not allowed")


def _is_label(part: str) -> bool:
    """Whether a part of a place is pydantic's name of one kind that a value may have."""
    return part in _LABELS or "[" in part


def _merged(fields: Sequence[ProblemField]) -> list[ProblemField]:
    """One finding for each field: what may be of several kinds is told once, with all of them."""
    found: dict[str, ProblemField] = {}
    for one in fields:
        before = found.get(one.field, one)
        allowed = tuple(dict.fromkeys((*before.allowed, *one.allowed)))
        found[one.field] = msgspec.structs.replace(before, allowed=allowed)
    return list(found.values())


def _methods_at(request: Request) -> list[str]:
    """Every documented method of a path, over all routes that it fits.

    The framework names those of the first route alone.
    """
    found: set[str] = set()
    documented: Mapping[str, Mapping[str, Any]] = request.app.openapi()["paths"]
    for template, methods in documented.items():
        if compile_path(template)[0].match(request.scope["path"]):
            found |= {one.upper() for one in methods}
    return sorted(found)
