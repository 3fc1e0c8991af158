"""Margin tiers as people and programs state them: a floor, a rate and a highest leverage each.

Caps and deductions follow from the rows (`analytics/margin.build_tiers`), so that no table can
contradict itself; the last tier has no end.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from headwater.analytics.margin import build_tiers
from headwater.core.errors import RequestError
from headwater.core.margin_tiers import MarginTier

__all__ = [
    "SHIPPED",
    "TIERS_MAX",
    "TierRow",
    "shipped_rows",
    "tier_rows_of_file",
    "tiers_of",
]

TIERS_MAX: Final = 100
"""Most tiers of a table."""

SHIPPED: Final = "shipped"
"""The word for the dated copy that ships with the program."""

_BYTES_MAX: Final = 1024 * 1024


class TierRow(msgspec.Struct, frozen=True, kw_only=True):
    """One tier.

    Attributes:
        notional_floor: value of a position from which it holds, quote currency; 0 in the first.
        maintenance_rate: maintenance margin as a share of the value, in [0, 1).
        leverage_max: highest leverage of a position in it, ≥ 1.
    """

    notional_floor: float
    maintenance_rate: float
    leverage_max: float


def tiers_of(rows: Sequence[TierRow]) -> tuple[MarginTier, ...]:
    """The tiers of the rows; none for none.

    Raises:
        RequestError: floors that do not ascend from 0, or a number that no tier has.
    """
    if not rows:
        return ()
    if len(rows) > TIERS_MAX:
        raise RequestError("tiers", len(rows), f"at most {TIERS_MAX}")
    for number, row in enumerate(rows, start=1):
        if not 1.0 <= row.leverage_max <= 1_000.0:
            raise RequestError(f"tiers, row {number}: leverage_max", row.leverage_max, "1 to 1000")
        if not 0.0 <= row.notional_floor <= 1e15:
            raise RequestError(
                f"tiers, row {number}: notional_floor", row.notional_floor, "0 to 1e15"
            )
    try:
        return build_tiers(
            [(row.notional_floor, row.maintenance_rate, row.leverage_max) for row in rows]
        )
    except ValueError as error:
        raise RequestError(
            "tiers", f"{len(rows)} rows", f"rows ascending from 0, rates in [0, 1): {error}"
        ) from error


def shipped_rows(exchange: str, symbol: str) -> tuple[tuple[TierRow, ...], str]:
    """The rows of the dated copy that ships for a contract, and what copy it is.

    Args:
        exchange: venue id.
        symbol: canonical symbol.

    Raises:
        RequestError: none ships of this contract.
    """
    # Whoever reads rows does not load a venue for it: each worker of a back-test does.
    from headwater.venues.binance import margin_snapshot

    found = margin_snapshot.BRACKETS.get(symbol) if exchange == "binance" else None
    if found is None:
        raise RequestError(
            "tiers",
            f"{SHIPPED}: {symbol or 'no symbol'} on {exchange or 'no exchange'}",
            f"a contract of which a copy ships (binance: {margin_snapshot.KNOWN}), or a table of "
            "your own, such as the answer of GET /api/v1/margin/tiers",
        )
    rows = tuple(
        TierRow(
            notional_floor=one.notional_floor,
            maintenance_rate=one.maintenance_rate,
            leverage_max=one.leverage_max,
        )
        for one in found
    )
    return rows, f"{exchange}'s tiers of {symbol}, {margin_snapshot.SOURCE}"


def tier_rows_of_file(path: Path) -> tuple[TierRow, ...]:
    """The rows of a JSON file: a list of rows, or the answer of `GET /api/v1/margin/tiers`.

    Raises:
        RequestError: no such file, or nothing of these; names what is wrong.
    """
    try:
        if path.stat().st_size > _BYTES_MAX:
            raise RequestError("tiers", path, "a file of at most 1 MiB")
        told: Any = msgspec.json.decode(path.read_bytes())
    except OSError as error:
        raise RequestError("tiers", path, f"a file that can be read: {error.strerror}") from error
    except msgspec.DecodeError as error:
        raise RequestError("tiers", path, f"JSON: {error}") from error
    if isinstance(told, dict):
        told = told.get("tiers")
    if not isinstance(told, list) or not told:
        raise RequestError("tiers", path, "a list of tiers, or an object with the list `tiers`")
    try:
        return msgspec.convert([_named(one) for one in told], tuple[TierRow, ...])
    except msgspec.ValidationError as error:
        raise RequestError(
            "tiers",
            path,
            f"rows with notional_floor, maintenance_rate and leverage_max: {error}",
        ) from error


_ANSWERED: Final = {
    "min_notional": "notional_floor",
    "margin_rate": "maintenance_rate",
    "max_leverage": "leverage_max",
}
"""Names of the API's answer, by which a saved answer is read, too."""


def _named(row: Any) -> Any:
    """A row of the API's answer by the names of `TierRow`; any other as it is.

    Raises:
        RequestError: it goes by quantities, which bars of one account are not run by.
    """
    if not isinstance(row, dict):
        return row
    if row.get("min_quantity") is not None or row.get("quantity_floor") is not None:
        raise RequestError("tiers", "a table by quantity", "a table by notional values")
    return {_ANSWERED.get(name, name): value for name, value in row.items()}
