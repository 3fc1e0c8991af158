"""Binance's answers to public REST requests about market data.

Every method builds one endpoint's reply from the simulated market. Facts: the shared notes on
Binance, section 3. What the market does not keep is derived and said so: klines of the index price
follow the traded price, and `premiumIndexKlines` is not offered.
"""

from collections.abc import Callable

from headwater.core.enums import Side
from headwater.core.intervals import Interval
from headwater.core.records import Candle, FundingRate, MarkCandle
from headwater.venues.binance.venue_side_fills import (
    fills_of,
    first_sequence_at,
    sequence_of,
)
from headwater.venues.binance.venue_side_limits import MINUTE_MS
from headwater.venues.binance.venue_side_listing import (
    JsonObject,
    contract_type,
    exchange_info,
    funding_info,
)
from headwater.venues.binance.venue_side_query import (
    BAD_KEY_FORMAT,
    BAD_PARAMETER,
    SPAN_TOO_LONG,
    Query,
    Refusal,
    invalid,
)
from headwater.venues.binance.venue_side_text import ASSET_PLACES, SymbolText, SymbolTexts
from headwater.venues.side import FillPrint, MarketView

DEPTHS = (5, 10, 20, 50, 100, 500, 1000)
KLINES_MAX = 1500
_HOUR_MS = 60 * MINUTE_MS
_OPEN_INTEREST_DAYS = 30
_PERIODS = ("5m", "15m", "30m", "1h", "2h", "4h", "6h", "12h", "1d")


