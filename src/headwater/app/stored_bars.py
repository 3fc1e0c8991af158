"""Bars of the platform's own database for the command line: which database, which span."""

from typing import Final

from headwater.app.run_options import BarsWanted, span_of
from headwater.app.settings import load
from headwater.app.storing import database_of_settings
from headwater.backtest.stored_bars import ExtraColumn, StoredBars, stored_bars
from headwater.core.errors import RequestError
from headwater.core.instruments import canonical_spelling
from headwater.core.intervals import Interval
from headwater.storage.sessions import ReadSession
from headwater.strategies.bars import Bars

__all__ = ["bars_of_storage"]

_NEVER_MS: Final = 7_258_118_400_000
"""The year 2200: later than any candle."""


def bars_of_storage(wanted: BarsWanted) -> Bars:
    """The bars of one series, with what was known of funding, interest and liquidations.

    Args:
        wanted: symbol, venue and interval are given.

    Raises:
        RequestError: an unknown interval, a time that is none, or no candle is stored there.
        StorageError: the database does not answer.
    """
    try:
        interval = Interval(wanted.interval)
    except ValueError:
        raise RequestError("interval", wanted.interval, f"one of {', '.join(Interval)}") from None
    symbol = canonical_spelling(wanted.symbol)
    if not symbol:
        raise RequestError("symbol", wanted.symbol, "a symbol such as BTCUSDT")
    start_ms, end_ms = span_of(wanted)
    question = StoredBars(
        exchange=wanted.exchange.strip().lower(),
        symbol=symbol,
        interval=interval,
        start_ms=start_ms or 0,
        end_ms=_NEVER_MS if end_ms is None else end_ms,
        extras=tuple(ExtraColumn),
    )
    with ReadSession(database_of_settings(load(wanted.config))) as session:
        return stored_bars(session, question)
