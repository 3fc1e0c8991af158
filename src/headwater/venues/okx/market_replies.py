"""REST replies → records, ascending in time. Pure functions of bytes.

Source: https://www.okx.com/docs-v5/en/#public-data-rest-api
"""

from typing import Final, TypeVar

import msgspec

from headwater.core.errors import WireError
from headwater.core.instruments import Instrument, InstrumentTable
from headwater.core.intervals import Interval
from headwater.core.margin_tiers import MarginTier, MarginTiers
from headwater.core.records import (
    BookSnapshot,
    Candle,
    FundingRate,
    MarkCandle,
    MarkPrice,
    OpenInterest,
    Ticker,
    Trade,
)
from headwater.venues.common import UNREADABLE
from headwater.venues.okx import market_events, wire_rest
from headwater.venues.okx.symbols import EXCHANGE, Sizes, canonical_symbol, instrument_of, is_swap

T = TypeVar("T")

NS_PER_MS: Final = 1_000_000
_HOUR_MS: Final = 3_600_000
_TEXT_CUT: Final = 200

_decode_reply = msgspec.json.Decoder(wire_rest.Reply, strict=False).decode


def rows_of(body: bytes, kind: type[T], channel: str) -> list[T]:
    """The rows of a reply.

    Raises:
        WireError: the body is no reply, or its rows not of this kind.
    """
    try:
        return msgspec.json.decode(_decode_reply(body).data, type=list[kind], strict=False)  # type: ignore[valid-type]
    except UNREADABLE as error:
        raise WireError(EXCHANGE, channel, f"{error}"[:_TEXT_CUT], body) from error


def server_time_of(body: bytes) -> int:
    """The venue's clock, ms since the epoch."""
    rows = rows_of(body, wire_rest.Time, "time")
    if not rows:
        raise WireError(EXCHANGE, "time", "no row", body)
    return rows[0].ts


def candles_of(body: bytes, interval: Interval, sizes: Sizes, received_ns: int) -> list[Candle]:
    """Candles, ascending; the venue says which are closed."""
    rows = rows_of(body, wire_rest.CandleRow, "candles")
    return [market_events.candle_of(row, interval, sizes, received_ns) for row in reversed(rows)]


def mark_candles_of(
    body: bytes, interval: Interval, sizes: Sizes, received_ns: int
) -> list[MarkCandle]:
    """Bars of the mark price, ascending; the venue says which are closed."""
    rows = rows_of(body, wire_rest.MarkCandleRow, "mark-price-candles")
    return [
        MarkCandle(
            exchange=EXCHANGE,
            symbol=sizes.symbol,
            native_symbol=sizes.native_symbol,
            timestamp_ms=row.opened_at_ms,
            received_ns=received_ns,
            interval=interval,
            open=row.open,
            high=row.high,
            low=row.low,
            close=row.close,
            is_closed=row.confirm == market_events.CONFIRMED,
        )
        for row in reversed(rows)
    ]


def trades_of(body: bytes, sizes: Sizes, received_ns: int) -> list[Trade]:
    """Fills, ascending."""
    rows = rows_of(body, wire_rest.TradeRow, "trades")
    try:
        return [market_events.trade_of(row, sizes, received_ns) for row in reversed(rows)]
    except KeyError as error:
        raise WireError(EXCHANGE, "trades", f"side {error}", body) from error


def book_of(body: bytes, sizes: Sizes, received_ns: int) -> BookSnapshot:
    """The book."""
    rows = rows_of(body, wire_rest.BookRow, "books")
    if not rows:
        raise WireError(EXCHANGE, "books", "no row", body)
    row = rows[0]
    return BookSnapshot(
        exchange=EXCHANGE,
        symbol=sizes.symbol,
        native_symbol=sizes.native_symbol,
        timestamp_ms=row.ts,
        received_ns=received_ns,
        bids=market_events.levels_of(row.bids, sizes),
        asks=market_events.levels_of(row.asks, sizes),
        sequence=row.sequence,
    )


def tickers_of(body: bytes, table: InstrumentTable, received_ns: int) -> list[Ticker]:
    """24-hour figures of instruments that the table knows."""
    rows = rows_of(body, wire_rest.TickerRow, "tickers")
    try:
        return [
            market_events.ticker_of(row, sizes, received_ns)
            for row in rows
            if (sizes := sizes_in(table, row.native_symbol)) is not None
        ]
    except ValueError as error:
        raise WireError(EXCHANGE, "tickers", str(error)[:_TEXT_CUT], body) from error


def mark_rows_of(body: bytes) -> dict[str, wire_rest.MarkRow]:
    """Mark prices by native symbol."""
    return {row.native_symbol: row for row in rows_of(body, wire_rest.MarkRow, "mark-price")}


def funding_rows_of(body: bytes) -> dict[str, wire_rest.FundingRow]:
    """Running estimates by native symbol."""
    rows = rows_of(body, wire_rest.FundingRow, "funding-rate")
    return {row.native_symbol: row for row in rows}


