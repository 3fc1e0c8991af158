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
"""One row per hole: what is known of it now. `gap_id` starts again with every process; with the
start of the hole it is unique all the same."""

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
