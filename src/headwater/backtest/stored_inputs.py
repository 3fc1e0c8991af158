"""What a run over stored candles goes over: its bars, settled funding, and smaller candles."""

from typing import Final

import msgspec
import numpy as np

from headwater.backtest.funding import FundingColumns
from headwater.backtest.run_inputs import (
    NO_PAYMENTS,
    FundingSource,
    RunInputs,
    check_detail,
    funding_told,
)
from headwater.backtest.stored_bars import STORED_ROWS_MAX, StoredBars, stored_bars
from headwater.core.errors import RequestError
from headwater.core.intervals import Interval
from headwater.storage import funding as stored_rates
from headwater.storage.sessions import ReadSession
from headwater.strategies.bars import Bars, time_text

__all__ = ["StoredInputs", "stored_funding", "stored_inputs"]

_SETTLEMENT_MS: Final = 60_000
"""Venues settle on whole minutes and stamp it some milliseconds late."""


class StoredInputs(msgspec.Struct, frozen=True, kw_only=True):
    """What is wanted for a run.

    Attributes:
        bars: which candles.
        funding: where payments come from; None: what is stored of them, or none.
        detail: interval of the smaller bars; None for none.
    """

    bars: StoredBars
    funding: FundingSource | None = None
    detail: Interval | None = None


def stored_inputs(session: ReadSession, wanted: StoredInputs) -> RunInputs:
    """Reads what a run goes over.

    Args:
        session: of the database.
        wanted: which.

    Raises:
        RequestError: no candle is stored, too many are, the smaller interval is not smaller, or
            funding is demanded and none is stored.
        StorageError: the database does not answer.
    """
    series = wanted.bars
    bars = stored_bars(session, series)
    detail = None
    if wanted.detail is not None:
        detail = _detail(session, wanted, wanted.detail, bars)
    if wanted.funding is FundingSource.NONE:
        return RunInputs(bars=bars, detail=detail)
    end_ms = int(bars.timestamp_ms[-1]) + bars.interval_ms
    paid = stored_funding(
        session, series.exchange, series.symbol, int(bars.timestamp_ms[0]), end_ms
    )
    if paid is not None:
        text = funding_told(paid, bars, f"as {series.exchange} settled them")
        return RunInputs(bars=bars, funding=paid, detail=detail, funding_text=text)
    since = time_text(int(bars.timestamp_ms[0]))
    how = (
        f"headwater fetch funding --venue {series.exchange} --symbol {series.symbol} "
        f"--since {since[:10]} --into storage"
    )
    if wanted.funding is FundingSource.STORED:
        span = f"{series.symbol} on {series.exchange}, {since} to {time_text(end_ms)}"
        raise RequestError("funding", span, f"settled payments that are stored. Fetch them: {how}")
    return RunInputs(
        bars=bars, detail=detail, funding_text=f"{NO_PAYMENTS}, for none is stored ({how})"
    )


def stored_funding(
    session: ReadSession, exchange: str, symbol: str, start_ms: int, end_ms: int
) -> FundingColumns | None:
    """The settled payments of a perpetual contract.

    A settlement that two sources stamped within the same minute is one payment.

    Args:
        session: of the database.
        exchange: venue id.
        symbol: canonical symbol.
        start_ms: earliest settlement, ms since the epoch, inclusive.
        end_ms: settlements are before this.

    Returns:
        Payments at whole minutes; None where there is none.

    Raises:
        RequestError: more than `STORED_ROWS_MAX`.
        StorageError: the database does not answer.
    """
    rows = session.columns(
        stored_rates.payment_columns(exchange, symbol, start_ms, end_ms, STORED_ROWS_MAX + 1)
    )
    if len(rows) > STORED_ROWS_MAX:
        raise RequestError("start", "funding", f"a span with at most {STORED_ROWS_MAX} payments")
    if not len(rows):
        return None
    times = rows[:, 0].astype(np.int64)
    times = np.maximum(times - times % _SETTLEMENT_MS, start_ms)
    is_last = np.append(times[1:] != times[:-1], True)
    return FundingColumns.of(times[is_last], rows[is_last, 1])


def _detail(session: ReadSession, wanted: StoredInputs, interval: Interval, bars: Bars) -> Bars:
    """The smaller candles of the bars' span.

    Raises:
        RequestError: they are not smaller, or none is stored.
    """
    if interval.nominal_ms >= wanted.bars.interval.nominal_ms:
        raise RequestError("detail", interval, f"an interval below {wanted.bars.interval}")
    asked = msgspec.structs.replace(
        wanted.bars,
        interval=interval,
        start_ms=int(bars.timestamp_ms[0]),
        # Of a month all days: the smallest distance of two bars is that of the shortest one.
        end_ms=wanted.bars.interval.closes_at_ms(int(bars.timestamp_ms[-1])),
        extras=(),
    )
    try:
        found = stored_bars(session, asked)
    except RequestError as error:
        raise RequestError("detail", error.value, error.allowed) from error
    return check_detail(found, bars)
