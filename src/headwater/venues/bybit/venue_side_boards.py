"""Bybit's public REST endpoints over a simulated market: parameters, lists, errors.

Written from the notes on Bybit and its recordings, not from the parser. Lists are newest first;
nearly every value is text. Candles of the index are those of trades and candles of the premium are
zero: the simulation keeps no history of the index.
"""

import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from headwater.core.errors import PlatformError
from headwater.core.intervals import Interval
from headwater.core.records import Candle, MarkCandle, Trade
from headwater.venues.bybit.venue_side_rows import (
    QUOTE_PLACES,
    RATE_PLACES,
    hours_of,
    instrument_row,
    ticker_fields,
)
from headwater.venues.common import CandleT
from headwater.venues.side import CandlesOf, MarketView
from headwater.venues.side_desk import SymbolText

BAD_PARAMETER: Final = 10001
BAD_KEY: Final = 10003
CATEGORIES: Final = frozenset({"linear", "inverse", "spot", "option"})
INTERVALS: Final[Mapping[str, Interval]] = {
    "1": Interval.M1, "3": Interval.M3, "5": Interval.M5, "15": Interval.M15, "30": Interval.M30,
    "60": Interval.H1, "120": Interval.H2, "240": Interval.H4, "360": Interval.H6,
    "720": Interval.H12, "D": Interval.D1, "W": Interval.W1, "M": Interval.MONTH1,
}  # fmt: skip
_PERIODS: Final[Mapping[str, Interval]] = {
    "5min": Interval.M5, "15min": Interval.M15, "30min": Interval.M30, "1h": Interval.H1,
    "4h": Interval.H4, "1d": Interval.D1,
}  # fmt: skip
_EXEC_SPACE: Final = uuid.UUID("0b1f0000-0000-5000-8000-000000000000").int
_STATUSES: Final = frozenset({"PreLaunch", "Trading", "Settling", "Delivering", "Closed"})
_NO_PREMIUM: Final = "0.000000"
_NS_PER_MS: Final = 1_000_000


class Refusal(PlatformError):
    """A request that gets an error in its envelope.

    Args:
        code: `retCode`.
        message: `retMsg`.
    """

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def exec_id(trade: Trade) -> str:
    """The id of a fill, a UUID that its number decides."""
    number = trade.sequence or 0
    salt = sum(trade.symbol.encode()) << 64
    return str(uuid.UUID(int=_EXEC_SPACE + salt + number))


class Query:
    """The parameters of a request.

    Args:
        pairs: decoded names and values.
        texts: the symbols by native spelling.
    """

    def __init__(self, pairs: tuple[tuple[str, str], ...], texts: Mapping[str, SymbolText]) -> None:
        self._values = {name: value for name, value in pairs if value != ""}
        self._texts = texts

    def get(self, name: str) -> str | None:
        """A parameter as it was sent, None when it was not."""
        return self._values.get(name)

    @property
    def is_linear(self) -> bool:
        """Whether the category is ours; others exist and are empty here.

        Raises:
            Refusal: no category, or one that does not exist.
        """
        category = self.get("category")
        if category not in CATEGORIES:
            raise Refusal(BAD_PARAMETER, "params error: Category is invalid")
        return category == "linear"

    def symbol(self) -> SymbolText:
        """The symbol.

        Raises:
            Refusal: none, or one that is not listed.
        """
        text = self._texts.get(self.get("symbol") or "")
        if text is None:
            raise Refusal(BAD_PARAMETER, "params error: Symbol Invalid")
        return text

    def limit(self, usual: int, highest: int) -> int:
        """The number of rows.

        Raises:
            Refusal: no number from 1 to `highest`.
        """
        number = self.number("limit")
        if number is None:
            return usual
        if not 1 <= number <= highest:
            raise Refusal(BAD_PARAMETER, f"params error: limit must be between 1 and {highest}")
        return number

    def number(self, name: str) -> int | None:
        """A whole number, None when it was not sent.

        Raises:
            Refusal: no whole number.
        """
        text = self.get(name)
        if text is None:
            return None
        if not (text.isascii() and text.isdigit() and len(text) < 19):
            raise Refusal(BAD_PARAMETER, f"params error: {name} invalid")
        return int(text)


