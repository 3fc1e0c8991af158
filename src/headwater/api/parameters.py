"""Path and query parameters of the market routes: read strictly, described tightly.

Pydantic by itself would take ` 5`, `5.0` and `1_000` for numbers; here a number is digits and
nothing else. A parameter that is unknown or given twice is refused, so that a misspelt one is
never silently without effect. Times are milliseconds, seconds or ISO-8601 (requirements A1).
"""

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Final, TypeAlias

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi import params as fastapi_params
from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from headwater.api.lookup import ALL_EXCHANGES
from headwater.core.enums import Channel, GapState
from headwater.core.errors import RequestError
from headwater.core.intervals import Interval

MOMENT_MAX_MS: Final = 253_402_300_799_999
"""The last millisecond of the year 9999."""

SECONDS_BELOW: Final = 1_000_000_000_000
"""Numbers up to this are seconds, greater ones milliseconds (requirements T-E11)."""

TIME_ALLOWED: Final = (
    "milliseconds or seconds since 1970, or ISO-8601 such as 2025-01-31T12:00:00Z, up to year 9999"
)
"""What a time may be, in words."""

_DIGITS: Final = re.compile(r"[0-9]{1,15}")
_DECIMAL: Final = re.compile(r"[0-9]{1,24}(\.[0-9]{1,24})?([eE][+-]?[0-9]{1,2})?")
_ISO: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9:.]{2,15}(Z|[+-][0-9:]{2,6})?)?")
_ISO_PATTERN: Final = (
    r"^(19[7-9][0-9]|[2-9][0-9]{3})-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])"
    r"T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{3})?Z$"
)


def refuse(allowed: str | list[str]) -> PydanticCustomError:
    """What a validator raises: says what would be right."""
    return PydanticCustomError("parameter", "not allowed", {"allowed": allowed})


class WholeNumber:
    """Reads a whole number written in digits alone.

    Args:
        minimum: least value, ≥ 0.
        maximum: greatest value.
    """

    def __init__(self, minimum: int, maximum: int) -> None:
        self._minimum = minimum
        self._maximum = maximum

    def __call__(self, value: object) -> object:
        """The number, or a `PydanticCustomError`."""
        if isinstance(value, int):
            return value
        if isinstance(value, str) and _DIGITS.fullmatch(value):
            number = int(value)
            if self._minimum <= number <= self._maximum:
                return number
        raise refuse(f"a whole number from {self._minimum} to {self._maximum}")


def read_moment(value: object) -> object:
    """Reads a point in time.

    Args:
        value: digits (milliseconds above 10¹², else seconds) or ISO-8601; without a zone it is
            UTC. A space before the zone stands for a `+` that was not percent-encoded.

    Returns:
        Milliseconds since the epoch; None stays None.
    """
    if value is None or isinstance(value, int):
        return value
    text = str(value)
    if _DIGITS.fullmatch(text):
        number = int(text)
        moment_ms = number if number > SECONDS_BELOW else number * 1000
    else:
        moment_ms = _iso_ms(text)
    if not 0 <= moment_ms <= MOMENT_MAX_MS:
        raise refuse(TIME_ALLOWED)
    return moment_ms


def _iso_ms(text: str) -> int:
    text = text.upper()
    head, space, zone = text.rpartition(" ")
    if space and "T" in head:
        text = f"{head}+{zone}"
    if not _ISO.fullmatch(text):
        raise refuse(TIME_ALLOWED)
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return round(moment.timestamp() * 1000)
    except (ValueError, OverflowError) as error:
        raise refuse(TIME_ALLOWED) from error


def read_amount(value: object) -> object:
    """Reads a decimal number written plainly or with an exponent; None stays None."""
    if value is None or isinstance(value, int | float):
        return value
    text = str(value)
    if not _DECIMAL.fullmatch(text):
        raise refuse("a number above 0 such as 250000 or 0.5")
    return float(text)


def is_decimal(text: str) -> bool:
    """Whether a text is a plain number, not negative: digits, a point, perhaps an exponent."""
    return _DECIMAL.fullmatch(text) is not None


def read_interval(value: object) -> object:
    """Reads a candle length in its exact spelling (`1m` is a minute, `1M` a month)."""
    try:
        return Interval(str(value))
    except ValueError as error:
        raise refuse([interval.value for interval in Interval]) from error


