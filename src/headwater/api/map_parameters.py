"""Query parameters of the liquidation maps; read as strictly as those of `parameters`."""

from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Final, TypeAlias

from fastapi import Query
from pydantic import BeforeValidator

from headwater.analytics.leverage_weights import (
    LEVERAGE_TIERS,
    LeverageClass,
    leverage_classes,
    parse_leverage_weights,
)
from headwater.api.parameters import WholeNumber, is_decimal, refuse
from headwater.core.errors import RequestError
from headwater.core.intervals import Interval

WINDOWS: Final = {
    "48h": (2, Interval.M30), "3d": (3, Interval.H1), "7d": (7, Interval.H1),
    "14d": (14, Interval.H2), "30d": (30, Interval.H4), "60d": (60, Interval.H8),
    "90d": (90, Interval.H12), "180d": (180, Interval.D1), "1y": (365, Interval.D1),
}  # fmt: skip
"""Days and length of a bar of each `time_window` (L-R3)."""

_BIN_MAX: Final = 1000.0
_BIN_PLACES: Final = 8
"""Decimal places of a given height: with more, edges of buckets are no longer exact in floats."""
_TIERS: Final = "|".join(str(one) for one in LEVERAGE_TIERS)
_PAIR: Final = f"({_TIERS}):[0-9]{{1,6}}"


class HeatmapModel(StrEnum):
    """Whose map: what was liquidated, or what a model makes of other data."""

    REALISED = "realised"
    ESTIMATED = "estimated"
    EMPIRICAL = "empirical"
    OBSERVED = "observed"
    B0 = "b0"
    B1 = "b1"
    B2 = "b2"
    B3 = "b3"
    B4 = "b4"


class MapFormat(StrEnum):
    """Shape of the answer."""

    LEVELS = "levels"
    COINGLASS = "coinglass"


class DistanceMetric(StrEnum):
    """How far two prices are from each other; in one dimension both are the same."""

    EUCLIDEAN = "euclidean"
    MANHATTAN = "manhattan"


def read_bin_size(value: object) -> object:
    """Reads the height of a price bucket, to `_BIN_PLACES`; None stays None."""
    if value is None:
        return None
    text = str(value)
    try:
        size = Decimal(text) if is_decimal(text) else Decimal(0)
    except ArithmeticError:
        size = Decimal(0)
    if not (size.is_finite() and Decimal("1e-8") <= size <= Decimal(_BIN_MAX)):
        raise refuse(f"a number from 0.00000001 to {_BIN_MAX:.0f}")
    return float(round(size, _BIN_PLACES))


def read_window(value: object) -> object:
    """Reads a `time_window`; None stays None."""
    if value is not None and value not in WINDOWS:
        raise refuse(list(WINDOWS))
    return value


def read_epsilon(value: object) -> object:
    """Reads a share in (0, 1]."""
    text = str(value)
    try:
        share = Decimal(text) if is_decimal(text) else Decimal(0)
    except ArithmeticError:
        share = Decimal(0)
    if not (share.is_finite() and Decimal("1e-6") <= share <= 1):
        raise refuse("a number from 0.000001 to 1")
    return float(share)


def read_flag(value: object) -> object:
    """Reads `true` or `false`."""
    if isinstance(value, bool):
        return value
    if value not in ("true", "false"):
        raise refuse(["true", "false"])
    return value == "true"


def read_weights(text: str | None) -> tuple[LeverageClass, ...]:
    """Leverages with their shares; the default ones when left out.

    Raises:
        RequestError: no such pairs, an unknown leverage, or weights that are all zero.
    """
    if text is None:
        return leverage_classes()
    try:
        return parse_leverage_weights(text)
    except ValueError as error:
        allowed = f"pairs such as 10:0.5,25:0.5 of the leverages {list(LEVERAGE_TIERS)}: {error}"
        raise RequestError("leverage_weights", text, allowed) from error


_ONE_BIN: Final[dict[str, Any]] = {"type": "number", "minimum": 1e-8, "maximum": _BIN_MAX}

WindowQuery: TypeAlias = Annotated[
    str | None,
    BeforeValidator(read_window),
    Query(
        description="The newest so much; chooses `interval` itself and overrides `start_time`.",
        json_schema_extra={"anyOf": [{"type": "string", "enum": list(WINDOWS)}]},
    ),
]
BinQuery: TypeAlias = Annotated[
    float | None,
    BeforeValidator(read_bin_size),
    Query(
        description="Height of a price bucket, quote currency, to 8 decimal places. Left out: the "
        "smallest of 1, 2, 2.5, 5 × 10^k ticks that is at least a third of the median candle; of a "
        "model's map, at least a four-hundredth of the price.",
        json_schema_extra={"anyOf": [_ONE_BIN]},
    ),
]
HeatmapModelQuery: TypeAlias = Annotated[
    HeatmapModel,
    Query(description="`realised`: prints only. All others are models, never blended with it."),
]
WeightsQuery: TypeAlias = Annotated[
    str | None,
    Query(
        description="Shares of leverages in new positions as leverage:weight with commas between, "
        f"leverages {', '.join(str(one) for one in LEVERAGE_TIERS)}, each once; made to add up "
        "to 1. Of the estimated map and b4.",
        max_length=200,
        examples=["5:15,10:30,25:25,50:20,100:10"],
        json_schema_extra={"anyOf": [{"type": "string", "pattern": f"^{_PAIR}(,{_PAIR}){{0,4}}$"}]},
    ),
]
MapFormatQuery: TypeAlias = Annotated[
    MapFormat, Query(description="`coinglass`: the shape that tools for Coinglass read.")
]
EpsilonQuery: TypeAlias = Annotated[
    float,
    BeforeValidator(read_epsilon),
    Query(
        description="Reach of a level as a share of the range of prices.",
        json_schema_extra={"type": "number", "minimum": 1e-6, "maximum": 1},
    ),
]
SamplesQuery: TypeAlias = Annotated[
    int,
    BeforeValidator(WholeNumber(2, 10)),
    Query(description="Least weight around a core, in average levels.", ge=2, le=10),
]
MetricQuery: TypeAlias = Annotated[
    DistanceMetric, Query(description="In one dimension both are the same number.")
]
TuneQuery: TypeAlias = Annotated[
    bool,
    BeforeValidator(read_flag),
    Query(
        description="Whether to find the reach from the levels instead.",
        json_schema_extra={"type": "boolean"},
    ),
]
MinutesQuery: TypeAlias = Annotated[
    int,
    BeforeValidator(WholeNumber(1, 525_600)),
    Query(description="Length of the span up to now, minutes.", ge=1, le=525_600),
]
