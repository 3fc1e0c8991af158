"""OKX's public REST endpoints over a simulated market: envelopes, rows, errors.

Written from the notes on OKX and its recordings, not from the parser. Everything is text, newest
first, sized in contracts. Candles of the index are those of trades: the simulation keeps no history
of it. Maximum sizes and leverage are invented.
"""

from collections.abc import Callable, Mapping
from typing import Final

from headwater.core.errors import PlatformError
from headwater.core.intervals import Interval
from headwater.venues.common import CandleT
from headwater.venues.okx.venue_side_fills import newest_fills
from headwater.venues.okx.venue_side_rows import (
    RATE_PLACES,
    candle_row,
    funding_row,
    index_of,
    index_row,
    instrument_row,
    interest_row,
    mark_row,
    price_row,
    tier_rows,
)
from headwater.venues.side import CandlesOf, MarketView
from headwater.venues.side_desk import SymbolText

BARS: Final[Mapping[str, Interval]] = {
    "1m": Interval.M1, "3m": Interval.M3, "5m": Interval.M5, "15m": Interval.M15,
    "30m": Interval.M30, "1H": Interval.H1, "2H": Interval.H2, "4H": Interval.H4,
    "6Hutc": Interval.H6, "12Hutc": Interval.H12, "1Dutc": Interval.D1, "2Dutc": Interval.D2,
    "3Dutc": Interval.D3, "1Wutc": Interval.W1, "1Mutc": Interval.MONTH1,
    "3Mutc": Interval.MONTH3, "6H": Interval.H6, "12H": Interval.H12, "1D": Interval.D1,
    "1W": Interval.W1, "1M": Interval.MONTH1,
}  # fmt: skip
"""Bars; those from 6H without `utc` begin at 16:00 UTC at the venue and at 0:00 here."""
_PERIODS: Final[Mapping[str, Interval]] = {
    "5m": Interval.M5, "15m": Interval.M15, "30m": Interval.M30, "1H": Interval.H1,
    "2H": Interval.H2, "4H": Interval.H4, "6H": Interval.H6, "12H": Interval.H12,
    "1D": Interval.D1, "6Hutc": Interval.H6, "12Hutc": Interval.H12, "1Dutc": Interval.D1,
}  # fmt: skip
BAD_PARAMETER: Final = "51000"
NO_INSTRUMENT: Final = "51001"
EMPTY_PARAMETER: Final = "50014"
ONE_OF_TWO: Final = "50015"
NEW_CANDLES: Final = 1440
INTEREST_ROWS: Final = 1440
_REACH: Final[Mapping[str, int]] = {"5m": 2 * 288, "1H": 30 * 24, "1D": 180}
"""Rows of a coin's open interest and turnover by period: two days, thirty, 180."""
_KINDS: Final = frozenset({"SPOT", "MARGIN", "SWAP", "FUTURES", "OPTION", "ANY"})


