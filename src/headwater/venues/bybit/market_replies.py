"""REST replies → records, ascending in time. Pure functions of bytes.

Source: https://bybit-exchange.github.io/docs/v5/market/kline and its neighbours
"""

from collections.abc import Sequence
from typing import Any, Final, TypeVar

import msgspec

from headwater.analytics.margin import build_tiers
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
from headwater.venues.bybit import market_events, wire_rest
from headwater.venues.bybit.market_events import SIDES
from headwater.venues.bybit.symbols import EXCHANGE, instrument_of, is_linear, symbol_in
from headwater.venues.common import UNREADABLE

T = TypeVar("T")

NS_PER_MS: Final = 1_000_000
_TEXT_CUT: Final = 200
_PERCENT_FROM: Final = 10.0
"""Initial margin × highest leverage is 1 in shares and 100 in percents."""

_decode_reply = msgspec.json.Decoder(wire_rest.Reply, strict=False).decode


class Contract(msgspec.Struct, frozen=True):
    """Both names of a contract.

    Attributes:
        symbol: canonical.
        native_symbol: the venue's.
    """

    symbol: str
    native_symbol: str


def contract_of(instrument: Instrument) -> Contract:
    """The names of an instrument."""
    return Contract(instrument.symbol, instrument.native_symbol)


def result_of(body: bytes, kind: type[T], channel: str) -> tuple[T, int]:
    """The result of a reply and the venue's time in ms, 0 when it names none.

    Raises:
        WireError: the body is no reply, or its result not of this kind.
    """
    try:
        reply = _decode_reply(body)
        return msgspec.json.decode(reply.result, type=kind, strict=False), reply.time
    except UNREADABLE as error:
        raise WireError(EXCHANGE, channel, f"{error}"[:_TEXT_CUT], body) from error


def server_time_of(body: bytes) -> int:
    """The venue's clock, ms since the epoch."""
    return result_of(body, wire_rest.Time, "time")[0].nanoseconds // NS_PER_MS


def candles_of(
    body: bytes, contract: Contract, interval: Interval, *, now_ms: int, received_ns: int
) -> list[Candle]:
    """Candles, ascending. The venue does not say which are closed: the clock does."""
    result, _ = result_of(body, wire_rest.Klines, "kline")
    return [
        Candle(
            exchange=EXCHANGE,
            symbol=contract.symbol,
            native_symbol=contract.native_symbol,
            timestamp_ms=row.opened_at_ms,
            received_ns=received_ns,
            interval=interval,
            open=row.open,
            high=row.high,
            low=row.low,
            close=row.close,
            volume=row.volume,
            quote_volume=row.turnover,
            trades_count=None,
            is_closed=interval.closes_at_ms(row.opened_at_ms) <= now_ms,
        )
        for row in reversed(result.list)
    ]


def mark_candles_of(
    body: bytes, contract: Contract, interval: Interval, *, now_ms: int, received_ns: int
) -> list[MarkCandle]:
    """Bars of the mark price, ascending; the clock says which are closed."""
    result, _ = result_of(body, wire_rest.MarkKlines, "mark-price-kline")
    return [
        MarkCandle(
            exchange=EXCHANGE,
            symbol=contract.symbol,
            native_symbol=contract.native_symbol,
            timestamp_ms=row.opened_at_ms,
            received_ns=received_ns,
            interval=interval,
            open=row.open,
            high=row.high,
            low=row.low,
            close=row.close,
            is_closed=interval.closes_at_ms(row.opened_at_ms) <= now_ms,
        )
        for row in reversed(result.list)
    ]


def trades_of(body: bytes, table: InstrumentTable, received_ns: int) -> list[Trade]:
    """Fills, ascending; those of other markets are left out."""
    result, _ = result_of(body, wire_rest.Trades, "recent-trade")
    try:
        return [
            Trade(
                exchange=EXCHANGE,
                symbol=symbol_in(table, row.symbol),
                native_symbol=row.symbol,
                timestamp_ms=row.traded_at_ms,
                received_ns=received_ns,
                side=SIDES[row.side],
                price=row.price,
                quantity=row.quantity,
                value=row.price * row.quantity,
                trade_id=row.trade_id,
                sequence=None,
            )
            for row in reversed(result.list)
            if is_linear(row.symbol)
        ]
    except KeyError as error:
        raise WireError(EXCHANGE, "recent-trade", f"side {error}", body) from error