_INTERVALS: Final[dict[str, Any]] = {"enum": [interval.value for interval in Interval]}
_LIMIT_TEXT: Final = "Most rows, digits only."
_MOMENT: Final[dict[str, Any]] = {
    "anyOf": [
        {"type": "integer", "minimum": 0, "maximum": MOMENT_MAX_MS // 1000},
        {"type": "integer", "minimum": SECONDS_BELOW + 1, "maximum": MOMENT_MAX_MS},
        {"type": "string", "pattern": _ISO_PATTERN},
    ],
}

ExchangePath: TypeAlias = Annotated[
    str, Path(description="Venue id; see /exchanges.", min_length=1, max_length=32)
]
SymbolPath: TypeAlias = Annotated[
    str,
    Path(
        description="Symbol in any common spelling: BTCUSDT, btc-usdt, BTC%2FUSDT, BTC.",
        min_length=1,
        max_length=192,
        examples=["BTCUSDT"],
    ),
]
IntervalPath: TypeAlias = Annotated[
    Interval,
    BeforeValidator(read_interval),
    Path(description="Length of a candle.", examples=["1m"], json_schema_extra=_INTERVALS),
]
PeriodQuery: TypeAlias = Annotated[
    Interval,
    BeforeValidator(read_interval),
    Query(description="Distance of the readings.", examples=["5m"], json_schema_extra=_INTERVALS),
]
TimeframeQuery: TypeAlias = Annotated[
    Interval,
    BeforeValidator(read_interval),
    Query(description="Length of a candle.", examples=["1m"], json_schema_extra=_INTERVALS),
]
StartQuery: TypeAlias = Annotated[
    int | None,
    BeforeValidator(read_moment),
    Query(description=f"Earliest time, inclusive: {TIME_ALLOWED}.", json_schema_extra=_MOMENT),
]
EndQuery: TypeAlias = Annotated[
    int | None,
    BeforeValidator(read_moment),
    Query(description=f"Latest time, inclusive: {TIME_ALLOWED}.", json_schema_extra=_MOMENT),
]
ExchangeQuery: TypeAlias = Annotated[
    str | None, Query(description="Venue id; all venues when left out.", max_length=32)
]
TerminalExchangeQuery: TypeAlias = Annotated[
    str, Query(description="Venue id; see /exchanges.", min_length=1, max_length=32)
]
AnyExchangeQuery: TypeAlias = Annotated[
    str,
    Query(
        description="Venue id, or `all`.",
        min_length=1,
        max_length=32,
        json_schema_extra={"enum": [ALL_EXCHANGES]},
    ),
]
ExchangesQuery: TypeAlias = Annotated[
    str | None,
    Query(description="Venue ids with commas between; all venues when left out.", max_length=256),
]
SymbolQuery: TypeAlias = Annotated[
    str | None,
    Query(description="Symbol in any common spelling, or `*`.", min_length=1, max_length=192),
]
ChannelQuery: TypeAlias = Annotated[Channel | None, Query(description="Which stream.")]
GapStateQuery: TypeAlias = Annotated[GapState | None, Query(description="What became of it.")]
Limit1500: TypeAlias = Annotated[
    int, Field(ge=1, le=1500), BeforeValidator(WholeNumber(1, 1500)), Query(description=_LIMIT_TEXT)
]
Limit1000: TypeAlias = Annotated[
    int, Field(ge=1, le=1000), BeforeValidator(WholeNumber(1, 1000)), Query(description=_LIMIT_TEXT)
]
Limit500: TypeAlias = Annotated[
    int, Field(ge=1, le=500), BeforeValidator(WholeNumber(1, 500)), Query(description=_LIMIT_TEXT)
]


def check_query(request: Request) -> None:
    """Refuses query parameters that the route does not know, or that are given twice.

    Raises:
        RequestError: names the first of them.
    """
    given = request.query_params.multi_items()
    if not given:
        return
    known = [field.alias for field in request.scope["route"].dependant.query_params]
    seen: set[str] = set()
    for name, value in given:
        if name not in known:
            raise RequestError(
                name[:64], value, f"no such parameter; use {', '.join(known) or 'none'}"
            )
        if name in seen:
            raise RequestError(name, value, "given once")
        seen.add(name)


def router_of(tag: str, *dependencies: fastapi_params.Depends) -> APIRouter:
    """A router for an application to take, whose routes know their query (`check_query`).

    Args:
        tag: of its routes in the document.
        dependencies: what its routes do after that check, before they answer.
    """
    return APIRouter(tags=[tag], dependencies=[Depends(check_query), *dependencies])


def check_span(start_ms: int | None, end_ms: int | None) -> None:
    """Refuses a span of time that ends before it starts.

    Raises:
        RequestError: it does.
    """
    if start_ms is not None and end_ms is not None and start_ms > end_ms:
        raise RequestError("end_time", end_ms, f"not before start_time ({start_ms})")


def last_of_span(start_ms: int | None, end_ms: int | None, now_ms: int) -> int:
    """The last time of a span, both ends included, ms: now where no end is given.

    Raises:
        RequestError: it starts after that; names what was sent.
    """
    check_span(start_ms, end_ms)
    if end_ms is not None:
        return end_ms
    if start_ms is not None and start_ms > now_ms:
        raise RequestError("start_time", start_ms, f"not after now ({now_ms})")
    return now_ms
