"""Replies of `POST /info` → records, ascending in time. Pure functions of bytes.

Source: https://hyperliquid.gitbook.io/hyperliquid-docs/for-developers/api/info-endpoint
"""

from math import isfinite
from typing import Final, TypeVar

import msgspec

from headwater.analytics.margin import build_tiers
from headwater.core.enums import PositionSide
from headwater.core.errors import WireError
from headwater.core.instruments import Instrument, InstrumentTable
from headwater.core.margin_tiers import MarginTier, MarginTiers
from headwater.core.records import BookSnapshot, Candle, FundingRate, PredictedFunding, Trade
from headwater.core.wallet_positions import WalletPosition
from headwater.venues.common import UNREADABLE
from headwater.venues.hyperliquid import market_events, wire, wire_rest
from headwater.venues.hyperliquid.market_events import NS_PER_MS
from headwater.venues.hyperliquid.symbols import (
    EXCHANGE,
    FUNDING_INTERVAL_H,
    INTERVALS,
    instrument_of,
    is_perpetual,
    symbol_in,
)

T = TypeVar("T")

_TEXT_CUT: Final = 200
_OWN: Final = "HlPerp"
_LISTED_FROM: Final = 50
"""Ids of margin tables below this one are leverages, of tables with one tier."""
_MAINTENANCE_SHARE: Final = 0.5
"""Maintenance margin as a share of the initial margin at the highest leverage of a tier."""
_NOTHING: Final = b"null"


def result_of(body: bytes, kind: type[T], channel: str) -> T:
    """A reply as what it should be.

    Raises:
        WireError: it is something else.
    """
    try:
        return msgspec.json.decode(body, type=kind, strict=False)
    except UNREADABLE as error:
        raise WireError(EXCHANGE, channel, f"{error}"[:_TEXT_CUT], body) from error


def server_time_of(body: bytes) -> int:
    """The venue's clock, ms since the epoch."""
    return result_of(body, wire_rest.Status, "exchangeStatus").time


def candles_of(
    body: bytes, table: InstrumentTable, *, now_ms: int, received_ns: int
) -> list[Candle]:
    """Candles, ascending. One is closed when a later one is there, or its end is past."""
    bars = result_of(body, list[wire.Bar], "candleSnapshot")
    last_ms = max((bar.opened_at_ms for bar in bars), default=0)
    return [
        market_events.candle_of(
            bar,
            INTERVALS[bar.interval],
            symbol_in(table, bar.coin),
            received_ns,
            is_closed=bar.opened_at_ms < last_ms or bar.ends_at_ms < now_ms,
        )
        for bar in sorted(bars, key=lambda one: one.opened_at_ms)
        if is_perpetual(bar.coin) and bar.interval in INTERVALS
    ]


def trades_of(body: bytes, table: InstrumentTable, received_ns: int) -> list[Trade]:
    """Fills, ascending by time and id."""
    rows = result_of(body, list[wire.TradeRow], "recentTrades")
    try:
        return [
            market_events.trade_of(row, symbol_in(table, row.coin), received_ns)
            for row in sorted(rows, key=lambda one: (one.traded_at_ms, one.trade_id))
            if is_perpetual(row.coin)
        ]
    except KeyError as error:
        raise WireError(EXCHANGE, "recentTrades", f"side {error}", body) from error


def book_of(body: bytes, table: InstrumentTable, received_ns: int) -> BookSnapshot | None:
    """The book; None for a coin of another market."""
    data = result_of(body, wire.BookData, "l2Book")
    if not is_perpetual(data.coin):
        return None
    return market_events.book_of(data, symbol_in(table, data.coin), received_ns)


def contexts_of(body: bytes) -> list[tuple[str, wire.Context]]:
    """Coins with their contexts; delisted coins and those without a context are left out."""
    reply = result_of(body, wire_rest.Contexts, "metaAndAssetCtxs")
    return [
        (row.name, result_of(bytes(context), wire.Context, "metaAndAssetCtxs"))
        for row, context in zip(reply.meta.universe, reply.contexts, strict=False)
        if bytes(context) != _NOTHING and not row.is_delisted and is_perpetual(row.name)
    ]


def fundings_of(body: bytes, table: InstrumentTable, received_ns: int) -> list[FundingRate]:
    """Past settlements, ascending."""
    rows = result_of(body, list[wire_rest.FundingRow], "fundingHistory")
    return [
        FundingRate(
            exchange=EXCHANGE,
            symbol=symbol_in(table, row.coin),
            native_symbol=row.coin,
            timestamp_ms=row.paid_at_ms,
            received_ns=received_ns,
            rate=row.rate,
            interval_h=FUNDING_INTERVAL_H,
            funding_time_ms=row.paid_at_ms,
        )
        for row in sorted(rows, key=lambda one: one.paid_at_ms)
        if isfinite(row.rate) and is_perpetual(row.coin)
    ]


