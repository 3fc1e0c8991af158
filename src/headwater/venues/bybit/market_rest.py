"""Market data by REST: request builders and paging; `market_replies.py` reads the replies.

Of a span with more rows than a page the venue returns the newest: what goes forward is asked in
windows of time that hold no more rows than a page, what goes back by moving the end.

Source: https://bybit-exchange.github.io/docs/v5/market/kline and its neighbours
"""

from collections.abc import Callable
from typing import Final, TypeAlias, TypeVar

from headwater.core.errors import NotSupported, RequestError, VenueRejected
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
    Ticker,
    Trade,
)
from headwater.venues.base import MarketRest
from headwater.venues.bybit import market_replies as replies
from headwater.venues.bybit.symbols import EXCHANGE, INTERVAL_NAMES, PERIODS
from headwater.venues.common import (
    CandleT,
    candles_forward,
    not_counted,
    query_of,
    require_positive,
)
from headwater.venues.messages import RestCall

R = TypeVar("R", OpenInterest, FundingRate)

CATEGORY: Final = "linear"
CANDLES_MAX: Final = 1000
TRADES_MAX: Final = 1000
FUNDING_MAX: Final = 200
OPEN_INTEREST_MAX: Final = 200
BOOK_DEPTHS: Final = (1, 25, 50, 100, 200, 500, 1000)
INSTRUMENTS_PAGE: Final = 1000
PAGES_MAX: Final = 200
"""Pages of one call: a venue that never ends its list does not hold us for ever."""

_HOUR_MS: Final = 3_600_000
_Page: TypeAlias = Callable[[int | None, int | None, int], RestCall[tuple[list[R], int]]]
"""(first ms, last ms, most rows) → rows, ascending, and the time of the reply in ms."""


def _request(path: str, **query: int | str | None) -> HttpRequest:
    """A GET of category linear; parameters that are None are left out."""
    return HttpRequest(
        path=f"/v5/market/{path}", query=(("category", CATEGORY), *query_of(**query))
    )


