"""What a run goes over: bars, funding payments and smaller bars, with what is said of them."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import msgspec
import numpy as np

from headwater.backtest.assumptions import Assumptions
from headwater.backtest.bar_ends import bar_ends_ms
from headwater.backtest.funding import FundingColumns
from headwater.core.errors import RequestError
from headwater.strategies.bars import Bars, time_text

__all__ = [
    "NO_PAYMENTS",
    "FundingSource",
    "RunInputs",
    "check_detail",
    "detail_told",
    "funding_told",
    "within",
]

NO_PAYMENTS: Final = "none: no funding is paid or received"
"""What is said of a run without funding payments."""

_HOLE: Final = 1.5
_MINUTE_MS: Final = 60_000
_UNITS: Final = ((86_400_000, "d"), (3_600_000, "h"), (_MINUTE_MS, "m"))


class FundingSource(StrEnum):
    """Where the funding payments of a run over stored candles come from."""

    STORED = "stored"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunInputs:
    """What a run goes over.

    Attributes:
        bars: of the run.
        funding: payments within the bars' span; None for none.
        detail: bars of a smaller interval; None for none.
        funding_text: which payments these are, or why there are none.
    """

    bars: Bars
    funding: FundingColumns | None = None
    detail: Bars | None = None
    funding_text: str = NO_PAYMENTS

    def stated(self, assumptions: Assumptions) -> Assumptions:
        """The assumptions with what is said of funding and smaller bars."""
        detail = "" if self.detail is None else detail_told(self.detail, self.bars)
        return msgspec.structs.replace(assumptions, funding=self.funding_text, detail=detail)


def within(funding: FundingColumns, bars: Bars) -> FundingColumns | None:
    """The payments that are due from the first bar's opening to the last one's end.

    Returns:
        None where there is none.
    """
    if not len(bars):
        return None
    times = funding.timestamp_ms
    first = int(times.searchsorted(bars.timestamp_ms[0]))
    last = int(times.searchsorted(bar_ends_ms(bars)[-1]))
    if first >= last:
        return None
    marks = funding.mark_price
    return FundingColumns(
        timestamp_ms=times[first:last],
        rate=funding.rate[first:last],
        mark_price=None if marks is None else marks[first:last],
    )


def funding_told(funding: FundingColumns, bars: Bars, source: str) -> str:
    """Payments in words: how many, from when to when, at which price, and whether some are missing.

    Args:
        funding: at least one payment, all within the bars' span.
        bars: of the run.
        source: where they come from.
    """
    times = funding.timestamp_ms
    count = len(times)
    price = "the bar's open" if funding.mark_price is None else "the mark price"
    text = (
        f"{count} {'payment' if count == 1 else 'payments'} at their times, {source}, "
        f"{time_text(int(times[0]))} to {time_text(int(times[-1]))}, of the value at {price}"
    )
    usual = float(np.median(np.diff(times))) if count > 1 else 0.0
    if not usual:
        return text
    end = bar_ends_ms(bars)[-1]
    distances = np.diff(np.concatenate(([bars.timestamp_ms[0]], times, [end])))
    holes = int(np.count_nonzero(distances > _HOLE * usual))
    if not holes:
        return text
    return f"{text}; SOME MAY BE MISSING: {holes} pauses of more than {_HOLE:g} × the usual one"


def check_detail(detail: Bars, bars: Bars) -> Bars:
    """The smaller bars, once they can tell something of the bars of a run.

    Raises:
        RequestError: they are not smaller, do not fit into the bars, or are of another time.
    """
    if not 0 < detail.interval_ms < bars.interval_ms or bars.interval_ms % detail.interval_ms:
        raise RequestError(
            "detail",
            _length(detail.interval_ms),
            f"bars shorter than {_length(bars.interval_ms)} that fit into them",
        )
    end = bar_ends_ms(bars)[-1]
    times = detail.timestamp_ms
    if not ((times >= bars.timestamp_ms[0]) & (times < end)).any():
        raise RequestError("detail", _span(detail), f"bars of the time {_span(bars)}")
    return detail


def detail_told(detail: Bars, bars: Bars) -> str:
    """Smaller bars in words: their length, and how many of the run's bars they lie in."""
    starts = detail.timestamp_ms.searchsorted(bars.timestamp_ms)
    ends = detail.timestamp_ms.searchsorted(bar_ends_ms(bars))
    told = int(np.count_nonzero(ends > starts))
    return f"{_length(detail.interval_ms)} bars (there for {told} of {len(bars)} bars)"


def _length(interval_ms: int) -> str:
    """A length of time in the largest unit that it is a multiple of."""
    for size, name in _UNITS:
        if interval_ms and interval_ms % size == 0:
            return f"{interval_ms // size}{name}"
    return f"{interval_ms} ms"


def _span(bars: Bars) -> str:
    first, last = int(bars.timestamp_ms[0]), int(bars.timestamp_ms[-1])
    return f"from {time_text(first)} to {time_text(last)}"
