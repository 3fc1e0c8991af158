"""What the platform's own database has for the command line: which database, which span."""

from typing import Final

from headwater.app.run_options import BarsWanted, span_of
from headwater.app.settings import load
from headwater.app.storing import database_of_settings
from headwater.backtest.run_inputs import FundingSource, RunInputs
from headwater.backtest.stored_bars import ExtraColumn, StoredBars
from headwater.backtest.stored_inputs import StoredInputs, stored_inputs
from headwater.core.errors import ConfigError, RequestError
from headwater.core.instruments import canonical_spelling
from headwater.core.intervals import Interval
from headwater.storage.sessions import ReadSession
from headwater.storage.sqlite import SqliteDatabase
from headwater.strategies.bars import time_text

__all__ = ["inputs_of_storage"]

_NEVER_MS: Final = 7_258_118_400_000
"""The year 2200: later than any candle."""


def inputs_of_storage(
    wanted: BarsWanted, funding: FundingSource | None = None, detail: Interval | None = None
) -> RunInputs:
    """The bars of one series, with what was known of funding, interest and liquidations.

    Args:
        wanted: which series.
        funding: as `StoredInputs`.
        detail: likewise.

    Raises:
        ConfigError: symbol, venue or interval is not named.
        RequestError: an unknown interval, a time that is none, or nothing is stored of what is
            wanted.
        StorageError: the database does not answer.
    """
    missing = [name for name in ("symbol", "exchange", "interval") if not getattr(wanted, name)]
    if missing:
        lacks = ", ".join(f"--{name}" for name in missing)
        raise ConfigError(
            "--data",
            f"not given, nor {lacks}",
            "a file, or --symbol, --exchange and --interval of stored candles",
        )
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
    database = database_of_settings(load(wanted.config))
    if isinstance(database, SqliteDatabase) and not database.path.exists():
        since = time_text(question.start_ms)[:10] if start_ms else "2024-01-01"
        raise RequestError(
            "data",
            f"{symbol} {interval} on {question.exchange}",
            f"stored candles; nothing is stored yet. Fetch them: headwater fetch candles --venue "
            f"{question.exchange} --symbol {symbol} --interval {interval} --since {since} "
            "--into storage; or take a file: --data FILE",
        )
    with ReadSession(database) as session:
        return stored_inputs(session, StoredInputs(bars=question, funding=funding, detail=detail))