class BybitMarketRest(MarketRest):
    """REST calls of category linear.

    Args:
        table: names the instruments in replies; what it lacks is named by rule.
    """

    def __init__(self, table: InstrumentTable) -> None:
        self._table = table

    def server_time_ms(self) -> RestCall[int]:
        """The venue's clock, ms since the epoch."""
        reply = yield HttpRequest(path="/v5/market/time")
        return replies.server_time_of(reply.body)

    def instruments(self) -> RestCall[list[Instrument]]:
        """All contracts of the category: more than a page, so by cursor."""
        found: list[Instrument] = []
        cursor: str | None = None
        for _ in range(PAGES_MAX):
            reply = yield _request("instruments-info", limit=INSTRUMENTS_PAGE, cursor=cursor)
            page, cursor = replies.instruments_in(reply.body, reply.received_ns)
            found += page
            if not cursor:
                break
        return found

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

        def page(size: int, first_ms: int | None, last_ms: int) -> RestCall[list[Candle]]:
            reply = yield _bars("kline", instrument, interval, size, first_ms, last_ms)
            return replies.candles_of(
                reply.body,
                replies.contract_of(instrument),
                interval,
                now_ms=now_ms,
                received_ns=reply.received_ns,
            )

        last_ms = now_ms if end_ms is None else min(end_ms, now_ms)
        return (yield from _candles(page, instrument, interval, limit, start_ms, last_ms))

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
        """Up to `limit` bars of the mark price, as candles of trades."""

        def page(size: int, first_ms: int | None, last_ms: int) -> RestCall[list[MarkCandle]]:
            reply = yield _bars("mark-price-kline", instrument, interval, size, first_ms, last_ms)
            return replies.mark_candles_of(
                reply.body,
                replies.contract_of(instrument),
                interval,
                now_ms=now_ms,
                received_ns=reply.received_ns,
            )

        last_ms = now_ms if end_ms is None else min(end_ms, now_ms)
        return (yield from _candles(page, instrument, interval, limit, start_ms, last_ms))

    def trades(self, instrument: Instrument, *, limit: int) -> RestCall[list[Trade]]:
        """The newest `limit` fills."""
        require_positive("limit", limit)
        reply = yield _request("recent-trade", symbol=instrument.native_symbol, limit=limit)
        return replies.trades_of(reply.body, self._table, reply.received_ns)

    def trades_between(
        self, instrument: Instrument, first_sequence: int, last_sequence: int
    ) -> RestCall[list[Trade]]:
        """Not offered: fills are not counted.

        Raises:
            NotSupported: always.
        """
        raise not_counted(EXCHANGE, instrument, first_sequence, last_sequence)

    def book(self, instrument: Instrument, *, depth: int) -> RestCall[BookSnapshot]:
        """The book, at least `depth` levels a side up to 1,000."""
        require_positive("limit", depth)
        size = next((one for one in BOOK_DEPTHS if one >= depth), BOOK_DEPTHS[-1])
        reply = yield _request("orderbook", symbol=instrument.native_symbol, limit=size)
        book = replies.book_of(reply.body, self._table, reply.received_ns)
        if book is None:
            raise VenueRejected(EXCHANGE, f"{instrument.native_symbol} is not of category linear")
        return book

    def tickers(self, instrument: Instrument | None = None) -> RestCall[list[Ticker]]:
        """24-hour figures of one instrument or of all."""
        reply = yield _request("tickers", symbol=_native(instrument))
        return replies.tickers_of(reply.body, self._table, reply.received_ns)

    def mark_prices(self, instrument: Instrument | None = None) -> RestCall[list[MarkPrice]]:
        """Mark price, index price and coming funding of one instrument or of all."""
        reply = yield _request("tickers", symbol=_native(instrument))
        return replies.mark_prices_of(reply.body, self._table, reply.received_ns)

    def open_interest(self, instrument: Instrument) -> RestCall[OpenInterest]:
        """Open interest now, of one side, with its value."""
        reply = yield _request("tickers", symbol=instrument.native_symbol)
        found = replies.open_interests_now_of(reply.body, self._table, reply.received_ns)
        if not found:
            raise VenueRejected(EXCHANGE, f"no open interest of {instrument.native_symbol}")
        return found[0]

    def open_interest_history(
        self,
        instrument: Instrument,
        period: Interval,
        *,
        limit: int,
        start_ms: int | None = None,
        end_ms: int | None = None,
    ) -> RestCall[list[OpenInterest]]:
        """Open interest at the end of each period; without the USD value."""
        require_positive("limit", limit)
        name = PERIODS.get(period)
        if name is None:
            raise RequestError("period", period.value, ", ".join(one.value for one in PERIODS))
        contract = replies.contract_of(instrument)

        def page(
            first_ms: int | None, last_ms: int | None, size: int
        ) -> RestCall[tuple[list[OpenInterest], int]]:
            reply = yield _request(
                "open-interest",
                symbol=instrument.native_symbol,
                intervalTime=name,
                startTime=first_ms,
                endTime=last_ms,
                limit=size,
            )
            rows = replies.open_interests_of(reply.body, contract, reply.received_ns)
            return rows, reply.received_ns // replies.NS_PER_MS

        if start_ms is None:
            return (yield from _newest(page, OPEN_INTEREST_MAX, limit, end_ms))
        from_ms = max(start_ms, instrument.listed_at_ms or 0)
        span_ms = OPEN_INTEREST_MAX * period.nominal_ms
        return (yield from _since(page, OPEN_INTEREST_MAX, limit, from_ms, end_ms, span_ms))

    def funding_rate(self, instrument: Instrument) -> RestCall[FundingRate]:
        """The rate of the coming settlement."""
        reply = yield _request("tickers", symbol=instrument.native_symbol)
        found = replies.funding_now_of(reply.body, self._table, reply.received_ns)
        if not found:
            raise VenueRejected(EXCHANGE, f"{instrument.native_symbol} has no funding")
        return found[0]

    def funding_history(
        self,
        instrument: Instrument,
        *,
        limit: int,
        start_ms: int | None = None,
        end_ms: int | None = None,
    ) -> RestCall[list[FundingRate]]:
        """Past settlements. A start alone is an error there, so it always goes with an end."""
        require_positive("limit", limit)

        def page(
            first_ms: int | None, last_ms: int | None, size: int
        ) -> RestCall[tuple[list[FundingRate], int]]:
            reply = yield _request(
                "funding/history",
                symbol=instrument.native_symbol,
                startTime=first_ms,
                endTime=last_ms,
                limit=size,
            )
            rows = replies.fundings_of(
                reply.body, self._table, instrument.funding_interval_h, reply.received_ns
            )
            return rows, reply.received_ns // replies.NS_PER_MS

        if start_ms is None:
            return (yield from _newest(page, FUNDING_MAX, limit, end_ms))
        from_ms = max(start_ms, instrument.listed_at_ms or 0)
        # Settlements are an hour apart at least.
        span_ms = FUNDING_MAX * _HOUR_MS
        return (yield from _since(page, FUNDING_MAX, limit, from_ms, end_ms, span_ms))

    def margin_tiers(self, instrument: Instrument) -> RestCall[MarginTiers]:
        """Risk limits of one contract."""
        reply = yield _request("risk-limit", symbol=instrument.native_symbol)
        found = replies.margin_tiers_of(
            reply.body, replies.contract_of(instrument), reply.received_ns
        )
        if found is None:
            raise VenueRejected(EXCHANGE, f"no risk limits of {instrument.native_symbol}")
        return found


