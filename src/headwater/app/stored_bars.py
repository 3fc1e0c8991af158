"""Stored candles as the bars of a back-test: closed ones only, read page by page."""

from collections.abc import Callable
from typing import Any, Final

from headwater.app.run_options import BarsWanted
from headwater.app.settings import load
from headwater.app.storing import database_of_settings
from headwater.core.errors import RequestError
from headwater.core.instruments import canonical_spelling
from headwater.core.intervals import Interval
from headwater.core.records import Candle
from headwater.storage.base import LIMIT_MAX, Span
from headwater.storage.candles import between
from headwater.storage.sessions import ReadSession
from headwater.strategies.bars import Bars
from headwater.strategies.epochs import epoch_ms

__all__ = ["BARS_MAX", "bars_of_candles", "stored_bars"]

BARS_MAX: Final = 10_000_000
"""Candles that are read at most."""

_DAY_MS: Final = 86_400_000
_DATE_LETTERS: Final = len("2024-12-31")


def stored_bars(wanted: BarsWanted) -> Bars:
    """The bars of one series of the database that the settings name.

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
    start_ms = None if wanted.start is None else epoch_ms(wanted.start, "start_date")
    end_ms = None if wanted.end is None else _end(wanted.end)
    with ReadSession(database_of_settings(load(wanted.config))) as session:
        candles = _pages(
            lambda span: session.fetch(between(wanted.exchange.lower(), symbol, interval, span)),
            start_ms,
            end_ms,
        )
    if not candles:
        raise RequestError(
            "data",
            f"{symbol} {interval} of {wanted.exchange}",
            "candles that are stored (headwater fetch candles … --into storage), or --data FILE",
        )
    return bars_of_candles(candles, symbol)


def bars_of_candles(candles: list[Candle], symbol: str) -> Bars:
    """Closed candles as bars.

    Args:
        candles: of one series, oldest first.
        symbol: canonical.

    Raises:
        RequestError: a number that no market has.
    """
    columns = {
        name: [getattr(one, name) for one in candles]
        for name in ("open", "high", "low", "close", "volume")
    }
    return Bars.from_columns([one.timestamp_ms for one in candles], columns, symbol=symbol)


def _pages(
    fetch: Callable[[Span], Any], start_ms: int | None, end_ms: int | None
) -> list[Candle]:
    """All closed candles of a time.

    Raises:
        RequestError: there are more than `BARS_MAX`.
    """
    found: list[Candle] = []
    while True:
        page = fetch(Span(start_ms=start_ms, end_ms=end_ms, limit=LIMIT_MAX))
        found.extend(one for one in page if one.is_closed)
        if len(page) < LIMIT_MAX:
            return found
        if len(found) > BARS_MAX:
            raise RequestError("start_date", start_ms, f"a time with at most {BARS_MAX:,} bars")
        start_ms = page[-1].timestamp_ms + 1


def _end(text: str) -> int:
    """An exclusive end; a date without a time means its whole day."""
    at = epoch_ms(text, "end_date")
    return at + _DAY_MS if len(text.strip()) == _DATE_LETTERS else at
