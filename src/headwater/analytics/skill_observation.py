"""What followed a forecast: the mark price's way and the liquidations, made into windows.

A window counts only when everything in it was seen: one with a hole in the liquidations or in the
mark price is dropped, and the drops are counted.

Liquidations are put where their price is. Venues tell different kinds of price (fill, bankruptcy);
what triggers is the mark price, so `at_marks` moves them to the mark of their moment first.
"""

from collections.abc import Iterable, Sequence
from typing import Final, Self

import msgspec
import numpy as np

from headwater.analytics.arrays import BoolArray, FloatArray, IndexArray
from headwater.analytics.skill_windows import LONG_ROW, SHORT_ROW, Forecast, Window, cells_of
from headwater.core.enums import Channel, GapState, PositionSide
from headwater.core.records import Gap, Liquidation, MarkPrice

WATCHED: Final = (Channel.LIQUIDATIONS, Channel.MARK_PRICES)
"""Channels whose holes spoil a window."""

_NEVER_MS: Final = 2**63 - 1

MARK_SILENCE_MAX_MS: Final = 120_000
"""Longest time without a mark price inside a window: two bars of a minute."""


class MarkPath(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """The way of the mark price: samples, or bars of a minute at most.

    Attributes:
        at_ms: shape (n,), ascending: time of a sample, end of a bar, ms since the epoch. Forecasts
            are issued on ends of bars, else a bar belongs to the window that it ends in.
        low: shape (n,): lowest mark price, quote currency; of a sample the price itself.
        high: shape (n,): highest.
    """

    at_ms: IndexArray
    low: FloatArray
    high: FloatArray

    @classmethod
    def of(cls, records: Iterable[MarkPrice]) -> Self:
        """The path through samples of one symbol, ascending in time."""
        rows = [(one.timestamp_ms, one.mark) for one in records]
        mark = np.array([price for _, price in rows], dtype=np.float64)
        at_ms = np.array([moment for moment, _ in rows], dtype=np.int64)
        return cls(at_ms=at_ms, low=mark, high=mark)


class LiquidationEvents(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """Liquidations of one symbol from a feed that tells all of them.

    Attributes:
        at_ms: shape (n,), ascending, ms since the epoch.
        price: shape (n,), quote currency.
        usd: shape (n,), ≥ 0.
        is_long: shape (n,): the position that was closed.
    """

    at_ms: IndexArray
    price: FloatArray
    usd: FloatArray
    is_long: BoolArray

    @classmethod
    def of(cls, records: Iterable[Liquidation]) -> Self:
        """Liquidations of one symbol, ascending in time, at the prices that the venue tells."""
        rows = list(records)
        return cls(
            at_ms=np.array([one.timestamp_ms for one in rows], dtype=np.int64),
            price=np.array([one.price for one in rows], dtype=np.float64),
            usd=np.array([one.value for one in rows], dtype=np.float64),
            is_long=np.array(
                [one.position_side is PositionSide.LONG for one in rows], dtype=np.bool_
            ),
        )


class Observation(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """The windows of a stretch of time and how many were dropped.

    Attributes:
        windows: in the order of the forecasts.
        dropped_gap: windows with a gap in the ledger.
        dropped_unmarked: windows with a hole in the mark price, or not over yet.
    """

    windows: tuple[Window, ...]
    dropped_gap: int
    dropped_unmarked: int


def at_marks(events: LiquidationEvents, marks: MarkPath) -> LiquidationEvents:
    """Moves liquidations to the mark price of their moment.

    That is the first sample or bar that ends at the liquidation or later: of a bar the low for a
    long and the high for a short, the farthest the mark can have been. After the last one prices
    stay as they are.

    Args:
        events: at whatever price the venue tells.
        marks: of the same symbol.
    """
    index = np.searchsorted(marks.at_ms, events.at_ms, side="left")
    known = index < len(marks.at_ms)
    price = events.price.copy()
    price[known] = np.where(
        events.is_long[known], marks.low[index[known]], marks.high[index[known]]
    )
    return msgspec.structs.replace(events, price=price)


def observe(
    forecasts: Sequence[Forecast],
    marks: MarkPath,
    events: LiquidationEvents,
    gaps: Sequence[Gap] = (),
) -> Observation:
    """Adds to each forecast what followed.

    Args:
        forecasts: of one symbol.
        marks: its mark price, over all horizons.
        events: its liquidations, over all horizons.
        gaps: of the same symbol, as the ledger keeps them. Those of liquidations and mark prices
            count unless they were repaired; one that is open has no end.

    Returns:
        One window for each forecast whose time was seen wholly.
    """
    holes = _Holes(gaps)
    windows: list[Window] = []
    dropped_gap = dropped_unmarked = 0
    for one in forecasts:
        end_ms = one.issued_ms + one.horizon_ms
        if holes.touch(one.issued_ms, end_ms):
            dropped_gap += 1
        elif not _is_marked(one.issued_ms, end_ms, marks.at_ms):
            dropped_unmarked += 1
        else:
            windows.append(_window(one, marks, events))
    return Observation(
        windows=tuple(windows), dropped_gap=dropped_gap, dropped_unmarked=dropped_unmarked
    )


def reached_cells(forecast: Forecast, low: float, high: float) -> BoolArray:
    """The cells that a way of the mark price enters, each side on its own side of the price.

    The way begins at the price at issue and has no jumps, so its two ends tell all of it.

    Args:
        forecast: whose cells.
        low: lowest mark price of the window, quote currency.
        high: highest.

    Returns:
        Shape (2, cells).
    """
    far = cells_of(
        forecast.price, np.array([low, high]), np.array([True, False]), forecast.cell_width
    )
    cells = np.arange(forecast.mass_usd.shape[1])
    reached: BoolArray = cells[None, :] <= far[:, None]
    return reached


class _Holes:
    """Holes that spoil windows, looked up in one step however many there are."""

    def __init__(self, gaps: Sequence[Gap]) -> None:
        found = sorted(
            (gap.timestamp_ms, _NEVER_MS if gap.until_ms is None else gap.until_ms)
            for gap in gaps
            if gap.channel in WATCHED and gap.state is not GapState.REPAIRED
        )
        spans = np.array(found, dtype=np.int64).reshape(-1, 2)
        self._begun_ms = spans[:, 0]
        # The latest end of all holes that began so early.
        self._until_ms = np.maximum.accumulate(spans[:, 1])

    def touch(self, start_ms: int, end_ms: int) -> bool:
        """Whether one of them has a moment after the start, up to the end."""
        begun = int(np.searchsorted(self._begun_ms, end_ms, side="right"))
        return begun > 0 and bool(self._until_ms[begun - 1] > start_ms)


def _is_marked(start_ms: int, end_ms: int, at_ms: IndexArray) -> bool:
    """Whether (start, end] has a mark price often enough, up to its end."""
    inside = at_ms[_between(at_ms, start_ms, end_ms)]
    stops = np.concatenate([[start_ms], inside, [end_ms]])
    return len(inside) > 0 and bool(np.diff(stops).max() <= MARK_SILENCE_MAX_MS)


def _between(at_ms: IndexArray, start_ms: int, end_ms: int) -> slice:
    """Where (start, end] stands in ascending times."""
    first, last = np.searchsorted(at_ms, [start_ms, end_ms], side="right")
    return slice(int(first), int(last))


def _window(forecast: Forecast, marks: MarkPath, events: LiquidationEvents) -> Window:
    """One window whose time was seen wholly."""
    end_ms = forecast.issued_ms + forecast.horizon_ms
    marked = _between(marks.at_ms, forecast.issued_ms, end_ms)
    low, high = float(marks.low[marked].min()), float(marks.high[marked].max())
    reached = reached_cells(forecast, low, high)
    seen = _between(events.at_ms, forecast.issued_ms, end_ms)
    is_long, usd = events.is_long[seen], events.usd[seen]
    which = cells_of(forecast.price, events.price[seen], is_long, forecast.cell_width)
    cells = reached.shape[1]
    fits = (which >= 0) & (which < cells)
    row = np.where(is_long, LONG_ROW, SHORT_ROW)
    fits[fits] = reached[row[fits], which[fits]]
    flat = (row * cells + which)[fits]
    realised = np.bincount(flat, weights=usd[fits], minlength=2 * cells).astype(np.float64)
    return Window(
        forecast=forecast,
        reached=reached,
        realised_usd=realised.reshape(2, cells),
        events=np.bincount(flat, minlength=2 * cells).reshape(2, cells).astype(np.int64),
        outside_usd=float(usd[~fits].sum()),
    )