def _bars(
    endpoint: str,
    instrument: Instrument,
    interval: Interval,
    size: int,
    start_ms: int | None,
    end_ms: int,
) -> HttpRequest:
    """A page of candles of an endpoint."""
    return _request(
        endpoint,
        symbol=instrument.native_symbol,
        interval=INTERVAL_NAMES[interval],
        start=start_ms,
        end=end_ms,
        limit=size,
    )


def _candles(
    page: Callable[[int, int | None, int], RestCall[list[CandleT]]],
    instrument: Instrument,
    interval: Interval,
    limit: int,
    start_ms: int | None,
    last_ms: int,
) -> RestCall[list[CandleT]]:
    """Candles page by page: forward from `start_ms`, else the newest up to `last_ms`.

    Args:
        page: (rows, first ms or None, last ms) → candles, ascending.
        instrument: of which contract.
        interval: length.
        limit: most rows.
        start_ms: earliest opening time.
        last_ms: latest opening time.

    Raises:
        NotSupported: the venue has no such interval.
        RequestError: `limit` is below 1.
    """
    require_positive("limit", limit)
    if interval not in INTERVAL_NAMES:
        raise NotSupported(EXCHANGE, f"candles {interval}", f"there are {[*INTERVAL_NAMES]}")
    if start_ms is not None:

        def window(size: int, first_ms: int, until_ms: int) -> RestCall[list[CandleT]]:
            return page(min(size, CANDLES_MAX), first_ms, until_ms)

        return (
            yield from candles_forward(
                window, CANDLES_MAX, instrument, interval, limit, start_ms, last_ms
            )
        )
    found: list[CandleT] = []
    while len(found) < limit:
        size = min(limit - len(found), CANDLES_MAX)
        rows = yield from page(size, None, last_ms)
        rows = [row for row in rows if row.timestamp_ms <= last_ms]
        found = rows + found
        if len(rows) < size:
            break
        last_ms = rows[0].timestamp_ms - 1
    return found[-limit:]


def _native(instrument: Instrument | None) -> str | None:
    return None if instrument is None else instrument.native_symbol


def _newest(page: _Page[R], page_max: int, limit: int, end_ms: int | None) -> RestCall[list[R]]:
    """The newest `limit` rows up to `end_ms`, page by page backwards."""
    found: list[R] = []
    for _ in range(PAGES_MAX):
        size = min(limit - len(found), page_max)
        rows, _now_ms = yield from page(None, end_ms, size)
        found = rows + found
        if len(found) >= limit or len(rows) < size:
            break
        end_ms = rows[0].timestamp_ms - 1
    return found[-limit:]


def _since(
    page: _Page[R], page_max: int, limit: int, start_ms: int, end_ms: int | None, span_ms: int
) -> RestCall[list[R]]:
    """The first `limit` rows from `start_ms` on, in windows that hold no more than a page.

    An empty window is not the end: the venue may have begun later, or have a hole. The present is.
    """
    found: list[R] = []
    for _ in range(PAGES_MAX):
        until_ms = start_ms + span_ms - 1
        until_ms = until_ms if end_ms is None else min(until_ms, end_ms)
        rows, now_ms = yield from page(start_ms, until_ms, page_max)
        found += rows
        start_ms = until_ms + 1
        if len(found) >= limit or start_ms > (now_ms if end_ms is None else min(end_ms, now_ms)):
            break
    return found[:limit]
