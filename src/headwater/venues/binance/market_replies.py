"""REST replies → records: one function per endpoint, without any request.

Every function takes the body and the receive time, and raises `WireError` for what it cannot read.
Empty lists, and `null` where a list is meant (seen in 2020), are legal.

Source: https://developers.binance.com/docs/derivatives/usds-margined-futures/market-data/rest-api
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final, NamedTuple

import msgspec

from headwater.core.enums import Side
from headwater.core.errors import WireError
from headwater.core.instruments import Instrument, InstrumentTable
from headwater.core.intervals import Interval
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
from headwater.venues.binance import wire_rest
from headwater.venues.binance.market_events import rate_of
from headwater.venues.binance.symbols import EXCHANGE, INTERVALS, instruments_of, symbol_in

_UNREADABLE: Final = (
    msgspec.MsgspecError,
    ValueError,
    ArithmeticError,
    OSError,  # of a date beyond what the machine can count
    RecursionError,
)

_time = msgspec.json.Decoder(wire_rest.ServerTime, strict=False).decode
_klines = msgspec.json.Decoder(list[wire_rest.KlineRow] | None, strict=False).decode
_mark_klines = msgspec.json.Decoder(list[wire_rest.MarkKlineRow] | None, strict=False).decode
_agg_trades = msgspec.json.Decoder(list[wire_rest.AggTradeRow] | None, strict=False).decode
_fills = msgspec.json.Decoder(list[wire_rest.FillRow] | None, strict=False).decode
_depth = msgspec.json.Decoder(wire_rest.DepthReply, strict=False).decode
_day_tickers = msgspec.json.Decoder(
    wire_rest.DayTickerRow | list[wire_rest.DayTickerRow], strict=False
).decode
_book_tickers = msgspec.json.Decoder(
    wire_rest.BookTickerRow | list[wire_rest.BookTickerRow], strict=False
).decode
_premiums = msgspec.json.Decoder(
    wire_rest.PremiumIndexRow | list[wire_rest.PremiumIndexRow], strict=False
).decode
_fundings = msgspec.json.Decoder(list[wire_rest.FundingRow] | None, strict=False).decode
_funding_infos = msgspec.json.Decoder(list[wire_rest.FundingInfoRow] | None, strict=False).decode
_open_interest = msgspec.json.Decoder(wire_rest.OpenInterestReply, strict=False).decode
_open_interests = msgspec.json.Decoder(list[wire_rest.OpenInterestRow] | None, strict=False).decode
_exchange_info = msgspec.json.Decoder(wire_rest.ExchangeInfo, strict=False).decode


class Contract(NamedTuple):
    """A contract by both names, for replies that do not say what they are about.

    Attributes:
        symbol: canonical symbol.
        native_symbol: the venue's.
    """

    symbol: str
    native_symbol: str


def contract_of(instrument: Instrument) -> Contract:
    """Both names of an instrument."""
    return Contract(instrument.symbol, instrument.native_symbol)


@contextmanager
def _reading(channel: str, body: bytes) -> Iterator[None]:
    """Turns every way in which a body can be unreadable into `WireError`."""
    try:
        yield
    except _UNREADABLE as error:
        raise WireError(EXCHANGE, channel, str(error), body) from error


def server_time_of(body: bytes) -> int:
    """The venue's clock, ms since the epoch."""
    with _reading("rest_time", body):
        return _time(body).server_time


def candles_of(
    body: bytes,
    contract: Contract,
    interval: Interval | None,
    *,
    now_ms: int,
    received_ns: int,
) -> list[Candle]:
    """Candles, oldest first; a candle is closed once its last millisecond has passed.

    Args:
        body: the reply.
        contract: of which contract.
        interval: None to tell it from the rows.
        now_ms: wall time of the reply.
        received_ns: the same in ns.
    """
    with _reading("rest_klines", body):
        return [
            Candle(
                exchange=EXCHANGE,
                symbol=contract.symbol,
                native_symbol=contract.native_symbol,
                timestamp_ms=row.opened_at_ms,
                received_ns=received_ns,
                interval=interval or _interval_of(row),
                open=row.open,
                high=row.high,
                low=row.low,
                close=row.close,
                volume=row.volume,
                quote_volume=row.quote_volume,
                trades_count=row.trades_count,
                is_closed=row.closes_at_ms < now_ms,
                taker_buy_volume=row.taker_buy_volume,
            )
            for row in _klines(body) or ()
        ]


