"""What the document (OpenAPI) says of every route, and the few corrections FastAPI's needs.

Routes name the view they answer with; `answers` adds every error status they can have, from the
one table in `errors.PROBLEMS`, so that no status is undocumented.
"""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI

from headwater.api.errors import PROBLEM_TYPE, PROBLEMS
from headwater.api.schemas.base import json_schema_of
from headwater.api.schemas.platform import Problem

Responses = dict[int | str, dict[str, Any]]

SERVER_STATUSES: Final = (400, 405, 408, 413, 414, 431, 500, 503)
"""What any route may answer before it is reached, or when we fail."""

VENUE_STATUSES: Final = (404, 422, 429, 502, 503, 504)
"""What routes that ask a venue may answer besides."""

_NULL: Final = {"type": "null"}
_PROBLEM_REFERENCE: Final = "#/components/schemas/Problem"
_RETRY_HEADER: Final = {
    "Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 1}}
}
_COMMON_HEADERS: Final = {
    "X-Request-ID": {"description": "Id of the request.", "schema": {"type": "string"}},
    "X-Process-Time": {"description": "Seconds it took.", "schema": {"type": "string"}},
}


def answers(
    model: Any, description: str, statuses: Sequence[int] = (), *, status: int = 200
) -> Responses:
    """The `responses` of a route that answers with JSON.

    Args:
        model: a view, or a list of one; None for an answer without a body.
        description: what the answer is.
        statuses: error statuses besides `SERVER_STATUSES`.
        status: that of the answer.

    Returns:
        For FastAPI's `responses=`.
    """
    found: Responses = {status: {"description": description}}
    if model is not None:
        found[status]["model"] = model
    return found | problems((*SERVER_STATUSES, *statuses))


def market_answers(model: Any, description: str) -> Responses:
    """The `responses` of a cached route that asks a venue. See `answers`."""
    found = answers(model, description, VENUE_STATUSES)
    found[304] = {"description": "Not modified: `If-None-Match` names the current `ETag`."}
    return found


def problems(statuses: Sequence[int]) -> Responses:
    """The `responses` for these error statuses."""
    found: Responses = {}
    for status in sorted(set(statuses)):
        entry: dict[str, Any] = {
            "description": PROBLEMS[status],
            "content": {PROBLEM_TYPE: {"schema": {"$ref": _PROBLEM_REFERENCE}}},
        }
        if status in (429, 503):
            entry["headers"] = _RETRY_HEADER
        if status == HTTPStatus.METHOD_NOT_ALLOWED:
            entry["headers"] = {"Allow": {"schema": {"type": "string"}}}
        found[status] = entry
    return found


def describe(app: FastAPI, exchanges: Sequence[str]) -> None:
    """Makes `app` document problems, venues and the headers of every answer.

    Args:
        app: with all its routes.
        exchanges: ids of the venues, the values of `{exchange}`.
    """
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is not None:
            return app.openapi_schema
        document = generate()
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        schemas["Problem"] = json_schema_of(Problem)
        for unused in ("HTTPValidationError", "ValidationError"):
            schemas.pop(unused, None)
        for operations in document["paths"].values():
            for operation in operations.values():
                _complete(operation, exchanges)
        app.openapi_schema = document
        return document

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI documents this way


def _complete(operation: dict[str, Any], exchanges: Sequence[str]) -> None:
    """Corrects one operation in place."""
    for parameter in operation.get("parameters", ()):
        schema = parameter["schema"]
        if parameter["name"] == "exchange":
            # A route may know words besides the venues, such as `all`.
            schema["enum"] = [*sorted(exchanges), *schema.get("enum", ())]
        elif parameter["name"] == "exchanges":
            venue = f"({'|'.join(sorted(exchanges))})"
            more = max(0, len(exchanges) - 1)
            schema["anyOf"][0]["pattern"] = f"^{venue}(,{venue}){{0,{more}}}$"
        choices = [choice for choice in schema.get("anyOf", ()) if choice != _NULL]
        if len(choices) == 1:  # a query can leave a parameter out, but not say null
            schema = parameter["schema"] = choices[0]
        if "enum" in schema:  # the list says all; pydantic's reference adds nothing
            kept = {key: schema[key] for key in ("enum", "default") if key in schema}
            parameter["schema"] = {"type": "string", **kept}
    for entry in operation["responses"].values():
        entry["headers"] = {**_COMMON_HEADERS, **entry.get("headers", {})}
