"""The bytes of a block: columns of liquidations, or of their sums, one behind the other.

Little-endian, no header, each column whole before the next begins, eight-byte ones first so that
they can be used where they lie. How many rows there are stands beside the block. Another layout is
another version of the tables: the step that makes it deletes all blocks, which are made again.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from headwater.analytics.liquidation_columns import LiquidationColumns
from headwater.analytics.volume_tally import StepSums

DAY_MS: Final = 86_400_000
"""Length of a day, ms."""

_EVENTS: Final[Mapping[str, str]] = MappingProxyType(
    {"received": "<i8", "price": "<f8", "value": "<f8", "quantity": "<f8", "at": "<u4", "is": "u1"}
)
_SUMS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "usd_whole": "<i8",
        "usd_fraction": "<u8",
        "quantity_whole": "<i8",
        "quantity_fraction": "<u8",
        "at": "<u4",
        "count": "<u4",
        "is": "u1",
    }
)
_LONG: Final = 1
_FLOOR: Final = 2
_BANKRUPTCY: Final = 4


def pack_events(columns: LiquidationColumns, day: int) -> bytes:
    """The block of a day's liquidations.

    Args:
        columns: all of that day.
        day: days since the epoch.
    """
    flags = (
        columns.is_long * _LONG + columns.is_floor * _FLOOR + columns.is_bankruptcy * _BANKRUPTCY
    )
    parts = [columns.received_ms, columns.price, columns.value, columns.quantity]
    return _packed(_EVENTS, [*parts, columns.timestamp_ms - day * DAY_MS, flags])


def unpack_events(content: bytes, rows: int, day: int) -> LiquidationColumns:
    """The liquidations of a block; see `pack_events`."""
    found = _unpacked(_EVENTS, content, rows)
    flags = found["is"]
    return LiquidationColumns(
        timestamp_ms=found["at"].astype(np.int64) + day * DAY_MS,
        received_ms=found["received"],
        price=found["price"],
        value=found["value"],
        quantity=found["quantity"],
        is_long=flags & _LONG != 0,
        is_bankruptcy=flags & _BANKRUPTCY != 0,
        is_floor=flags & _FLOOR != 0,
    )


def pack_sums(sums: StepSums, day: int) -> bytes:
    """The block of a day's sums."""
    flags = sums.is_long * _LONG + sums.is_floor * _FLOOR
    words = [sums.usd_whole, sums.usd_fraction, sums.quantity_whole, sums.quantity_fraction]
    return _packed(_SUMS, [*words, sums.opened_at_ms - day * DAY_MS, sums.count, flags])


def unpack_sums(content: bytes, rows: int, day: int) -> StepSums:
    """The sums of a block; see `pack_sums`."""
    found = _unpacked(_SUMS, content, rows)
    flags = found["is"]
    return StepSums(
        opened_at_ms=found["at"].astype(np.int64) + day * DAY_MS,
        is_long=flags & _LONG != 0,
        usd_whole=found["usd_whole"],
        usd_fraction=found["usd_fraction"],
        quantity_whole=found["quantity_whole"],
        quantity_fraction=found["quantity_fraction"],
        count=found["count"].astype(np.int64),
        is_floor=flags & _FLOOR != 0,
    )


def _packed(layout: Mapping[str, str], columns: Sequence[npt.NDArray[Any]]) -> bytes:
    parts = zip(columns, layout.values(), strict=True)
    return b"".join(column.astype(kind).tobytes() for column, kind in parts)


def _unpacked(layout: Mapping[str, str], content: bytes, rows: int) -> dict[str, npt.NDArray[Any]]:
    found = {}
    place = 0
    for name, kind in layout.items():
        found[name] = np.frombuffer(content, kind, rows, place)
        place += rows * np.dtype(kind).itemsize
    if place != len(content):
        raise ValueError(f"a block of {rows} rows has {len(content)} bytes instead of {place}")
    return found