def mark_candles_of(
    body: bytes,
    contract: Contract,
    interval: Interval | None,
    *,
    now_ms: int,
    received_ns: int,
) -> list[MarkCandle]:
    """Bars of the mark price, oldest first; arguments as for `candles_of`."""
    with _reading("rest_markPriceKlines", body):
        return [
            MarkCandle(
                exchange=EXCHANGE,
                symbol=contract.symbol,
                native_symbol=contract.native_symbol,
                timestamp_ms=row.opened_at_ms,
                received_ns=received_ns,
                interval=interval or _interval_of(row),
                open=row.open,
                high=row.high,
                low=row.low,
                close=row.close,
                is_closed=row.closes_at_ms < now_ms,
            )
            for row in _mark_klines(body) or ()
        ]


def trades_of(body: bytes, contract: Contract, received_ns: int) -> list[Trade]:
    """Trades with the ids of the live channel, oldest first."""
    with _reading("rest_aggTrades", body):
        return [
            Trade(
                exchange=EXCHANGE,
                symbol=contract.symbol,
                native_symbol=contract.native_symbol,
                timestamp_ms=row.traded_at_ms,
                received_ns=received_ns,
                side=Side.SELL if row.buyer_is_maker else Side.BUY,
                price=row.price,
                quantity=row.quantity,
                value=row.price * row.quantity,
                trade_id=row.trade_id,
                sequence=row.trade_id,
            )
            for row in _agg_trades(body) or ()
        ]


def fills_of(body: bytes, contract: Contract, received_ns: int) -> list[Trade]:
    """Single fills of `/fapi/v1/trades`; ids of another count than the live channel's."""
    with _reading("rest_trades", body):
        return [
            Trade(
                exchange=EXCHANGE,
                symbol=contract.symbol,
                native_symbol=contract.native_symbol,
                timestamp_ms=row.time,
                received_ns=received_ns,
                side=Side.SELL if row.is_buyer_maker else Side.BUY,
                price=row.price,
                quantity=row.qty,
                value=row.price * row.qty,
                trade_id=row.id,
                sequence=None,
            )
            for row in _fills(body) or ()
        ]


def symbol_of_book(body: bytes) -> str:
    """The symbol that a book names of itself, which only coin-margined ones do; else empty."""
    with _reading("rest_depth", body):
        return _depth(body).symbol


def book_of(body: bytes, contract: Contract, received_ns: int) -> BookSnapshot:
    """The book by `lastUpdateId`."""
    with _reading("rest_depth", body):
        reply = _depth(body)
    return BookSnapshot(
        exchange=EXCHANGE,
        symbol=contract.symbol,
        native_symbol=contract.native_symbol,
        timestamp_ms=reply.matched_at_ms or reply.sent_at_ms or received_ns // 1_000_000,
        received_ns=received_ns,
        bids=reply.bids,
        asks=reply.asks,
        sequence=reply.last_update_id,
    )


def tickers_of(body: bytes, table: InstrumentTable, received_ns: int) -> list[Ticker]:
    """24-hour figures of one symbol or all; coin-margined ones are left out."""
    with _reading("rest_ticker_24hr", body):
        rows = _day_tickers(body)
    return [
        Ticker(
            exchange=EXCHANGE,
            symbol=symbol,
            native_symbol=row.symbol,
            timestamp_ms=row.close_time,
            received_ns=received_ns,
            last=row.last_price or None,
            volume_24h=row.volume,
            quote_volume_24h=row.quote_volume,
            change_24h=row.price_change_percent / 100,
        )
        for row in (rows if isinstance(rows, list) else [rows])
        if (symbol := symbol_in(table, row.symbol)) is not None
    ]


def quotes_of(body: bytes, table: InstrumentTable, received_ns: int) -> list[Ticker]:
    """Best quotes of one symbol or all; an empty side is None."""
    with _reading("rest_bookTicker", body):
        rows = _book_tickers(body)
    return [
        Ticker(
            exchange=EXCHANGE,
            symbol=symbol,
            native_symbol=row.symbol,
            timestamp_ms=row.time or received_ns // 1_000_000,
            received_ns=received_ns,
            bid=row.bid_price or None,
            ask=row.ask_price or None,
            bid_quantity=row.bid_qty,
            ask_quantity=row.ask_qty,
        )
        for row in (rows if isinstance(rows, list) else [rows])
        if (symbol := symbol_in(table, row.symbol)) is not None
    ]


