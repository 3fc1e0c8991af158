"""Market data by REST: request builders and paging; `market_replies.py` reads the replies.

Every method is a generator that yields requests and is sent their replies. What one page cannot
hold is paged: by opening time, by trade id or by windows of time that never hold more rows than a
page, because which end of an overfull window the venue returns is not documented everywhere.

Source: https://developers.binance.com/docs/derivatives/usds-margined-futures/market-data/rest-api
"""

from typing import Final

from headwater.core.errors import NotSupported, VenueError, WireError
from headwater.core.http_messages import HttpRequest
from headwater.core.instruments import Instrument, InstrumentTable
from headwater.core.intervals import Interval
from headwater.core.margin_tiers import MarginTiers
from headwater.core.records import (
    BookSnapshot,
    Candle,
    FundingRate,
    MarkCandle,
    MarkPrice,
    OpenInterest,
    Record,
    Ticker,
    Trade,
)
from headwater.venues.base import MarketRest
from headwater.venues.binance import market_replies as replies
from headwater.venues.binance.klines import KLINES_MAX, kline_request, paged
from headwater.venues.binance.margin_snapshot import snapshot_of
from headwater.venues.binance.symbols import DEFAULT_FUNDING_INTERVAL_H, EXCHANGE
from headwater.venues.common import query_of, require_positive
from headwater.venues.messages import RestCall

CANDLES_MAX: Final = KLINES_MAX
TRADES_MAX: Final = 1000
FUNDING_MAX: Final = 1000
OPEN_INTEREST_MAX: Final = 500
DEPTH_WEIGHTS: Final = {5: 2, 10: 2, 20: 2, 50: 2, 100: 5, 500: 10, 1000: 20}
"""Weight of a book by its depth; the keys are the depths that exist."""
OPEN_INTEREST_PERIODS: Final[tuple[Interval, ...]] = (
    Interval.M5,
    Interval.M15,
    Interval.M30,
    Interval.H1,
    Interval.H2,
    Interval.H4,
    Interval.H6,
    Interval.H12,
    Interval.D1,
)
_FUNDING_LATEST: Final = 200
"""Rows the venue returns at most when no time is given."""
_HOUR_MS: Final = 3_600_000
OPEN_INTEREST_DAYS: Final = 30
"""How far back the venue keeps open interest."""
_OPEN_INTEREST_REACH_MS: Final = OPEN_INTEREST_DAYS * 24 * _HOUR_MS


def _request(path: str, weight: int, pool: str = "ip", **query: int | str | None) -> HttpRequest:
    """A GET; parameters that are None are left out."""
    return HttpRequest(path=path, query=query_of(**query), weight=weight, pool=pool)


