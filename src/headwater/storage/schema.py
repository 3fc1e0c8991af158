"""The tables as the code of today wants them; `migrations/` brings a database there.

Each table's primary key is the natural key of what it holds, series first and time next, so that
writing a record twice changes nothing and a range of one series lies together on the disk. Times of
venues are whole milliseconds since the epoch, UTC; ours (`received_ns`) nanoseconds. Measurements
are double-precision floats, as in the records. Enumerations are stored as their text.
"""

from typing import Final

import sqlalchemy as sa

METADATA: Final = sa.MetaData()
"""All tables."""


def _text(name: str, *, key: bool = False) -> "sa.Column[str]":
    return sa.Column(name, sa.Text, primary_key=key, nullable=False)


def _whole(name: str, *, key: bool = False, empty: bool = False) -> "sa.Column[int]":
    # Not counted up by the database: the venue or the record says what it is.
    return sa.Column(name, sa.BigInteger, primary_key=key, nullable=empty, autoincrement=False)


def _number(name: str, *, key: bool = False, empty: bool = False) -> "sa.Column[float]":
    return sa.Column(name, sa.Double, primary_key=key, nullable=empty)


def _flag(name: str) -> "sa.Column[bool]":
    return sa.Column(name, sa.Boolean(create_constraint=False), nullable=False)


CANDLES: Final = sa.Table(
    "candles",
    METADATA,
    _text("exchange", key=True),
    _text("symbol", key=True),
    _text("interval", key=True),
    _whole("timestamp_ms", key=True),
    _text("native_symbol"),
    _whole("received_ns"),
    _number("open"),
    _number("high"),
    _number("low"),
    _number("close"),
    _number("volume"),
    _number("quote_volume", empty=True),
    _whole("trades_count", empty=True),
    _flag("is_closed"),
    _number("taker_buy_volume", empty=True),
    sa.Column("built_from", sa.Text, nullable=True),
    _whole("revision"),
    sqlite_with_rowid=False,
)
"""One row per venue, symbol, interval and opening time: the newest revision."""

MARK_CANDLES: Final = sa.Table(
    "mark_candles",
    METADATA,
    _text("exchange", key=True),
    _text("symbol", key=True),
    _text("interval", key=True),
    _whole("timestamp_ms", key=True),
    _text("native_symbol"),
    _whole("received_ns"),
    _number("open"),
    _number("high"),
    _number("low"),
    _number("close"),
    _flag("is_closed"),
    _whole("readings", empty=True),
    sqlite_with_rowid=False,
)
"""One row per venue, symbol, interval and opening time; `readings` is empty in the venue's own
bars, and the number of mark prices in those made of what was heard."""

TRADES: Final = sa.Table(
    "trades",
    METADATA,
    _text("exchange", key=True),
    _text("symbol", key=True),
    _whole("timestamp_ms", key=True),
    _text("trade_id", key=True),
    _flag("trade_id_is_number"),
    _text("native_symbol"),
    _whole("received_ns"),
    _text("side"),
    _number("price"),
    _number("quantity"),
    _number("value"),
    _whole("sequence", empty=True),
    _flag("is_large"),
    sqlite_with_rowid=False,
)
"""One row per trade; `is_large` marks those that reached the threshold when they were heard."""

LIQUIDATIONS: Final = sa.Table(
    "liquidations",
    METADATA,
    _text("exchange", key=True),
    _text("symbol", key=True),
    _whole("timestamp_ms", key=True),
    _text("side", key=True),
    _number("price", key=True),
    _number("quantity", key=True),
    _text("order_id", key=True),
    _text("native_symbol"),
    _whole("received_ns"),
    _text("position_side"),
    _number("value"),
    _text("price_kind"),
    _flag("is_floor"),
    _number("order_price", empty=True),
    sqlite_with_rowid=False,
)
"""One row per liquidation. Most venues number none, so its content is its key: two of the same
millisecond, side, price and quantity are one, as for the live feed. `order_id` is empty where the
venue gives none."""

sa.Index("liquidations_by_symbol", LIQUIDATIONS.c.symbol, LIQUIDATIONS.c.timestamp_ms)

FUNDING_RATES: Final = sa.Table(
    "funding_rates",
    METADATA,
    _text("exchange", key=True),
    _text("symbol", key=True),
    _whole("funding_time_ms", key=True),
    _whole("timestamp_ms"),
    _text("native_symbol"),
    _whole("received_ns"),
    _number("rate"),
    _number("interval_h", empty=True),
    sqlite_with_rowid=False,
)
"""One row per settlement: the latest that was said of it, an estimate until `timestamp_ms` reaches
`funding_time_ms`."""

OPEN_INTEREST: Final = sa.Table(
    "open_interest",
    METADATA,
    _text("exchange", key=True),
    _text("symbol", key=True),
    _whole("timestamp_ms", key=True),
    _text("native_symbol"),
    _whole("received_ns"),
    _number("open_interest"),
    _number("value", empty=True),
    sqlite_with_rowid=False,
)
"""One row per reading."""