def mark_prices_of(body: bytes, table: InstrumentTable, received_ns: int) -> list[MarkPrice]:
    """Mark prices of one symbol or all; contracts without one (0) are left out."""
    with _reading("rest_premiumIndex", body):
        rows = _premiums(body)
        return [
            MarkPrice(
                exchange=EXCHANGE,
                symbol=symbol,
                native_symbol=row.symbol,
                timestamp_ms=row.time,
                received_ns=received_ns,
                mark=row.mark_price,
                index=row.index_price or None,
                funding_rate=rate_of(row.last_funding_rate) if row.next_funding_time else None,
                next_funding_ms=row.next_funding_time or None,
            )
            for row in (rows if isinstance(rows, list) else [rows])
            if row.mark_price > 0 and (symbol := symbol_in(table, row.symbol)) is not None
        ]


def fundings_of(
    body: bytes, table: InstrumentTable, interval_h: float | None, received_ns: int
) -> list[FundingRate]:
    """Past settlements, oldest first."""
    with _reading("rest_fundingRate", body):
        rows = _fundings(body) or ()
    return [
        FundingRate(
            exchange=EXCHANGE,
            symbol=symbol,
            native_symbol=row.symbol,
            timestamp_ms=row.funding_time,
            received_ns=received_ns,
            rate=row.funding_rate,
            interval_h=interval_h,
            funding_time_ms=row.funding_time,
        )
        for row in rows
        if (symbol := symbol_in(table, row.symbol)) is not None
    ]


def funding_intervals_of(body: bytes) -> Mapping[str, float]:
    """Hours between settlements of the adjusted symbols, by native symbol."""
    with _reading("rest_fundingInfo", body):
        return {row.symbol: row.funding_interval_hours for row in _funding_infos(body) or ()}


def open_interest_of(
    body: bytes, table: InstrumentTable, mark: float | None, received_ns: int
) -> OpenInterest | None:
    """Open interest now; its value is open interest × `mark`. None for coin-margined contracts."""
    with _reading("rest_openInterest", body):
        reply = _open_interest(body)
    symbol = symbol_in(table, reply.symbol)
    if symbol is None:
        return None
    return OpenInterest(
        exchange=EXCHANGE,
        symbol=symbol,
        native_symbol=reply.symbol,
        timestamp_ms=reply.time,
        received_ns=received_ns,
        open_interest=reply.open_interest,
        value=None if mark is None else reply.open_interest * mark,
    )


def open_interests_of(body: bytes, table: InstrumentTable, received_ns: int) -> list[OpenInterest]:
    """Open interest at the end of each period, oldest first."""
    with _reading("rest_openInterestHist", body):
        rows = [row for row in _open_interests(body) or () if row.symbol]
    return [
        OpenInterest(
            exchange=EXCHANGE,
            symbol=symbol,
            native_symbol=row.symbol,
            timestamp_ms=row.timestamp,
            received_ns=received_ns,
            open_interest=row.sum_open_interest,
            value=row.sum_open_interest_value,
        )
        for row in rows
        if (symbol := symbol_in(table, row.symbol)) is not None
    ]


def instruments_in(
    body: bytes, funding_intervals_h: Mapping[str, float] | None, received_ns: int
) -> list[Instrument]:
    """All contracts of this market; see `symbols.instruments_of`."""
    with _reading("rest_exchangeInfo", body):
        return instruments_of(_exchange_info(body), funding_intervals_h, received_ns)


def _interval_of(row: wire_rest.KlineRow | wire_rest.MarkKlineRow) -> Interval:
    """The interval whose candle opens and closes as the row does.

    Raises:
        ValueError: there is none.
    """
    for interval in INTERVALS.values():
        if interval.closes_at_ms(row.opened_at_ms) == row.closes_at_ms + 1:
            return interval
    raise ValueError(f"no interval opens at {row.opened_at_ms} and closes at {row.closes_at_ms}")