class Refusal(PlatformError):
    """A request that gets an error in its envelope.

    Args:
        code: the venue's code.
        message: its words.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


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

    def kind(self) -> str:
        """The kind of instrument.

        Raises:
            Refusal: none, or one that does not exist.
        """
        kind = self.get("instType")
        if kind is None:
            raise Refusal(EMPTY_PARAMETER, "Parameter instType can not be empty.")
        if kind not in _KINDS:
            raise Refusal(BAD_PARAMETER, "Parameter instType error")
        return kind

    def symbol(self) -> SymbolText:
        """The instrument.

        Raises:
            Refusal: none, or one that does not exist.
        """
        name = self.get("instId")
        if name is None:
            raise Refusal(EMPTY_PARAMETER, "Parameter instId can not be empty.")
        text = self._texts.get(name)
        if text is None:
            raise Refusal(NO_INSTRUMENT, "Instrument ID doesn't exist")
        return text

    def limit(self, usual: int, highest: int, name: str = "limit") -> int:
        """The number of rows: more than there are to have gives the most.

        Raises:
            Refusal: no positive number.
        """
        number = self.number(name)
        if number is None:
            return usual
        if number < 1:
            raise Refusal(BAD_PARAMETER, f"Parameter {name} error")
        return min(number, highest)

    def number(self, name: str) -> int | None:
        """A whole number, None when it was not sent.

        Raises:
            Refusal: no whole number.
        """
        text = self.get(name)
        if text is None:
            return None
        if not (text.isascii() and text.isdigit() and len(text) < 19):
            raise Refusal(BAD_PARAMETER, f"Parameter {name} error")
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
        # Answer, requests in two seconds.
        self.endpoints: Mapping[str, tuple[Callable[[Query], list[object]], int]] = {
            "public/time": (self.time, 10),
            "public/position-tiers": (lambda q: tier_rows(market, texts, q.get("instFamily")), 10),
            "public/instruments": (self.instruments, 20),
            "market/candles": (lambda query: self.candles(query, 300, NEW_CANDLES), 40),
            "market/history-candles": (lambda query: self.candles(query, 100, None), 20),
            "market/mark-price-candles": (lambda query: self.marks(query, NEW_CANDLES), 20),
            "market/history-mark-price-candles": (lambda query: self.marks(query, None), 10),
            "market/index-candles": (self.index_candles, 20),
            "market/trades": (self.trades, 100),
            "market/history-trades": (self.old_trades, 20),
            "market/books": (lambda query: self.books(query, 400), 40),
            "market/books-full": (lambda query: self.books(query, 5000), 10),
            "market/tickers": (self.tickers, 20),
            "market/ticker": (lambda query: [self.ticker(query.symbol())], 20),
            "market/index-tickers": (self.index_tickers, 20),
            "public/open-interest": (self.open_interest, 20),
            "rubik/stat/contracts/open-interest-history": (self.interest_history, 10),
            "rubik/stat/contracts/open-interest-volume": (self.interest_volume, 5),
            "public/funding-rate": (self.funding_rate, 10),
            "public/funding-rate-history": (self.funding_history, 10),
            "public/mark-price": (self.mark_price, 10),
            "system/status": (lambda _: [], 1),
        }

    def time(self, query: Query) -> list[object]:  # noqa: ARG002 - takes no parameters
        """The venue's clock."""
        return [{"ts": str(self._market.now_ms())}]

    def instruments(self, query: Query) -> list[object]:
        """The listing; other kinds than swaps are empty here."""
        kind = query.kind()
        if kind == "OPTION" and query.get("uly") is None and query.get("instFamily") is None:
            raise Refusal(ONE_OF_TWO, "Either parameter uly or instFamily is required")
        if kind != "SWAP":
            return []
        chosen = [query.symbol()] if query.get("instId") else self._texts.values()
        return [instrument_row(text) for text in chosen]

    def candles(self, query: Query, highest: int, reach: int | None) -> list[object]:
        """Candles, newest first; of the newest `reach` only, None for all."""
        text, rows = self._rows(query, self._market.candles, highest, reach)
        return [candle_row(text, row) for row in reversed(rows)]

    def marks(self, query: Query, reach: int | None) -> list[object]:
        """Candles of the mark price; of the newest `reach` only, None for all."""
        text, rows = self._rows(query, self._market.mark_candles, 100, reach)
        return [price_row(text, row) for row in reversed(rows)]

    def index_candles(self, query: Query) -> list[object]:
        """Candles of the index."""
        text, rows = self._rows(query, self._market.candles, 100, None)
        return [price_row(text, row) for row in reversed(rows)]

    def trades(self, query: Query) -> list[object]:
        """The newest fills, newest first."""
        return [*newest_fills(self._market, query.symbol(), query.limit(100, 500), None)]

    def old_trades(self, query: Query) -> list[object]:
        """Fills before an id, newest first."""
        limit, before_id = query.limit(100, 100), query.number("after")
        return [*newest_fills(self._market, query.symbol(), limit, before_id)]

    def books(self, query: Query, highest: int) -> list[object]:
        """The book."""
        text = query.symbol()
        book = self._market.book(text.symbol, query.limit(1, highest, "sz"))
        return [
            {
                "asks": [[text.price(p), text.size(q), "0", "1"] for p, q in book.asks],
                "bids": [[text.price(p), text.size(q), "0", "1"] for p, q in book.bids],
                "ts": str(book.timestamp_ms),
                "seqId": book.sequence,
            }
        ]

    def tickers(self, query: Query) -> list[object]:
        """24-hour figures of all swaps."""
        if query.kind() != "SWAP":
            return []
        return [self.ticker(text) for text in self._texts.values()]

    def ticker(self, text: SymbolText) -> dict[str, str]:
        """24-hour figures of one."""
        stats, book = self._market.day_stats(text.symbol), self._market.book(text.symbol, 1)
        bid, ask = (book.bids or ((0.0, 0.0),))[0], (book.asks or ((0.0, 0.0),))[0]
        return {
            "instType": "SWAP",
            "instId": text.native,
            "last": text.price(stats.last),
            "lastSz": text.size(stats.last_quantity),
            "askPx": text.price(ask[0]),
            "askSz": text.size(ask[1]),
            "bidPx": text.price(bid[0]),
            "bidSz": text.size(bid[1]),
            "open24h": text.price(stats.open),
            "high24h": text.price(stats.high),
            "low24h": text.price(stats.low),
            "volCcy24h": text.base(stats.volume),
            "vol24h": text.size(stats.volume),
            "ts": str(self._market.now_ms()),
            "sodUtc0": text.price(stats.open),
            "sodUtc8": text.price(stats.open),
        }

    def index_tickers(self, query: Query) -> list[object]:
        """Index prices, by index or by quote currency."""
        wanted, quote = query.get("instId"), query.get("quoteCcy")
        if wanted is None and quote is None:
            raise Refusal(ONE_OF_TWO, "Either parameter instId or quoteCcy is required")
        found: list[object] = []
        for text in self._texts.values():
            name = index_of(text)
            if wanted in (None, name) and quote in (None, text.instrument.quote_asset):
                found.append(index_row(self._market, text))
        if wanted is not None and not found:
            raise Refusal(NO_INSTRUMENT, "Instrument ID doesn't exist")
        return found

    def open_interest(self, query: Query) -> list[object]:
        """Open interest now."""
        if query.kind() != "SWAP":
            return []
        chosen = [query.symbol()] if query.get("instId") else self._texts.values()
        return [interest_row(self._market, text) for text in chosen]

    def interest_history(self, query: Query) -> list[object]:
        """Open interest by period, newest first."""
        text = query.symbol()
        period = _PERIODS.get(query.get("period") or "5m")
        if period is None:
            raise Refusal(BAD_PARAMETER, "Parameter period error")
        begin_ms, end_ms = query.number("begin"), query.number("end")
        found = self._market.open_interest_history(
            text.symbol, period, limit=query.limit(100, 100), end_ms=end_ms
        )
        oldest_ms = self._market.now_ms() - INTEREST_ROWS * period.nominal_ms
        first_ms = max(begin_ms or 0, oldest_ms)
        return [
            [
                str(row.timestamp_ms),
                text.size(row.open_interest),
                text.base(row.open_interest),
                f"{row.value or 0.0:.4f}",
            ]
            for row in reversed(found)
            if row.timestamp_ms >= first_ms
        ]

    def interest_volume(self, query: Query) -> list[object]:
        """Open interest and turnover of a coin's contracts by period, in USD, newest first."""
        text = next(
            (one for one in self._texts.values() if one.instrument.base_asset == query.get("ccy")),
            None,
        )
        if text is None:
            raise Refusal(BAD_PARAMETER, "Parameter ccy error")
        name = query.get("period") or "5m"
        if name not in _REACH:
            raise Refusal(BAD_PARAMETER, "Parameter period error")
        period, reach = BARS[name], _REACH[name]
        oldest_ms = self._market.now_ms() - reach * period.nominal_ms
        begin_ms, end_ms = max(query.number("begin") or 0, oldest_ms), query.number("end")
        found = self._market.open_interest_history(
            text.symbol, period, limit=reach, start_ms=begin_ms, end_ms=end_ms
        )
        candles = self._market.candles(
            text.symbol, period, limit=reach, start_ms=begin_ms - period.nominal_ms, end_ms=end_ms
        )
        turnover = {period.closes_at_ms(row.timestamp_ms): row.quote_volume for row in candles}
        return [
            [
                str(row.timestamp_ms),
                f"{row.value or 0.0:.4f}",
                f"{turnover.get(row.timestamp_ms) or 0.0:.4f}",
            ]
            for row in reversed(found)
        ]

    def funding_rate(self, query: Query) -> list[object]:
        """Running estimates, of one or of any."""
        if query.get("instId") == "ANY":
            return [funding_row(self._market, text) for text in self._texts.values()]
        return [funding_row(self._market, query.symbol())]

    def funding_history(self, query: Query) -> list[object]:
        """Past settlements, newest first."""
        text, limit = query.symbol(), query.limit(400, 400)
        before_ms, after_ms = query.number("before"), query.number("after")
        end_ms = None if after_ms is None else after_ms - 1
        found = self._market.funding_history(text.symbol, limit=limit, end_ms=end_ms)
        return [
            {
                "instType": "SWAP",
                "instId": text.native,
                "formulaType": "withRate",
                "fundingRate": f"{row.rate:.{RATE_PLACES}f}",
                "realizedRate": f"{row.rate:.{RATE_PLACES}f}",
                "fundingTime": str(row.funding_time_ms),
                "method": "current_period",
            }
            for row in reversed(found)
            if before_ms is None or row.funding_time_ms > before_ms
        ]

    def mark_price(self, query: Query) -> list[object]:
        """Mark prices; of one instrument also without its kind."""
        if query.get("instId") and query.get("instType") in (None, "SWAP"):
            return [mark_row(self._market, query.symbol())]
        if query.kind() != "SWAP":
            return []
        return [mark_row(self._market, text) for text in self._texts.values()]

    def _rows(
        self, query: Query, candles: CandlesOf[CandleT], highest: int, reach: int | None
    ) -> tuple[SymbolText, list[CandleT]]:
        """Candles between `before` and `after`, both without it, the newest of them."""
        name = query.get("instId") or ""
        text = next((one for one in self._texts.values() if index_of(one) == name), None)
        text = text or query.symbol()
        interval = BARS.get(query.get("bar") or "1m")
        if interval is None:
            raise Refusal(BAD_PARAMETER, "Parameter bar error")
        before_ms, after_ms = query.number("before"), query.number("after")
        end_ms = None if after_ms is None else after_ms - 1
        limit = query.limit(100, highest)
        found = candles(text.symbol, interval, limit=limit, end_ms=end_ms)
        now_ms = self._market.now_ms()
        oldest_ms = 0 if reach is None else now_ms - reach * interval.nominal_ms
        return text, [row for row in found if row.timestamp_ms > max(before_ms or -1, oldest_ms)]
