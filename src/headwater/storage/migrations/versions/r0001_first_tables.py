"""The first tables: candles, trades, liquidations, funding, open interest, gaps, forecasts."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_REFUSE = "forecasts are append-only"


def upgrade() -> None:
    """Makes the tables, and the triggers that keep forecasts as they were said."""
    _market_tables()
    _event_tables()
    _forecasts()


def downgrade() -> None:
    """Refused: it would delete everything."""
    raise RuntimeError("there is no version before the first one: restore a backup instead")


def _text(name: str) -> "sa.Column[str]":
    return sa.Column(name, sa.Text, nullable=False)


def _whole(name: str, *, empty: bool = False) -> "sa.Column[int]":
    return sa.Column(name, sa.BigInteger, nullable=empty, autoincrement=False)


def _number(name: str, *, empty: bool = False) -> "sa.Column[float]":
    return sa.Column(name, sa.Double, nullable=empty)


def _flag(name: str) -> "sa.Column[bool]":
    return sa.Column(name, sa.Boolean(create_constraint=False), nullable=False)


def _market_tables() -> None:
    op.create_table(
        "candles",
        _text("exchange"),
        _text("symbol"),
        _text("interval"),
        _whole("timestamp_ms"),
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
        sa.PrimaryKeyConstraint("exchange", "symbol", "interval", "timestamp_ms"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "funding_rates",
        _text("exchange"),
        _text("symbol"),
        _whole("funding_time_ms"),
        _whole("timestamp_ms"),
        _text("native_symbol"),
        _whole("received_ns"),
        _number("rate"),
        _number("interval_h", empty=True),
        sa.PrimaryKeyConstraint("exchange", "symbol", "funding_time_ms"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "open_interest",
        _text("exchange"),
        _text("symbol"),
        _whole("timestamp_ms"),
        _text("native_symbol"),
        _whole("received_ns"),
        _number("open_interest"),
        _number("value", empty=True),
        sa.PrimaryKeyConstraint("exchange", "symbol", "timestamp_ms"),
        sqlite_with_rowid=False,
    )


def _event_tables() -> None:
    op.create_table(
        "trades",
        _text("exchange"),
        _text("symbol"),
        _whole("timestamp_ms"),
        _text("trade_id"),
        _flag("trade_id_is_number"),
        _text("native_symbol"),
        _whole("received_ns"),
        _text("side"),
        _number("price"),
        _number("quantity"),
        _number("value"),
        _whole("sequence", empty=True),
        _flag("is_large"),
        sa.PrimaryKeyConstraint("exchange", "symbol", "timestamp_ms", "trade_id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "liquidations",
        _text("exchange"),
        _text("symbol"),
        _whole("timestamp_ms"),
        _text("side"),
        _number("price"),
        _number("quantity"),
        _text("order_id"),
        _text("native_symbol"),
        _whole("received_ns"),
        _text("position_side"),
        _number("value"),
        _text("price_kind"),
        _flag("is_floor"),
        _number("order_price", empty=True),
        sa.PrimaryKeyConstraint(
            "exchange", "symbol", "timestamp_ms", "side", "price", "quantity", "order_id"
        ),
        sqlite_with_rowid=False,
    )
    op.create_index("liquidations_by_symbol", "liquidations", ["symbol", "timestamp_ms"])
    op.create_table(
        "gaps",
        _text("exchange"),
        _text("symbol"),
        _text("channel"),
        _whole("timestamp_ms"),
        _whole("gap_id"),
        _text("native_symbol"),
        _whole("received_ns"),
        _text("cause"),
        _text("state"),
        _whole("until_ms", empty=True),
        _whole("first_sequence", empty=True),
        _whole("last_sequence", empty=True),
        _whole("recovered"),
        _text("detail"),
        sa.PrimaryKeyConstraint("exchange", "symbol", "channel", "timestamp_ms", "gap_id"),
        sqlite_with_rowid=False,
    )


def _forecasts() -> None:
    op.create_table(
        "forecasts",
        _text("model"),
        _text("version"),
        _text("exchange"),
        _text("symbol"),
        _whole("horizon_ms"),
        _whole("issued_ms"),
        _text("parameters"),
        _number("price"),
        _number("cell_width_share"),
        sa.Column("long_mass", sa.LargeBinary, nullable=False),
        sa.Column("short_mass", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint(
            "model", "version", "exchange", "symbol", "horizon_ms", "issued_ms"
        ),
    )
    if op.get_bind().dialect.name == "sqlite":
        for change in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER forecasts_no_{change.lower()} BEFORE {change} ON forecasts "
                f"BEGIN SELECT RAISE(ABORT, '{_REFUSE}'); END"
            )
        return
    op.execute(
        "CREATE FUNCTION forecasts_refuse() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{_REFUSE}'; END $$"
    )
    op.execute(
        "CREATE TRIGGER forecasts_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON forecasts "
        "FOR EACH STATEMENT EXECUTE FUNCTION forecasts_refuse()"
    )