def mark_prices_of(
    marks: dict[str, wire_rest.MarkRow],
    fundings: dict[str, wire_rest.FundingRow],
    table: InstrumentTable,
    received_ns: int,
) -> list[MarkPrice]:
    """Mark prices with the coming funding; the index is not in these replies.

    Raises:
        WireError: a rate is no number.
    """
    found = []
    for native_symbol, row in marks.items():
        sizes = sizes_in(table, native_symbol)
        if sizes is None:
            continue
        state = market_events.MarkState(sizes)
        state.on_mark(row)
        funding = fundings.get(native_symbol)
        try:
            if funding is not None:
                state.on_funding(funding)
        except ValueError as error:
            raise WireError(EXCHANGE, "funding-rate", str(error)[:_TEXT_CUT], b"") from error
        record = state.record(row.ts, received_ns)
        if record is not None:
            found.append(record)
    return found


def interests_of(body: bytes, table: InstrumentTable, received_ns: int) -> list[OpenInterest]:
    """Open interest now, of instruments that the table knows."""
    rows = rows_of(body, wire_rest.InterestRow, "open-interest")
    try:
        return [
            market_events.interest_of(row, sizes, received_ns)
            for row in rows
            if (sizes := sizes_in(table, row.native_symbol)) is not None
        ]
    except ValueError as error:
        raise WireError(EXCHANGE, "open-interest", str(error)[:_TEXT_CUT], body) from error


def interest_history_of(body: bytes, sizes: Sizes, received_ns: int) -> list[OpenInterest]:
    """Open interest by period, ascending."""
    rows = rows_of(body, wire_rest.InterestHistoryRow, "open-interest-history")
    made = [
        OpenInterest(
            exchange=EXCHANGE,
            symbol=sizes.symbol,
            native_symbol=sizes.native_symbol,
            timestamp_ms=row.timestamp_ms,
            received_ns=received_ns,
            open_interest=row.coins,
            value=row.value,
        )
        for row in rows
    ]
    return sorted(made, key=lambda one: one.timestamp_ms)


def fundings_of(body: bytes, received_ns: int) -> list[FundingRate]:
    """Settlements, ascending: what was charged, or the estimate where it is still to come.

    Raises:
        WireError: a rate is no number.
    """
    found = []
    for row in rows_of(body, wire_rest.FundingRow, "funding-rate"):
        if not is_swap(row.native_symbol):
            continue
        try:
            rate = market_events.number(row.realized_rate or row.rate, signed=True)
        except ValueError as error:
            raise WireError(EXCHANGE, "funding-rate", str(error)[:_TEXT_CUT], body) from error
        if rate is None:
            continue
        after_ms = int(row.after_that_ms) if row.after_that_ms.isdigit() else 0
        hours = (after_ms - row.settles_at_ms) / _HOUR_MS
        found.append(
            FundingRate(
                exchange=EXCHANGE,
                symbol=canonical_symbol(row.native_symbol),
                native_symbol=row.native_symbol,
                timestamp_ms=int(row.ts) if row.ts.isdigit() else row.settles_at_ms,
                received_ns=received_ns,
                rate=rate,
                interval_h=hours if hours > 0 else None,
                funding_time_ms=row.settles_at_ms,
            )
        )
    return sorted(found, key=lambda one: one.funding_time_ms)


def margin_tiers_of(
    body: bytes, sizes: Sizes, mark: wire_rest.MarkRow, received_ns: int
) -> MarginTiers | None:
    """The tiers of a contract, None for one that has none.

    They are by quantity, whatever the price; their notionals are those at the mark price.

    Raises:
        WireError: sizes that do not ascend, or a rate that no venue can mean.
    """
    rows = rows_of(body, wire_rest.PositionTierRow, "position-tiers")
    rows.sort(key=lambda one: one.size_cap)
    tiers: list[MarginTier] = []
    floor = 0.0
    for row in rows:
        cap = sizes.base(row.size_cap, mark.mark)
        if cap <= floor or row.maintenance >= 1.0:
            raise WireError(EXCHANGE, "position-tiers", f"no tier ends at {row.size_cap}", body)
        tiers.append(
            MarginTier(
                notional_floor=floor * mark.mark,
                notional_cap=cap * mark.mark,
                maintenance_rate=row.maintenance,
                maintenance_deduction=0.0,
                leverage_max=row.leverage_max,
                quantity_floor=floor,
                quantity_cap=cap,
            )
        )
        floor = cap
    if not tiers:
        return None
    return MarginTiers(
        exchange=EXCHANGE,
        symbol=sizes.symbol,
        native_symbol=sizes.native_symbol,
        timestamp_ms=mark.ts,
        received_ns=received_ns,
        tiers=tuple(tiers),
        source="GET /api/v5/public/position-tiers",
        reference_price=mark.mark,
        is_fee_demanded=True,
    )


def instruments_of(body: bytes, received_ns: int) -> list[Instrument]:
    """The swaps of a listing.

    Raises:
        WireError: a size or step is no number.
    """
    rows = rows_of(body, wire_rest.InstrumentRow, "instruments")
    timestamp_ms = received_ns // NS_PER_MS
    try:
        made = [instrument_of(row, timestamp_ms, received_ns) for row in rows if _is_whole(row)]
    except ValueError as error:
        raise WireError(EXCHANGE, "instruments", str(error)[:_TEXT_CUT], body) from error
    return [one for one in made if one is not None]


def sizes_in(table: InstrumentTable, native_symbol: str) -> Sizes | None:
    """The sizes of an instrument, None when the table does not know it."""
    instrument = table.by_native(native_symbol)
    return None if instrument is None else Sizes(instrument)


def _is_whole(row: wire_rest.InstrumentRow) -> bool:
    """Whether a row has what a contract needs: those of contracts before their start do not."""
    return bool(row.tick_size and row.lot_size and row.contract_value)