class BinanceMarketRest(MarketRest):
    """REST calls of Binance USD-M futures.

    Args:
        table: names the instruments in replies that carry native symbols; what it lacks is named
            by rule.
    """

    def __init__(self, table: InstrumentTable) -> None:
        self._table = table

    def server_time_ms(self) -> RestCall[int]:
        """The venue's clock, ms since the epoch."""
        reply = yield _request("/fapi/v1/time", 1)
        return replies.server_time_of(reply.body)

    def instruments(self) -> RestCall[list[Instrument]]:
        """All contracts, with the funding intervals of `fundingInfo`.

        When that second request fails or cannot be read the contracts are still good: their
        interval is then unknown (None), not guessed.
        """
        listing = yield _request("/fapi/v1/exchangeInfo", 1)
        try:
            info = yield _request("/fapi/v1/fundingInfo", 1, "funding")
            intervals_h = replies.funding_intervals_of(info.body)
        except (VenueError, WireError):
            intervals_h = None
        return replies.instruments_in(listing.body, intervals_h, listing.received_ns)

    def candles(
        self,
        instrument: Instrument,
        interval: Interval,
        *,
        limit: int,
        start_ms: int | None = None,
        end_ms: int | None = None,
        now_ms: int,
    ) -> RestCall[list[Candle]]:
        """Up to `limit` candles: forward from `start_ms`, else the newest up to `end_ms`."""
        contract = replies.contract_of(instrument)

        def page(first_ms: int | None, last_ms: int | None, size: int) -> RestCall[list[Candle]]:
            reply = yield kline_request("klines", instrument, interval, first_ms, last_ms, size)
            return replies.candles_of(
                reply.body, contract, interval, now_ms=now_ms, received_ns=reply.received_ns
            )

        return (yield from paged(page, limit, start_ms, end_ms))

    def mark_candles(
        self,
        instrument: Instrument,
        interval: Interval,
        *,
        limit: int,
        start_ms: int | None = None,
        end_ms: int | None = None,
        now_ms: int,
    ) -> RestCall[list[MarkCandle]]:
        """Up to `limit` bars of the mark price: forward from `start_ms`, else the newest."""
        contract = replies.contract_of(instrument)

        def page(
            first_ms: int | None, last_ms: int | None, size: int
        ) -> RestCall[list[MarkCandle]]:
            reply = yield kline_request(
                "markPriceKlines", instrument, interval, first_ms, last_ms, size
            )
            return replies.mark_candles_of(
                reply.body, contract, interval, now_ms=now_ms, received_ns=reply.received_ns
            )

        return (yield from paged(page, limit, start_ms, end_ms))

    def trades(self, instrument: Instrument, *, limit: int) -> RestCall[list[Trade]]:
        """The newest `limit` trades, with the ids of the live channel, oldest first."""
        require_positive("limit", limit)
        newest = yield from self._trades_page(instrument, min(limit, TRADES_MAX))
        if len(newest) < min(limit, TRADES_MAX) or limit <= TRADES_MAX or not newest:
            return newest
        last = _sequence_of(newest[0]) - 1
        first = max(last - (limit - len(newest)) + 1, 0)
        older = yield from self.trades_between(instrument, first, last)
        return older + newest

    def trades_between(
        self, instrument: Instrument, first_sequence: int, last_sequence: int
    ) -> RestCall[list[Trade]]:
        """Every trade from `first_sequence` to `last_sequence` that the venue still has."""
        found: list[Trade] = []
        cursor = first_sequence
        while cursor <= last_sequence:
            size = min(last_sequence - cursor + 1, TRADES_MAX)
            page = yield from self._trades_page(instrument, size, from_id=cursor)
            fresh = [row for row in page if cursor <= _sequence_of(row) <= last_sequence]
            if not fresh:
                break
            found += fresh
            cursor = _sequence_of(fresh[-1]) + 1
        return found

    def book(self, instrument: Instrument, *, depth: int) -> RestCall[BookSnapshot]:
        """The book with at least `depth` levels a side, at most 1000."""
        size = next((size for size in DEPTH_WEIGHTS if size >= depth), max(DEPTH_WEIGHTS))
        reply = yield _request(
            "/fapi/v1/depth", DEPTH_WEIGHTS[size], symbol=instrument.native_symbol, limit=size
        )
        return replies.book_of(reply.body, replies.contract_of(instrument), reply.received_ns)

    def tickers(self, instrument: Instrument | None = None) -> RestCall[list[Ticker]]:
        """24-hour figures of one instrument or of all; bid and ask are not in them."""
        native = None if instrument is None else instrument.native_symbol
        reply = yield _request("/fapi/v1/ticker/24hr", 1 if native else 40, symbol=native)
        return replies.tickers_of(reply.body, self._table, reply.received_ns)

    def mark_prices(self, instrument: Instrument | None = None) -> RestCall[list[MarkPrice]]:
        """Mark price, index price and coming funding of one instrument or of all."""
        native = None if instrument is None else instrument.native_symbol
        reply = yield _request("/fapi/v1/premiumIndex", 1 if native else 10, symbol=native)
        return replies.mark_prices_of(reply.body, self._table, reply.received_ns)

    def open_interest(self, instrument: Instrument) -> RestCall[OpenInterest]:
        """Open interest now; its value is worked out with the mark price of a second request.

        Raises:
            NotSupported: the contract is not of this market.
        """
        marks = yield from self.mark_prices(instrument)
        reply = yield _request("/fapi/v1/openInterest", 1, symbol=instrument.native_symbol)
        mark = marks[0].mark if marks else None
        found = replies.open_interest_of(reply.body, self._table, mark, reply.received_ns)
        if found is None:
            raise NotSupported(EXCHANGE, "open_interest", "coin-margined contract")
        return found

    def open_interest_history(
        self,
        instrument: Instrument,
        period: Interval,
        *,
        limit: int,
        start_ms: int | None = None,
        end_ms: int | None = None,
    ) -> RestCall[list[OpenInterest]]:
        """Open interest at the end of each period, of the last 30 days: an older start is moved.

        The newest row tells the venue's present, and so how far back it may be asked: a window
        that begins more than 30 days ago is refused as a whole.

        Raises:
            NotSupported: the venue has no such period.
        """
        require_positive("limit", limit)
        if period not in OPEN_INTEREST_PERIODS:
            allowed = ", ".join(OPEN_INTEREST_PERIODS)
            raise NotSupported(EXCHANGE, f"open interest by {period}", f"periods: {allowed}")
        if start_ms is None:
            return (yield from self._newest_open_interest(instrument, period, limit, end_ms))
        newest = yield from self._open_interest_page(instrument, period, None, None, 1)
        if not newest:
            return []
        present_ms = newest[-1].timestamp_ms + 2 * period.nominal_ms
        last_ms = present_ms if end_ms is None else min(end_ms, present_ms)
        start_ms = max(start_ms, present_ms - _OPEN_INTEREST_REACH_MS)
        span_ms = OPEN_INTEREST_MAX * period.nominal_ms
        rows: list[OpenInterest] = []
        # An empty window is not the end: the contract may be younger, or the venue have a hole.
        while len(rows) < limit and start_ms <= last_ms:
            until_ms = min(start_ms + span_ms - 1, last_ms)
            rows += yield from self._open_interest_page(instrument, period, start_ms, until_ms)
            start_ms = until_ms + 1
        return rows[:limit]

    def funding_rate(self, instrument: Instrument) -> RestCall[FundingRate]:
        """The running estimate for the coming settlement.

        Raises:
            NotSupported: a dated contract, or one that is not trading.
        """
        marks = yield from self.mark_prices(instrument)
        mark = marks[0] if marks else None
        if mark is None or mark.funding_rate is None or mark.next_funding_ms is None:
            raise NotSupported(EXCHANGE, "funding_rate", "the contract has no funding now")
        return FundingRate(
            exchange=EXCHANGE,
            symbol=mark.symbol,
            native_symbol=mark.native_symbol,
            timestamp_ms=mark.timestamp_ms,
            received_ns=mark.received_ns,
            rate=mark.funding_rate,
            interval_h=instrument.funding_interval_h,
            funding_time_ms=mark.next_funding_ms,
        )

    def funding_history(
        self,
        instrument: Instrument,
        *,
        limit: int,
        start_ms: int | None = None,
        end_ms: int | None = None,
    ) -> RestCall[list[FundingRate]]:
        """Past settlements: forward from `start_ms`, else the newest up to `end_ms`."""
        require_positive("limit", limit)
        rows: list[FundingRate] = []
        if start_ms is not None:
            while len(rows) < limit:
                size = min(limit - len(rows), FUNDING_MAX)
                page = yield from self._funding_page(instrument, start_ms, end_ms, size)
                fresh = [row for row in page if _within(row, start_ms, end_ms)]
                rows += fresh
                if not fresh or len(page) < size:
                    break
                start_ms = fresh[-1].timestamp_ms + 1
            return rows[:limit]
        if end_ms is None:
            size = min(limit, FUNDING_MAX)
            rows = yield from self._funding_page(instrument, None, None, size)
            if len(rows) >= limit or len(rows) < min(size, _FUNDING_LATEST):
                return rows[-limit:]
            end_ms = rows[0].timestamp_ms - 1
        # A row an hour is the most there can be, unless the contract's interval is known.
        interval_h = instrument.funding_interval_h or DEFAULT_FUNDING_INTERVAL_H
        span_ms = int(FUNDING_MAX * min(interval_h, DEFAULT_FUNDING_INTERVAL_H) * _HOUR_MS)
        while len(rows) < limit and end_ms > 0:
            begin_ms = max(end_ms - span_ms + 1, 0)
            page = yield from self.funding_history(
                instrument, limit=8 * FUNDING_MAX, start_ms=begin_ms, end_ms=end_ms
            )
            if not page:
                break
            rows, end_ms = page + rows, begin_ms - 1
        return rows[-limit:]

    def _trades_page(
        self, instrument: Instrument, size: int, from_id: int | None = None
    ) -> RestCall[list[Trade]]:
        reply = yield _request(
            "/fapi/v1/aggTrades",
            20,
            symbol=instrument.native_symbol,
            fromId=from_id,
            limit=size,
        )
        contract = replies.contract_of(instrument)
        return replies.trades_of(reply.body, contract, reply.received_ns)

    def _newest_open_interest(
        self, instrument: Instrument, period: Interval, limit: int, end_ms: int | None
    ) -> RestCall[list[OpenInterest]]:
        """The newest `limit` rows up to `end_ms`, by windows from the newest page backwards."""
        size = OPEN_INTEREST_MAX if end_ms is not None else min(limit, OPEN_INTEREST_MAX)
        page = yield from self._open_interest_page(instrument, period, None, None, size)
        rows = [row for row in page if _within(row, None, end_ms)]
        if len(rows) >= limit or len(page) < size:
            return rows[-limit:]
        # Two periods less, because the newest row may be that late.
        oldest_ms = page[-1].timestamp_ms - _OPEN_INTEREST_REACH_MS + 2 * period.nominal_ms
        last_ms = page[0].timestamp_ms - 1
        if end_ms is not None:
            last_ms = min(last_ms, end_ms)
        span_ms = OPEN_INTEREST_MAX * period.nominal_ms
        while len(rows) < limit and last_ms >= oldest_ms:
            first_ms = max(last_ms - span_ms + 1, oldest_ms)
            page = yield from self._open_interest_page(instrument, period, first_ms, last_ms)
            if not page:
                break
            rows, last_ms = page + rows, first_ms - 1
        return rows[-limit:]

    def _open_interest_page(
        self,
        instrument: Instrument,
        period: Interval,
        start_ms: int | None,
        end_ms: int | None,
        size: int = OPEN_INTEREST_MAX,
    ) -> RestCall[list[OpenInterest]]:
        reply = yield _request(
            "/futures/data/openInterestHist",
            1,
            "open_interest_history",
            symbol=instrument.native_symbol,
            period=period.value,
            startTime=start_ms,
            endTime=end_ms,
            limit=size,
        )
        rows = replies.open_interests_of(reply.body, self._table, reply.received_ns)
        return [row for row in rows if _within(row, start_ms, end_ms)]

    def _funding_page(
        self, instrument: Instrument, start_ms: int | None, end_ms: int | None, size: int
    ) -> RestCall[list[FundingRate]]:
        reply = yield _request(
            "/fapi/v1/fundingRate",
            1,
            "funding",
            symbol=instrument.native_symbol,
            startTime=start_ms,
            endTime=end_ms,
            limit=size,
        )
        return replies.fundings_of(
            reply.body, self._table, instrument.funding_interval_h, reply.received_ns
        )

    def margin_tiers(self, instrument: Instrument) -> RestCall[MarginTiers]:
        """A dated copy of the brackets; asks nothing, for the venue tells them to keys only."""
        yield from ()
        return snapshot_of(instrument)


def _within(row: Record, start_ms: int | None, end_ms: int | None) -> bool:
    """Whether a row lies inside inclusive bounds."""
    return (start_ms is None or row.timestamp_ms >= start_ms) and (
        end_ms is None or row.timestamp_ms <= end_ms
    )


def _sequence_of(trade: Trade) -> int:
    """The trade's id as a number; aggregated trades always have one."""
    return -1 if trade.sequence is None else trade.sequence