def predictions_of(body: bytes, table: InstrumentTable, received_ns: int) -> list[PredictedFunding]:
    """What is expected on this venue and others; of its own the interval is known to be an hour."""
    coins = result_of(body, wire_rest.Predictions, "predictedFundings")
    return [
        PredictedFunding(
            exchange=EXCHANGE,
            symbol=symbol_in(table, coin),
            native_symbol=coin,
            timestamp_ms=received_ns // NS_PER_MS,
            received_ns=received_ns,
            venue=venue,
            rate=told.rate,
            interval_h=told.interval_h or (FUNDING_INTERVAL_H if venue == _OWN else None),
            next_funding_ms=told.next_funding_ms,
        )
        for coin, venues in coins
        for venue, told in venues
        if told is not None and is_perpetual(coin)
    ]


def margin_tiers_of(body: bytes, instrument: Instrument, received_ns: int) -> MarginTiers | None:
    """The tiers of a coin, None for one that is not in the universe.

    Raises:
        WireError: a table that is not there, or whose tiers no venue can mean.
    """
    meta = result_of(body, wire_rest.MarginMeta, "meta")
    row = next((one for one in meta.universe if one.name == instrument.native_symbol), None)
    if row is None or row.leverage_max is None:
        return None
    try:
        tiers = _tiers_of(row.margin_table, row.leverage_max, dict(meta.tables))
    except (KeyError, ValueError) as error:
        words = f"margin table of {row.name}: {error}"
        raise WireError(EXCHANGE, "meta", words[:_TEXT_CUT], body) from error
    return MarginTiers(
        exchange=EXCHANGE,
        symbol=instrument.symbol,
        native_symbol=instrument.native_symbol,
        timestamp_ms=received_ns // NS_PER_MS,
        received_ns=received_ns,
        tiers=tiers,
        source="POST /info meta",
    )


def wallet_positions_of(
    body: bytes, address: str, table: InstrumentTable, received_ns: int
) -> list[WalletPosition]:
    """Open positions of an address in the venue's own perpetuals.

    Raises:
        WireError: it is no account.
    """
    account = result_of(body, wire_rest.Account, "clearinghouseState")
    told_at_ms = account.told_at_ms
    rows = [one.position for one in account.held]
    return [
        WalletPosition(
            exchange=EXCHANGE,
            symbol=symbol_in(table, row.coin),
            native_symbol=row.coin,
            timestamp_ms=received_ns // NS_PER_MS if told_at_ms is None else told_at_ms,
            received_ns=received_ns,
            address=address,
            position_side=PositionSide.LONG if row.signed_size > 0 else PositionSide.SHORT,
            quantity=abs(row.signed_size),
            entry_price=row.entry_price,
            liquidation_price=_price_or_none(row.liquidation_price),
            notional_usd=row.notional,
            leverage=row.leverage.value,
            is_cross=row.leverage.kind == "cross",
        )
        for row in rows
        if row.signed_size and is_perpetual(row.coin)
    ]


def _price_or_none(value: float | None) -> float | None:
    """A price that a market can reach, else None."""
    return value if value is not None and value > 0.0 else None


def _tiers_of(
    table: int | None, leverage_max: float, tables: dict[int, wire_rest.MarginTable]
) -> tuple[MarginTier, ...]:
    """The tiers of a table; without an id, one tier at the coin's highest leverage.

    Raises:
        KeyError: there is no such table.
        ValueError: floors that do not ascend from 0, or a leverage of a half and less.
    """
    if table is None or table < _LISTED_FROM:
        rows = [(0.0, leverage_max if table is None else float(table))]
    else:
        rows = [(one.notional_floor, one.leverage_max) for one in tables[table].rows]
    if any(leverage <= _MAINTENANCE_SHARE for _, leverage in rows):
        raise ValueError("a leverage of a half or less")
    return build_tiers(
        [(floor, _MAINTENANCE_SHARE / leverage, leverage) for floor, leverage in sorted(rows)]
    )


def instruments_of(body: bytes, received_ns: int) -> list[Instrument]:
    """The universe, delisted coins as closed."""
    rows = result_of(body, wire_rest.Meta, "meta").universe
    if any(not 0 <= row.size_decimals <= 12 for row in rows):
        raise WireError(EXCHANGE, "meta", "szDecimals is out of range", body)
    now_ms = received_ns // NS_PER_MS
    return [instrument_of(row, now_ms, received_ns) for row in rows if is_perpetual(row.name)]