def book_of(body: bytes, table: InstrumentTable, received_ns: int) -> BookSnapshot | None:
    """The book; its number counts in another stream than the live channel's. None: not linear."""
    book, _ = result_of(body, wire_rest.Book, "orderbook")
    if not is_linear(book.symbol):
        return None
    return BookSnapshot(
        exchange=EXCHANGE,
        symbol=symbol_in(table, book.symbol),
        native_symbol=book.symbol,
        timestamp_ms=book.cts or book.ts,
        received_ns=received_ns,
        bids=tuple(book.bids),
        asks=tuple(book.asks),
        sequence=book.u,
    )


def ticker_rows_of(body: bytes) -> tuple[Sequence[wire_rest.TickerRow], int]:
    """Rows of linear contracts, and the venue's time in ms."""
    result, time_ms = result_of(body, wire_rest.Tickers, "tickers")
    return [row for row in result.list if is_linear(row.symbol)], time_ms


def tickers_of(body: bytes, table: InstrumentTable, received_ns: int) -> list[Ticker]:
    """24-hour figures and quotes."""
    rows, time_ms = ticker_rows_of(body)
    return [
        Ticker(
            **_head(table, row.symbol, time_ms, received_ns),
            bid=_number(row.bid, body) or None,
            ask=_number(row.ask, body) or None,
            last=_number(row.last, body) or None,
            volume_24h=_number(row.volume, body),
            quote_volume_24h=_number(row.turnover, body),
            change_24h=_number(row.change, body, signed=True),
            bid_quantity=_number(row.bid_quantity, body),
            ask_quantity=_number(row.ask_quantity, body),
        )
        for row in rows
    ]


def mark_prices_of(body: bytes, table: InstrumentTable, received_ns: int) -> list[MarkPrice]:
    """Mark, index and coming funding; rows without a mark are left out."""
    rows, time_ms = ticker_rows_of(body)
    found = []
    for row in rows:
        mark, settles_ms = _number(row.mark, body) or None, _number(row.next_funding_ms, body)
        if mark is not None:
            found.append(
                MarkPrice(
                    **_head(table, row.symbol, time_ms, received_ns),
                    mark=mark,
                    index=_number(row.index, body) or None,
                    funding_rate=_number(row.funding_rate, body, signed=True),
                    next_funding_ms=int(settles_ms) if settles_ms else None,
                )
            )
    return found


def open_interests_now_of(
    body: bytes, table: InstrumentTable, received_ns: int
) -> list[OpenInterest]:
    """Open interest of one side; see `market_events.TickerState.open_interest`."""
    rows, time_ms = ticker_rows_of(body)
    found = []
    for row in rows:
        single = _number(row.single_open_interest, body)
        interest = _number(row.open_interest, body) if single is None else single
        value = _number(
            row.open_interest_value if single is None else row.single_open_interest_value, body
        )
        mark = _number(row.mark, body) or None
        if interest is not None:
            worth = interest * mark if value is None and mark is not None else value
            head = _head(table, row.symbol, time_ms, received_ns)
            found.append(OpenInterest(**head, open_interest=interest, value=worth))
    return found


def funding_now_of(body: bytes, table: InstrumentTable, received_ns: int) -> list[FundingRate]:
    """The rate of the coming settlement of each perpetual."""
    rows, time_ms = ticker_rows_of(body)
    found = []
    for row in rows:
        rate, settles_ms = (
            _number(row.funding_rate, body, signed=True),
            _number(row.next_funding_ms, body),
        )
        if rate is not None and settles_ms:
            found.append(
                FundingRate(
                    **_head(table, row.symbol, time_ms, received_ns),
                    rate=rate,
                    interval_h=_number(row.funding_interval_h, body),
                    funding_time_ms=int(settles_ms),
                )
            )
    return found