class MarketDesk:
    """Answers from one market.

    Args:
        market: what is going on.
        texts: its symbols.
    """

    def __init__(self, market: MarketView, texts: SymbolTexts) -> None:
        self._market = market
        self._texts = texts

    def ping(self, _query: Query) -> object:
        """`/fapi/v1/ping`."""
        return {}

    def time(self, _query: Query) -> object:
        """`/fapi/v1/time`."""
        return {"serverTime": self._market.now_ms()}

    def exchange_info(self, _query: Query) -> object:
        """`/fapi/v1/exchangeInfo`."""
        return exchange_info(self._texts, self._market.now_ms())

    def funding_info(self, _query: Query) -> object:
        """`/fapi/v1/fundingInfo`."""
        return funding_info(self._texts, self._market.now_ms())

    def klines(self, query: Query) -> object:
        """`/fapi/v1/klines`."""
        text = query.symbol()
        return [kline_row(text, candle) for candle in self._candles(text, query)]

    def continuous_klines(self, query: Query) -> object:
        """`/fapi/v1/continuousKlines`: by pair and contract type."""
        text = query.symbol("pair")
        if query.text("contractType") != contract_type(text.instrument):
            raise invalid("contractType")
        return [kline_row(text, candle) for candle in self._candles(text, query)]

    def mark_price_klines(self, query: Query) -> object:
        """`/fapi/v1/markPriceKlines`."""
        text = query.symbol()
        interval, limit = query.interval(), query.limit(500, KLINES_MAX)
        start_ms, end_ms = query.span()
        rows = self._market.mark_candles(
            text.symbol, interval, limit=limit, start_ms=start_ms, end_ms=end_ms
        )
        return [_price_row(row, ASSET_PLACES) for row in rows]

    def index_price_klines(self, query: Query) -> object:
        """`/fapi/v1/indexPriceKlines` by pair, derived from the traded price."""
        text = query.symbol("pair")
        rows = self._candles(text, query)
        return [_price_row(row, ASSET_PLACES) for row in rows]

    def trades(self, query: Query) -> object:
        """`/fapi/v1/trades`: the newest single fills."""
        text = query.symbol()
        limit = query.limit(500, 1000)
        return _trade_rows(text, self._market.prints(text.symbol, limit=limit))[-limit:]

    def historical_trades(self, query: Query) -> object:
        """`/fapi/v1/historicalTrades`: single fills from an id on; wants an API key."""
        if not query.has_key:
            raise Refusal(401, BAD_KEY_FORMAT, "API-key format invalid.")
        text = query.symbol()
        limit = query.limit(100, 500)
        from_id = query.integer("fromId")
        if from_id is None:
            return _trade_rows(text, self._market.prints(text.symbol, limit=limit))[-limit:]
        first = self._market.print_of_fill(text.symbol, from_id)
        if first is None:
            return []
        prints = self._market.prints(text.symbol, limit=limit, first_sequence=sequence_of(first))
        rows = _trade_rows(text, prints)
        return rows[from_id - first.first_fill_id :][:limit]

    def agg_trades(self, query: Query) -> object:
        """`/fapi/v1/aggTrades`: from an id, in a span shorter than an hour, or the newest."""
        text = query.symbol()
        limit = query.limit(500, 1000)
        start_ms, end_ms = query.span()
        from_id = query.integer("fromId")
        if start_ms is not None and end_ms is not None and end_ms - start_ms >= _HOUR_MS:
            raise Refusal(400, SPAN_TOO_LONG, "More than 1 hours between startTime and endTime.")
        symbol = text.symbol
        if from_id is not None:
            prints = self._market.prints(symbol, limit=limit, first_sequence=from_id)
        elif start_ms is not None:
            first = first_sequence_at(self._market, symbol, start_ms)
            prints = (
                []
                if first is None
                else self._market.prints(symbol, limit=limit, first_sequence=first)
            )
        elif end_ms is not None:
            after = first_sequence_at(self._market, symbol, end_ms + 1)
            if after is None:
                return []
            first = max(after - limit, 0)
            prints = self._market.prints(symbol, limit=after - first, first_sequence=first)
        else:
            prints = self._market.prints(symbol, limit=limit)
        return [
            _agg_trade_row(text, fill_print)
            for fill_print in prints
            if end_ms is None or fill_print.trade.timestamp_ms <= end_ms
        ]

    def depth(self, query: Query) -> object:
        """`/fapi/v1/depth`."""
        text = query.symbol()
        limit = query.limit(500, DEPTHS[-1])
        if limit not in DEPTHS:
            raise invalid("limit")
        book = self._market.book(text.symbol, limit)
        price, quantity = text.price, text.quantity
        return {
            "lastUpdateId": book.sequence,
            "E": self._market.now_ms(),
            "T": book.timestamp_ms,
            "bids": [(price(level), quantity(size)) for level, size in book.bids],
            "asks": [(price(level), quantity(size)) for level, size in book.asks],
        }

    def ticker_24h(self, query: Query) -> object:
        """`/fapi/v1/ticker/24hr`: one symbol or all."""
        return self._one_or_all(query, self._ticker_24h)

    def ticker_price(self, query: Query) -> object:
        """`/fapi/v1/ticker/price` and `/fapi/v2/ticker/price`."""
        return self._one_or_all(query, self._ticker_price)

    def book_ticker(self, query: Query) -> object:
        """`/fapi/v1/ticker/bookTicker`."""
        return self._one_or_all(query, self._book_ticker)

    def premium_index(self, query: Query) -> object:
        """`/fapi/v1/premiumIndex`."""
        return self._one_or_all(query, self._premium_index)

    def open_interest(self, query: Query) -> object:
        """`/fapi/v1/openInterest`."""
        text = query.symbol()
        reading = self._market.open_interest(text.symbol)
        return {
            "openInterest": text.quantity(reading.open_interest),
            "symbol": text.native,
            "time": reading.timestamp_ms,
        }

    def open_interest_history(self, query: Query) -> object:
        """`/futures/data/openInterestHist`: the last 30 days."""
        text = query.symbol()
        if query.text("period") not in _PERIODS:
            raise invalid("period")
        limit = query.limit(30, 500)
        start_ms, end_ms = query.span()
        oldest_ms = self._market.now_ms() - _OPEN_INTEREST_DAYS * 24 * _HOUR_MS
        if start_ms is not None and start_ms < oldest_ms:
            raise Refusal(400, BAD_PARAMETER, "parameter 'startTime' is invalid.")
        rows = self._market.open_interest_history(
            text.symbol,
            Interval(query.text("period")),
            limit=limit,
            start_ms=start_ms,
            end_ms=end_ms,
        )
        return [
            {
                "symbol": text.native,
                "sumOpenInterest": f"{row.open_interest:.{ASSET_PLACES}f}",
                "sumOpenInterestValue": f"{row.value or 0.0:.{ASSET_PLACES}f}",
                "CMCCirculatingSupply": "0.00000000",
                "timestamp": row.timestamp_ms,
            }
            for row in rows
        ]

    def funding_rate(self, query: Query) -> object:
        """`/fapi/v1/fundingRate`: one symbol or all; ascending."""
        chosen = query.optional_symbol()
        start_ms, end_ms = query.span()
        limit = query.limit(100 if "startTime" in query or "endTime" in query else 200, 1000)
        rows: list[tuple[int, JsonObject]] = []
        for text in self._texts if chosen is None else (chosen,):
            settlements = self._market.funding_history(
                text.symbol, limit=limit, start_ms=start_ms, end_ms=end_ms
            )
            marks = self._marks_at(text, settlements)
            rows.extend(
                (row.funding_time_ms, _funding_row(text, row, marks)) for row in settlements
            )
        rows.sort(key=lambda row: row[0])
        cut = rows[:limit] if start_ms is not None else rows[-limit:]
        return [row for _, row in cut]

    def _marks_at(self, text: SymbolText, settlements: list[FundingRate]) -> dict[int, float]:
        """Mark price at each full hour since the first settlement."""
        if not settlements:
            return {}
        bars = self._market.mark_candles(
            text.symbol, Interval.H1, limit=KLINES_MAX, start_ms=settlements[0].funding_time_ms
        )
        return {bar.timestamp_ms: bar.open for bar in bars}

    def _candles(self, text: SymbolText, query: Query) -> list[Candle]:
        """The candles that a kline request asks for."""
        interval = query.interval()
        start_ms, end_ms = query.span()
        return self._market.candles(
            text.symbol,
            interval,
            limit=query.limit(500, KLINES_MAX),
            start_ms=start_ms,
            end_ms=end_ms,
        )

    def _one_or_all(self, query: Query, row: Callable[[SymbolText], JsonObject]) -> object:
        chosen = query.optional_symbol()
        return [row(text) for text in self._texts] if chosen is None else row(chosen)

    def _ticker_24h(self, text: SymbolText) -> JsonObject:
        day = self._market.day_stats(text.symbol)
        change = day.last - day.open
        return {
            "symbol": text.native,
            "priceChange": text.price(change),
            "priceChangePercent": f"{100 * change / day.open if day.open else 0.0:.3f}",
            "weightedAvgPrice": text.price(
                day.quote_volume / day.volume if day.volume else day.last
            ),
            "lastPrice": text.price(day.last),
            "lastQty": text.quantity(day.last_quantity),
            "openPrice": text.price(day.open),
            "highPrice": text.price(day.high),
            "lowPrice": text.price(day.low),
            "volume": text.quantity(day.volume),
            "quoteVolume": f"{day.quote_volume:.2f}",
            "openTime": day.opened_at_ms,
            "closeTime": day.closed_at_ms,
            "firstId": day.first_trade_id,
            "lastId": day.last_trade_id,
            "count": day.trades_count,
        }

    def _ticker_price(self, text: SymbolText) -> JsonObject:
        newest = self._market.prints(text.symbol, limit=1)
        last = newest[0].trade.price if newest else self._market.day_stats(text.symbol).last
        moment_ms = newest[0].trade.timestamp_ms if newest else self._market.now_ms()
        return {"symbol": text.native, "price": text.price(last), "time": moment_ms}

    def _book_ticker(self, text: SymbolText) -> JsonObject:
        book = self._market.book(text.symbol, 1)
        bid = book.bids[0] if book.bids else (0.0, 0.0)
        ask = book.asks[0] if book.asks else (0.0, 0.0)
        return {
            "symbol": text.native,
            "bidPrice": text.price(bid[0]),
            "bidQty": text.quantity(bid[1]),
            "askPrice": text.price(ask[0]),
            "askQty": text.quantity(ask[1]),
            "time": book.timestamp_ms,
            "lastUpdateId": book.sequence,
        }

    def _premium_index(self, text: SymbolText) -> JsonObject:
        mark = self._market.mark_price(text.symbol)
        index = mark.mark if mark.index is None else mark.index
        rate = mark.funding_rate
        return {
            "symbol": text.native,
            "markPrice": f"{mark.mark:.{ASSET_PLACES}f}",
            "indexPrice": f"{index:.{ASSET_PLACES}f}",
            "estimatedSettlePrice": f"{index:.{ASSET_PLACES}f}",
            "lastFundingRate": "" if rate is None else f"{rate:.{ASSET_PLACES}f}",
            "interestRate": "0.00010000" if rate is not None else "",
            "nextFundingTime": mark.next_funding_ms or 0,
            "time": mark.timestamp_ms,
        }


