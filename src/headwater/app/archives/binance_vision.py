"""Binance's data dumps (data.binance.vision) as records.

Candles, trades, open interest, funding, quotes, and liquidations of the coin-margined market.

`BTCUSDT-1m-2024-01.zip` is a CSV of one symbol, with or without a header. The dumps of spot have
the same names; since 2025 their times are microseconds: they are told by that and by an additional
column, and refused unless a venue of their own is named. Coin-margined files count contracts (of
100 USD for bitcoin, of 10 USD for every other coin) and are read for liquidations only; of those
each row stands twice in the archive.

An archive tells no time of arrival: the event's own stands there, of a candle its close.

Source: https://github.com/binance/binance-public-data and the headers of the files.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from headwater.app.archives.base import Archive, FilePlan, FileWish, RowReader
from headwater.app.archives.csv_rows import (
    CellRefused,
    Sheet,
    is_iso,
    moment_us,
    number,
    positive,
    whole,
)
from headwater.core.enums import PositionSide, PriceKind, Side
from headwater.core.errors import ConfigError
from headwater.core.intervals import Interval
from headwater.core.records import (
    Candle,
    FundingRate,
    Liquidation,
    OpenInterest,
    Record,
    Ticker,
    Trade,
)
from headwater.venues.binance.symbols import EXCHANGE, canonical_symbol, is_coin_margined

COIN_MARGINED: Final = "binance_coinm"
"""Venue id of the coin-margined market, which is not connected: its contracts are others."""

SETTLEMENT_MS: Final = 60_000
"""Settlements are stamped some milliseconds late; they happen on whole minutes."""

_NS_PER_US: Final = 1000
_NAME: Final = re.compile(
    r"(?P<symbol>[A-Z0-9_]+)-(?P<kind>aggTrades|trades|metrics|fundingRate|bookTicker"
    r"|liquidationSnapshot|\d{1,2}[smhdwM]o?)-\d{4}-\d{2}(-\d{2})?\.(zip|csv|csv\.gz)"
)
_COIN_CONTRACT_USD: Final = {"BTC": 100.0}
_OTHER_CONTRACT_USD: Final = 10.0

_KLINES: Final = Sheet(
    layouts=[
        ("open_time", "open", "high", "low", "close", "volume", "close_time", "quote_volume",
         "count", "taker_buy_volume", "taker_buy_quote_volume", "ignore"),
    ],
    needed=("open_time", "open", "high", "low", "close", "volume", "quote_volume", "count",
            "taker_buy_volume"),
)  # fmt: skip
_AGG_TRADES: Final = Sheet(
    layouts=[
        ("agg_trade_id", "price", "quantity", "first_trade_id", "last_trade_id", "transact_time",
         "is_buyer_maker"),
        ("agg_trade_id", "price", "quantity", "first_trade_id", "last_trade_id", "transact_time",
         "is_buyer_maker", "is_best_match"),
    ],
    needed=("agg_trade_id", "price", "quantity", "transact_time", "is_buyer_maker",
            "is_best_match"),
    optional=frozenset({"is_best_match"}),
)  # fmt: skip
_METRICS: Final = Sheet(
    layouts=[
        ("create_time", "symbol", "sum_open_interest", "sum_open_interest_value",
         "count_toptrader_long_short_ratio", "sum_toptrader_long_short_ratio",
         "count_long_short_ratio", "sum_taker_long_short_vol_ratio"),
    ],
    needed=("create_time", "symbol", "sum_open_interest", "sum_open_interest_value"),
)  # fmt: skip
_FUNDING: Final = Sheet(
    layouts=[("calc_time", "funding_interval_hours", "last_funding_rate")],
    needed=("calc_time", "funding_interval_hours", "last_funding_rate"),
)
_BOOK_TICKER: Final = Sheet(
    layouts=[
        ("update_id", "best_bid_price", "best_bid_qty", "best_ask_price", "best_ask_qty",
         "transaction_time", "event_time"),
    ],
    needed=("best_bid_price", "best_bid_qty", "best_ask_price", "best_ask_qty",
            "transaction_time"),
)  # fmt: skip
_LIQUIDATIONS: Final = Sheet(
    layouts=[
        ("time", "side", "order_type", "time_in_force", "original_quantity", "price",
         "average_price", "order_status", "last_fill_quantity", "accumulated_fill_quantity"),
        ("time", "symbol", "side", "order_type", "time_in_force", "original_quantity", "price",
         "average_price", "order_status", "last_fill_quantity", "accumulated_fill_quantity"),
    ],
    needed=("time", "side", "price", "average_price", "accumulated_fill_quantity",
            "original_quantity"),
)  # fmt: skip


class _Series:
    """Whose rows a file has; makes the records of its rows."""

    def __init__(self, wish: FileWish, native_symbol: str) -> None:
        self.coin_margined = is_coin_margined(native_symbol)
        default = COIN_MARGINED if self.coin_margined else EXCHANGE
        self.exchange = wish.exchange or default
        self.native_symbol = native_symbol
        self.symbol = canonical_symbol(native_symbol.removesuffix("_PERP"))

    def candles(self, interval: Interval) -> RowReader:
        def read(cells: Sequence[str]) -> Sequence[Record]:
            opened, first, high, low, last, volume, quote, count, bought = cells
            opened_ms = self._time_ms("open_time", opened)
            top, bottom = positive("high", high), positive("low", low)
            begin, end = positive("open", first), positive("close", last)
            if not bottom <= min(begin, end) <= max(begin, end) <= top:
                raise CellRefused("high", f"{high} and low {low} do not hold open and close")
            if interval.opens_at_ms(opened_ms) != opened_ms:
                raise CellRefused("open_time", f"{opened} begins no candle of {interval.value}")
            made = Candle(
                exchange=self.exchange,
                symbol=self.symbol,
                native_symbol=self.native_symbol,
                timestamp_ms=opened_ms,
                received_ns=interval.closes_at_ms(opened_ms) * 1_000_000,
                interval=interval,
                open=begin,
                high=top,
                low=bottom,
                close=end,
                volume=number("volume", volume, least=0.0),
                quote_volume=number("quote_volume", quote, least=0.0),
                trades_count=whole("count", count),
                is_closed=True,
                taker_buy_volume=number("taker_buy_volume", bought, least=0.0),
            )
            return (made,)

        return read

    def trades(self, cells: Sequence[str]) -> Sequence[Record]:
        number_, price_, quantity_, moment, by_buyer, best_match = cells
        if best_match:
            self._demand_spot_venue("is_best_match")
        us = self._time_us("transact_time", moment)
        price, quantity = positive("price", price_), positive("quantity", quantity_)
        trade_id = whole("agg_trade_id", number_)
        maker_bought = by_buyer.lower()
        if maker_bought not in ("true", "false"):
            raise CellRefused("is_buyer_maker", f"{by_buyer[:40]!r} is not true or false")
        side = Side.SELL if maker_bought == "true" else Side.BUY
        value = price * quantity
        return (
            Trade(
                self.exchange,
                self.symbol,
                self.native_symbol,
                us // 1000,
                us * _NS_PER_US,
                side,
                price,
                quantity,
                value,
                trade_id,
                trade_id,
            ),
        )

    def open_interest(self, cells: Sequence[str]) -> Sequence[Record]:
        moment, native_symbol, quantity, value = cells
        if native_symbol != self.native_symbol:
            raise CellRefused("symbol", f"{native_symbol[:40]!r} in a file of {self.native_symbol}")
        timestamp_ms = _iso_ms(moment) if is_iso(moment) else self._time_ms("create_time", moment)
        made = OpenInterest(
            exchange=self.exchange,
            symbol=self.symbol,
            native_symbol=self.native_symbol,
            timestamp_ms=timestamp_ms,
            received_ns=timestamp_ms * 1_000_000,
            open_interest=number("sum_open_interest", quantity, least=0.0),
            value=number("sum_open_interest_value", value, least=0.0) if value else None,
        )
        return (made,)

    def funding(self, cells: Sequence[str]) -> Sequence[Record]:
        moment, hours, rate = cells
        settled_ms = self._time_ms("calc_time", moment)
        made = FundingRate(
            exchange=self.exchange,
            symbol=self.symbol,
            native_symbol=self.native_symbol,
            timestamp_ms=settled_ms,
            received_ns=settled_ms * 1_000_000,
            rate=number("last_funding_rate", rate, least=-1.0),
            interval_h=positive("funding_interval_hours", hours) if hours else None,
            funding_time_ms=settled_ms - settled_ms % SETTLEMENT_MS,
        )
        return (made,)

    def quotes(self, cells: Sequence[str]) -> Sequence[Record]:
        bid, bid_quantity, ask, ask_quantity, moment = cells
        us = self._time_us("transaction_time", moment)
        made = Ticker(
            exchange=self.exchange,
            symbol=self.symbol,
            native_symbol=self.native_symbol,
            timestamp_ms=us // 1000,
            received_ns=us * _NS_PER_US,
            bid=positive("best_bid_price", bid),
            ask=positive("best_ask_price", ask),
            bid_quantity=number("best_bid_qty", bid_quantity, least=0.0),
            ask_quantity=number("best_ask_qty", ask_quantity, least=0.0),
        )
        return (made,)

    def liquidations(self, cells: Sequence[str]) -> Sequence[Record]:
        moment, side, order_price, average, filled, wanted = cells
        us = self._time_us("time", moment)
        if side not in ("BUY", "SELL"):
            raise CellRefused("side", f"{side[:40]!r} is not BUY or SELL")
        limit = number("price", order_price, least=0.0)
        price, price_kind = number("average_price", average, least=0.0), PriceKind.AVERAGE
        if price == 0:
            price, price_kind = positive("price", order_price), PriceKind.ORDER
        # As live: what was filled; of an order that shows nothing filled, its whole size.
        size = number("accumulated_fill_quantity", filled, least=0.0)
        size = size or positive("original_quantity", wanted)
        if self.coin_margined:
            coin = self.symbol.partition("USD")[0]
            value = size * _COIN_CONTRACT_USD.get(coin, _OTHER_CONTRACT_USD)
            quantity = value / price
        else:
            quantity, value = size, size * price
        sells = side == "SELL"
        made = Liquidation(
            exchange=self.exchange,
            symbol=self.symbol,
            native_symbol=self.native_symbol,
            timestamp_ms=us // 1000,
            received_ns=us * _NS_PER_US,
            side=Side.SELL if sells else Side.BUY,
            position_side=PositionSide.LONG if sells else PositionSide.SHORT,
            price=price,
            quantity=quantity,
            value=value,
            price_kind=price_kind,
            order_id=None,
            is_floor=True,
            order_price=limit or None,
        )
        return (made,)

    def _time_us(self, column: str, text: str) -> int:
        if len(text) == 16:
            self._demand_spot_venue(column)
        return moment_us(column, text)

    def _time_ms(self, column: str, text: str) -> int:
        return self._time_us(column, text) // 1000

    def _demand_spot_venue(self, column: str) -> None:
        """Spot trades must not stand among those of the futures."""
        if self.exchange in (EXCHANGE, COIN_MARGINED):
            raise CellRefused(column, "a file of spot: name a venue of its own by --venue")


def _iso_ms(text: str) -> int:
    try:
        moment = datetime.fromisoformat(text).replace(tzinfo=UTC)
    except ValueError as error:
        raise CellRefused("create_time", f"{text!r} is no time") from error
    return int(moment.timestamp()) * 1000


_KINDS: Final = {
    "klines": "candles; the interval is in the name, as in BTCUSDT-1m-2024-01.zip",
    "aggTrades": "trades as the live stream gathers them",
    "metrics": "open interest every five minutes",
    "fundingRate": "settled funding rates",
    "bookTicker": "best bid and ask; into Parquet only",
    "liquidationSnapshot": "liquidations",
}


def plan(path: Path, wish: FileWish) -> FilePlan:
    """How a dump is read.

    Raises:
        ConfigError: neither its name nor the options say what it is, or it is not read.
    """
    named = _NAME.fullmatch(path.name)
    said = None if named is None else named["kind"]
    kind = wish.kind or ("klines" if said is not None and said not in _KINDS else said)
    if said == "trades" and wish.kind is None:
        allowed = "aggTrades: single fills would be the same trades a second time"
        raise ConfigError("FILE", f"{path.name} has single trades", allowed)
    if kind is None:
        raise ConfigError("--kind", f"{path.name} does not say what it is", ", ".join(_KINDS))
    if kind not in _KINDS:
        raise ConfigError("--kind", f"{kind!r} is none of binance-vision", ", ".join(_KINDS))
    native_symbol = wish.symbol or (None if named is None else named["symbol"])
    if native_symbol is None:
        raise ConfigError("--symbol", f"{path.name} does not say whose it is", "such as BTCUSDT")
    series = _Series(wish, native_symbol.upper())
    if series.coin_margined and kind != "liquidationSnapshot":
        problem = f"{kind} of {native_symbol}: coin-margined, its quantities are contracts"
        raise ConfigError("FILE", problem, "liquidationSnapshot, or contracts margined in USDT")
    readers: dict[str, tuple[Sheet, RowReader]] = {
        "aggTrades": (_AGG_TRADES, series.trades),
        "metrics": (_METRICS, series.open_interest),
        "fundingRate": (_FUNDING, series.funding),
        "bookTicker": (_BOOK_TICKER, series.quotes),
        "liquidationSnapshot": (_LIQUIDATIONS, series.liquidations),
    }
    if kind == "klines":
        readers[kind] = (_KLINES, series.candles(_interval_of(path, wish, said)))
    sheet, reader = readers[kind]
    return FilePlan(
        path=path, kind=kind, sheet=sheet, reader=reader, for_tables=kind != "bookTicker"
    )


def _interval_of(path: Path, wish: FileWish, said: str | None) -> Interval:
    """The interval; the dumps write `1mo` for a month."""
    text = wish.interval or ("1M" if said == "1mo" else said)
    try:
        return Interval(text or "")
    except ValueError as error:
        problem = f"{text!r}, of {path.name}, is none"
        raise ConfigError("--interval", problem, ", ".join(Interval)) from error


ARCHIVE: Final = Archive(name="binance-vision", kinds=_KINDS, plan=plan)
"""The dumps of data.binance.vision."""