class Boards:
    """Answers of the public endpoints.

    Args:
        market: what is going on.
        texts: its symbols by native spelling.
    """

    def __init__(self, market: MarketView, texts: Mapping[str, SymbolText]) -> None:
        self._market = market
        self._texts = texts
        self.endpoints: Mapping[str, Callable[[Query], object]] = {
            "/v5/market/time": self.time,
            "/v5/market/kline": self.klines,
            "/v5/market/mark-price-kline": self.mark_klines,
            "/v5/market/index-price-kline": self.index_klines,
            "/v5/market/premium-index-price-kline": self.premium_klines,
            "/v5/market/orderbook": self.orderbook,
            "/v5/market/recent-trade": self.recent_trades,
            "/v5/market/tickers": self.tickers,
            "/v5/market/instruments-info": self.instruments,
            "/v5/market/open-interest": self.open_interest,
            "/v5/market/funding/history": self.funding_history,
            "/v5/market/risk-limit": self.risk_limits,
            "/v5/system/status": lambda _: {"list": []},
        }

    def time(self, query: Query) -> object:  # noqa: ARG002 - takes no parameters
        """The venue's clock."""
        now_ms = self._market.now_ms()
        return {"timeSecond": str(now_ms // 1000), "timeNano": str(now_ms * _NS_PER_MS)}

    def klines(self, query: Query) -> object:
        """Candles, the newest of the span, newest first."""
        text, rows = self._rows(query, self._market.candles)
        return {
            "category": "linear",
            "symbol": text.native,
            "list": [
                [
                    str(row.timestamp_ms),
                    text.price(row.open),
                    text.price(row.high),
                    text.price(row.low),
                    text.price(row.close),
                    text.size(row.volume),
                    f"{row.quote_volume or 0.0:.{QUOTE_PLACES}f}",
                ]
                for row in reversed(rows)
            ],
        }

    def mark_klines(self, query: Query) -> object:
        """Candles of the mark price: rows of five."""
        return _priced(*self._rows(query, self._market.mark_candles))

    def index_klines(self, query: Query) -> object:
        """Candles of the index: rows of five."""
        return _priced(*self._rows(query, self._market.candles))

    def premium_klines(self, query: Query) -> object:
        """Candles of the premium of mark over index: rows of five."""
        text, rows = self._rows(query, self._market.candles)
        listed = [[str(row.timestamp_ms), *[_NO_PREMIUM] * 4] for row in reversed(rows)]
        return {"category": "linear", "symbol": text.native, "list": listed}

    def orderbook(self, query: Query) -> object:
        """The book; its `u` counts in the stream of 1,000 levels."""
        if not query.is_linear:
            raise Refusal(BAD_PARAMETER, "params error: Symbol Invalid")
        text = query.symbol()
        book = self._market.book(text.symbol, query.limit(25, 1000))
        return {
            "s": text.native,
            "b": [[text.price(price), text.size(size)] for price, size in book.bids],
            "a": [[text.price(price), text.size(size)] for price, size in book.asks],
            "ts": self._market.now_ms(),
            "u": book.sequence,
            "seq": book.sequence,
            "cts": book.timestamp_ms,
        }

    def recent_trades(self, query: Query) -> object:
        """The newest fills, newest first."""
        if not query.is_linear:
            return {"category": query.get("category"), "list": []}
        text = query.symbol()
        prints = self._market.prints(text.symbol, limit=query.limit(500, 1000))
        rows = [
            {
                "execId": exec_id(found.trade),
                "symbol": text.native,
                "price": text.price(found.trade.price),
                "size": text.size(found.trade.quantity),
                "side": found.trade.side.value.capitalize(),
                "time": str(found.trade.timestamp_ms),
                "isBlockTrade": False,
                "isRPITrade": False,
                "seq": str(found.trade.sequence),
            }
            for found in reversed(prints)
        ]
        return {"category": "linear", "list": rows}

    def tickers(self, query: Query) -> object:
        """24-hour figures, marks, funding and open interest."""
        if not query.is_linear:
            return {"category": query.get("category"), "list": []}
        chosen = [query.symbol()] if query.get("symbol") else list(self._texts.values())
        rows = [
            {"symbol": text.native, **ticker_fields(self._market, text)}
            | {"fundingIntervalHour": hours_of(text), "fundingCap": "0.00375"}
            for text in chosen
        ]
        return {"category": "linear", "list": rows}

    def instruments(self, query: Query) -> object:
        """The listing of a status and base coin, in pages; all of it trades."""
        status, base = query.get("status") or "Trading", query.get("baseCoin")
        if status not in _STATUSES:
            raise Refusal(BAD_PARAMETER, "params error: status invalid")
        if not query.is_linear:
            return {"category": query.get("category"), "list": [], "nextPageCursor": ""}
        listed = [query.symbol()] if query.get("symbol") else list(self._texts.values())
        chosen = [
            text
            for text in listed
            if status == "Trading" and base in (None, text.instrument.base_asset)
        ]
        size = query.limit(500, 1000)
        cursor = query.get("cursor") or "0"
        start = int(cursor) if cursor.isdigit() and len(cursor) < 9 else 0
        page = chosen[start : start + size]
        after = str(start + size) if start + size < len(chosen) else ""
        return {
            "category": "linear",
            "list": [instrument_row(text) for text in page],
            "nextPageCursor": after,
        }

    def open_interest(self, query: Query) -> object:
        """Open interest by period, newest first; both sides, and one."""
        if not query.is_linear:
            raise Refusal(BAD_PARAMETER, "params error: Symbol Invalid")
        text = query.symbol()
        period = _PERIODS.get(query.get("intervalTime") or "")
        if period is None:
            raise Refusal(BAD_PARAMETER, "params error: intervalTime invalid")
        limit = query.limit(50, 200)
        start_ms, end_ms = query.number("startTime"), query.number("endTime")
        found = self._market.open_interest_history(text.symbol, period, limit=limit, end_ms=end_ms)
        rows = [
            {
                "openInterest": text.size(2 * row.open_interest),
                "singleOpenInterest": text.size(row.open_interest),
                "timestamp": str(row.timestamp_ms),
            }
            for row in reversed(found)
            if start_ms is None or row.timestamp_ms >= start_ms
        ]
        return {
            "symbol": text.native,
            "category": "linear",
            "list": rows,
            "nextPageCursor": "",
        }

    def funding_history(self, query: Query) -> object:
        """Past settlements, newest first; a start without an end is an error."""
        if not query.is_linear:
            raise Refusal(BAD_PARAMETER, "params error: Symbol Invalid")
        text, limit = query.symbol(), query.limit(200, 200)
        start_ms, end_ms = query.number("startTime"), query.number("endTime")
        if start_ms is not None and end_ms is None:
            raise Refusal(BAD_PARAMETER, "params error: endTime is required with startTime")
        found = self._market.funding_history(text.symbol, limit=limit, end_ms=end_ms)
        rows = [
            {
                "symbol": text.native,
                "fundingRate": f"{row.rate:.{RATE_PLACES}f}",
                "fundingRateTimestamp": str(row.funding_time_ms),
            }
            for row in reversed(found)
            if start_ms is None or row.funding_time_ms >= start_ms
        ]
        return {"category": "linear", "list": rows}

    def risk_limits(self, query: Query) -> object:
        """Tiers by the notional at which they end; the first has no deduction to name."""
        if not query.is_linear:
            return {"category": query.get("category"), "list": []}
        chosen = [query.symbol()] if query.get("symbol") else list(self._texts.values())
        rows = [
            {
                "id": number,
                "symbol": text.native,
                "riskLimitValue": f"{tier.notional_cap:.0f}",
                "maintenanceMargin": f"{tier.maintenance_rate:g}",
                "initialMargin": f"{1 / tier.leverage_max:.6g}",
                "isLowestRisk": int(number == 1),
                "maxLeverage": f"{tier.leverage_max:.2f}",
                "mmDeduction": f"{tier.maintenance_deduction:.2f}" if number > 1 else "",
            }
            for text in chosen
            for number, tier in enumerate(self._market.margin_tiers(text.symbol), 1)
        ]
        return {"category": "linear", "list": rows}

    def _rows(self, query: Query, candles: CandlesOf[CandleT]) -> tuple[SymbolText, list[CandleT]]:
        """Candles of a span: of more than the limit the newest."""
        if not query.is_linear:
            raise Refusal(BAD_PARAMETER, "params error: Symbol Invalid")
        text = query.symbol()
        interval = INTERVALS.get(query.get("interval") or "")
        if interval is None:
            raise Refusal(BAD_PARAMETER, "Invalid period!")
        limit = query.limit(200, 1000)
        start_ms, end_ms = query.number("start"), query.number("end")
        if start_ms is not None and end_ms is None:
            end_ms = start_ms + limit * interval.nominal_ms - 1
        found = candles(text.symbol, interval, limit=limit, end_ms=end_ms)
        return text, [row for row in found if start_ms is None or row.timestamp_ms >= start_ms]


def _priced(text: SymbolText, rows: Sequence[Candle | MarkCandle]) -> object:
    """Rows of a price that nobody trades."""
    listed = [
        [str(row.timestamp_ms), *map(text.price, (row.open, row.high, row.low, row.close))]
        for row in reversed(rows)
    ]
    return {"category": "linear", "symbol": text.native, "list": listed}