def kline_row(text: SymbolText, candle: Candle) -> tuple[object, ...]:
    """A row of `klines`; the closing time is the last millisecond of the candle."""
    bought, bought_quote = taker_bought(candle)
    return (
        candle.timestamp_ms,
        text.price(candle.open),
        text.price(candle.high),
        text.price(candle.low),
        text.price(candle.close),
        text.quantity(candle.volume),
        candle.interval.closes_at_ms(candle.timestamp_ms) - 1,
        text.quote(candle.quote_volume or 0.0),
        candle.trades_count or 0,
        text.quantity(bought),
        text.quote(bought_quote),
        "0",
    )


def taker_bought(candle: Candle) -> tuple[float, float]:
    """What takers bought, base and quote; the quote amount at the candle's average price."""
    bought = candle.taker_buy_volume or 0.0
    average = (candle.quote_volume or 0.0) / candle.volume if candle.volume else 0.0
    return bought, bought * average


def _price_row(row: Candle | MarkCandle, places: int) -> tuple[object, ...]:
    """A kline row of a price that nobody trades: no volumes."""
    closes_ms = row.interval.closes_at_ms(row.timestamp_ms) - 1
    prices = [f"{price:.{places}f}" for price in (row.open, row.high, row.low, row.close)]
    return (row.timestamp_ms, *prices, "0", closes_ms, "0", 0, "0", "0", "0")


