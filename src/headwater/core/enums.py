"""Closed sets that more than one layer speaks of.

Each member's value is the text that users see in JSON, queries and metrics.
"""

from enum import StrEnum


class Side(StrEnum):
    """Side of an order: of a trade, the taker's; of a liquidation, the closing order's."""

    BUY = "buy"
    SELL = "sell"


class PositionSide(StrEnum):
    """Direction of a position; of a liquidation, the position that was closed by force."""

    LONG = "long"
    SHORT = "short"


class PriceKind(StrEnum):
    """What the price of a liquidation is. Venues differ; do not draw them as one thing unmarked."""

    ORDER = "order"
    AVERAGE = "average"
    BANKRUPTCY = "bankruptcy"


class InstrumentKind(StrEnum):
    """Kind of contract."""

    PERPETUAL = "perpetual"
    FUTURE = "future"
    UNKNOWN = "unknown"


class InstrumentStatus(StrEnum):
    """Whether the venue trades the instrument now."""

    TRADING = "trading"
    PENDING = "pending"
    HALTED = "halted"
    CLOSED = "closed"
    UNKNOWN = "unknown"


class Channel(StrEnum):
    """A kind of live data that can be subscribed to, named alike on every venue."""

    TRADES = "trades"
    CANDLES = "candles"
    BOOK = "book"
    QUOTES = "quotes"
    TICKERS = "tickers"
    MARK_PRICES = "mark_prices"
    LIQUIDATIONS = "liquidations"
    OPEN_INTEREST = "open_interest"


class SpikeMethod(StrEnum):
    """How an open-interest or volume reading is scored against the ones before it.

    `classic`: (x − mean) / sample standard deviation; `robust`: logarithm, median and MAD;
    `seasonal`: against the same time of day; `ewma`: against exponentially weighted figures.
    """

    CLASSIC = "classic"
    ROBUST = "robust"
    SEASONAL = "seasonal"
    EWMA = "ewma"


class FeedState(StrEnum):
    """State of a connection or of one channel on it, as users see it.

    `connecting` → `live` (confirmed and data flows) → `stale` (silent for longer than its
    limit) or `down` (no connection); `resyncing` is a book between a gap and its new snapshot.
    """

    CONNECTING = "connecting"
    LIVE = "live"
    STALE = "stale"
    RESYNCING = "resyncing"
    DOWN = "down"


class GapCause(StrEnum):
    """Why records are missing; `downtime`: the platform itself did not run."""

    DISCONNECT = "disconnect"
    SEQUENCE_BREAK = "sequence_break"
    STALE = "stale"
    OVERFLOW = "overflow"
    WIRE_ERROR = "wire_error"
    DOWNTIME = "downtime"


class GapState(StrEnum):
    """What became of a hole in a stream."""

    OPEN = "open"
    REPAIRED = "repaired"
    UNRECOVERABLE = "unrecoverable"


class StoredTrades(StrEnum):
    """Which trades are stored."""

    LARGE = "large"
    ALL = "all"
    NONE = "none"


class FeedCompleteness(StrEnum):
    """How many of a venue's liquidations its feed tells at best."""

    FULL = "full"
    ONE_PER_SECOND = "1-per-second"
    PARTIAL = "partial"
    UNKNOWN = "unknown"


class TapeFormat(StrEnum):
    """How the raw tape is written.

    `ndjson`: gzipped lines, on the disk within half a second; `parquet`: columns by venue and day,
    a little smaller and read many times as fast, on the disk within a minute.
    """

    NDJSON = "ndjson"
    PARQUET = "parquet"


class StoredTable(StrEnum):
    """A table of the database: one kind of record each."""

    CANDLES = "candles"
    MARK_CANDLES = "mark_candles"
    TRADES = "trades"
    LIQUIDATIONS = "liquidations"
    FUNDING_RATES = "funding_rates"
    OPEN_INTEREST = "open_interest"
    GAPS = "gaps"
    FORECASTS = "forecasts"
    LIVE_SPELLS = "live_spells"
    BACKFILLS = "backfills"
    STRATEGIES = "strategies"
    BACKTESTS = "backtests"


class BacktestKind(StrEnum):
    """What a back-test job does."""

    BACKTEST = "backtest"
    OPTIMISE = "optimise"
    WALK_FORWARD = "walk_forward"


class BacktestState(StrEnum):
    """Where a back-test job is; strict: another value is an error."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
