"""The header by which a caller may ask again without starting anything twice."""

from typing import Annotated, Any, TypeAlias

from fastapi import Depends, Header, Request
from pydantic import BaseModel, Field

from headwater.backtest.job_key import KEY_CHARS, KEY_FIELD, JobKey
from headwater.core.enums import BacktestKind
from headwater.core.errors import RequestError

__all__ = ["KeyHeader", "job_key"]

_Text = Annotated[
    str,
    Field(json_schema_extra={"minLength": 1, "maxLength": KEY_CHARS, "pattern": "^[!-~]+$"}),
]


def _given_once(
    request: Request,
    key: Annotated[
        _Text | None,
        Header(
            alias=KEY_FIELD,
            description=f"Chosen by the caller, 1 to {KEY_CHARS} visible ASCII characters: the "
            "same request with the same key gives the same job.",
            examples=["0b8c1c52-8f0e-4f5e-9d57-3f1f6f0a7a11"],
        ),
    ] = None,
) -> str | None:
    """The header as it was sent.

    Raises:
        RequestError: it was sent several times.
    """
    given = request.headers.getlist(KEY_FIELD)
    if len(given) > 1:
        raise RequestError(KEY_FIELD, ", ".join(given), "given once")
    return key


KeyHeader: TypeAlias = Annotated[str | None, Depends(_given_once)]
"""The key of a request, None where none was sent; `job_key` checks it."""


def job_key(key: str | None, kind: BacktestKind, body: BaseModel) -> JobKey | None:
    """The key of a request for a job.

    What equals its default counts as left out, so two spellings of one request are the same, and
    stay so when a later version knows more fields.

    Args:
        key: as it was sent; None for none.
        kind: of the job.
        body: of the request.

    Raises:
        RequestError: the key is not one that may be.
    """
    if key is None:
        return None
    fields: dict[str, Any] = body.model_dump(mode="json", exclude_defaults=True)
    return JobKey.of(key, {"kind": kind.value, **fields})