def _trade_rows(text: SymbolText, prints: list[FillPrint]) -> list[JsonObject]:
    return [
        {
            "id": fill.fill_id,
            "price": text.price(fill.price),
            "qty": text.quantity(fill.quantity),
            "quoteQty": f"{fill.price * fill.quantity:.2f}",
            "time": fill.timestamp_ms,
            "isBuyerMaker": fill.is_buyer_maker,
            "isRPITrade": False,
        }
        for fill_print in prints
        for fill in fills_of(text, fill_print)
    ]


def _agg_trade_row(text: SymbolText, fill_print: FillPrint) -> JsonObject:
    trade = fill_print.trade
    quantity = text.quantity(trade.quantity)
    return {
        "a": sequence_of(fill_print),
        "p": text.price(trade.price),
        "q": quantity,
        "nq": quantity,
        "f": fill_print.first_fill_id,
        "l": fill_print.last_fill_id,
        "T": trade.timestamp_ms,
        "m": trade.side is Side.SELL,
    }


def _funding_row(text: SymbolText, row: FundingRate, marks: dict[int, float]) -> JsonObject:
    hour = Interval.H1.opens_at_ms(row.funding_time_ms)
    mark = marks.get(hour)
    return {
        "symbol": text.native,
        "fundingTime": row.funding_time_ms,
        "fundingRate": f"{row.rate:.{ASSET_PLACES}f}",
        "markPrice": "" if mark is None else f"{mark:.{ASSET_PLACES}f}",
    }