GAPS: Final = sa.Table(
    "gaps",
    METADATA,
    _text("exchange", key=True),
    _text("symbol", key=True),
    _text("channel", key=True),
    _whole("timestamp_ms", key=True),
    _whole("gap_id", key=True),
    _text("native_symbol"),
    _whole("received_ns"),
    _text("cause"),
    _text("state"),
    _whole("until_ms", empty=True),
    _whole("first_sequence", empty=True),
    _whole("last_sequence", empty=True),
    _whole("recovered"),
    _text("detail"),
    sqlite_with_rowid=False,
)
"""One row per hole: what is known of it now. `gap_id` goes on from process to process; before it
did, each process began at 1, and with the start of the hole it is unique all the same."""

FORECASTS: Final = sa.Table(
    "forecasts",
    METADATA,
    _text("model", key=True),
    _text("version", key=True),
    _text("exchange", key=True),
    _text("symbol", key=True),
    _whole("horizon_ms", key=True),
    _whole("issued_ms", key=True),
    _text("parameters"),
    _number("price"),
    _number("cell_width_share"),
    sa.Column("long_mass", sa.LargeBinary, nullable=False),
    sa.Column("short_mass", sa.LargeBinary, nullable=False),
)
"""Append-only: triggers refuse to change or delete a row, so that a score is about what was said
then. The masses are little-endian doubles, one per cell."""


LIQUIDATION_DAYS: Final = sa.Table(
    "liquidation_days",
    METADATA,
    _text("symbol", key=True),
    _whole("day", key=True),
    _text("exchange", key=True),
    _whole("state"),
    sqlite_with_rowid=False,
)
"""One row per symbol, day since the epoch and venue that has liquidations: how they can be read.
Kept by triggers of `liquidations`; not part of a backup, since it can be made of the rows again."""

sa.Index("liquidation_days_by_state", LIQUIDATION_DAYS.c.state, LIQUIDATION_DAYS.c.day)

LIQUIDATION_BLOCKS: Final = sa.Table(
    "liquidation_blocks",
    METADATA,
    _text("symbol", key=True),
    _whole("day", key=True),
    _text("exchange", key=True),
    _whole("step_ms", key=True),
    _whole("rows"),
    sa.Column("content", sa.LargeBinary, nullable=False),
)
"""The liquidations of a day as columns (`step_ms` 0), and their sums by step. The triggers delete a
day's blocks with every change of its rows: a block that is there is true."""
LIVE_SPELLS: Final = sa.Table(
    "live_spells",
    METADATA,
    _text("exchange", key=True),
    _text("symbol", key=True),
    _text("channel", key=True),
    _whole("since_ms", key=True),
    _text("native_symbol"),
    _whole("until_ms"),
    _whole("last_sequence", empty=True),
    sqlite_with_rowid=False,
)
"""One row per unbroken time in which a stream was live; `until_ms` grows while it lasts."""

BACKFILLS: Final = sa.Table(
    "backfills",
    METADATA,
    _text("exchange", key=True),
    _text("symbol", key=True),
    _text("series", key=True),
    _whole("start_ms", key=True),
    _whole("end_ms"),
    _whole("rows_found"),
    _whole("done_ns"),
    sqlite_with_rowid=False,
)
"""One row per part of a series of which the venue was asked for everything it has."""

STRATEGIES: Final = sa.Table(
    "strategies",
    METADATA,
    _text("strategy_id", key=True),
    _whole("version", key=True),
    _whole("saved_ms"),
    _whole("created_ms"),
    _text("name"),
    _text("description"),
    _text("class_name"),
    _text("parameters"),
    _flag("is_active"),
    _flag("is_deleted"),
    sqlite_with_rowid=False,
)
"""One row per change of a configured strategy, the last one being what it is now: two changes that
were made of the same version have the same key, and the first stays."""

BACKTESTS: Final = sa.Table(
    "backtests",
    METADATA,
    _text("backtest_id", key=True),
    _whole("created_ms"),
    _text("kind"),
    _text("state"),
    _whole("revision"),
    _whole("attempts"),
    _text("owner"),
    _whole("heartbeat_ms", empty=True),
    _whole("started_ms", empty=True),
    _whole("ended_ms", empty=True),
    _whole("steps_done"),
    _whole("steps_total"),
    _text("error"),
    _text("request"),
    sa.Column("result", sa.LargeBinary, nullable=True),
    sa.Column("report", sa.LargeBinary, nullable=True),
    sa.Column("idempotency_key", sa.Text, nullable=True),
    sa.Column("asked", sa.Text, nullable=True),
)
"""One row per back-test job. A change is written only over the revision that it was made of."""

sa.Index("backtests_by_state", BACKTESTS.c.state, BACKTESTS.c.created_ms)
sa.Index("backtests_by_time", BACKTESTS.c.created_ms)