def fundings_of(
    body: bytes, table: InstrumentTable, interval_h: float | None, received_ns: int
) -> list[FundingRate]:
    """Past settlements, ascending."""
    result, _ = result_of(body, wire_rest.Fundings, "funding/history")
    return [
        FundingRate(
            **_head(table, row.symbol, row.settled_at_ms, received_ns),
            rate=row.rate,
            interval_h=interval_h,
            funding_time_ms=row.settled_at_ms,
        )
        for row in reversed(result.list)
        if is_linear(row.symbol)
    ]


def open_interests_of(body: bytes, contract: Contract, received_ns: int) -> list[OpenInterest]:
    """Open interest of one side by period, ascending; the venue gives no USD value."""
    result, _ = result_of(body, wire_rest.Interests, "open-interest")
    return [
        OpenInterest(
            exchange=EXCHANGE,
            symbol=contract.symbol,
            native_symbol=contract.native_symbol,
            timestamp_ms=row.timestamp_ms,
            received_ns=received_ns,
            open_interest=(
                row.open_interest if row.single_open_interest is None else row.single_open_interest
            ),
            value=None,
        )
        for row in reversed(result.list)
    ]


def instruments_in(body: bytes, received_ns: int) -> tuple[list[Instrument], str]:
    """A page of the listing and the cursor of the next one, empty at the end."""
    page, time_ms = result_of(body, wire_rest.Instruments, "instruments-info")
    timestamp_ms = time_ms or received_ns // NS_PER_MS
    try:
        made = [instrument_of(row, timestamp_ms, received_ns) for row in page.list]
    except ValueError as error:
        raise WireError(EXCHANGE, "instruments-info", str(error), body) from error
    return [one for one in made if one is not None], page.cursor or ""


def margin_tiers_of(body: bytes, contract: Contract, received_ns: int) -> MarginTiers | None:
    """The tiers of a contract, None for one that has none.

    Raises:
        WireError: sizes or rates that no venue can mean.
    """
    result, time_ms = result_of(body, wire_rest.RiskLimits, "risk-limit")
    rows = sorted(result.list, key=lambda one: one.notional_cap)
    rows = [row for row in rows if row.symbol == contract.native_symbol]
    if not rows:
        return None
    try:
        tiers = _tiers_of(rows)
    except ValueError as error:
        raise WireError(EXCHANGE, "risk-limit", str(error)[:_TEXT_CUT], body) from error
    return MarginTiers(
        exchange=EXCHANGE,
        symbol=contract.symbol,
        native_symbol=contract.native_symbol,
        timestamp_ms=time_ms or received_ns // NS_PER_MS,
        received_ns=received_ns,
        tiers=tiers,
        source="GET /v5/market/risk-limit",
    )


def _tiers_of(rows: Sequence[wire_rest.RiskLimit]) -> tuple[MarginTier, ...]:
    """Tiers by where they end; deductions as the venue names them, else worked out.

    Raises:
        ValueError: sizes that do not ascend, or a rate or deduction that is none.
    """
    floors = [0.0, *(row.notional_cap for row in rows[:-1])]
    rates = [
        row.maintenance * (0.01 if row.initial * row.leverage_max > _PERCENT_FROM else 1.0)
        for row in rows
    ]
    leverages = [row.leverage_max for row in rows]
    tiers = build_tiers([*zip(floors, rates, leverages, strict=True)], rows[-1].notional_cap)
    told = [market_events.figure(row.deduction) for row in rows]
    return tuple(
        tier
        if deduction is None
        else msgspec.structs.replace(tier, maintenance_deduction=deduction)
        for tier, deduction in zip(tiers, told, strict=True)
    )


def _head(
    table: InstrumentTable, native_symbol: str, timestamp_ms: int, received_ns: int
) -> dict[str, Any]:
    """What every record begins with; the receive time where the reply names none."""
    return {
        "exchange": EXCHANGE,
        "symbol": symbol_in(table, native_symbol),
        "native_symbol": native_symbol,
        "timestamp_ms": timestamp_ms or received_ns // NS_PER_MS,
        "received_ns": received_ns,
    }


def _number(text: str, body: bytes, *, signed: bool = False) -> float | None:
    """A figure; None for the empty text.

    Raises:
        WireError: it is none that a market can have.
    """
    try:
        return market_events.figure(text, signed=signed)
    except ValueError as error:
        raise WireError(EXCHANGE, "tickers", str(error), body) from error
