"""Market data by REST: request builders and paging; `market_replies.py` reads the replies.

Paging is inverted: `after` asks for rows older than a time, `before` for newer ones, both without
it, and everything is newest first. The newest 1,440 candles are one endpoint, older ones another.

Source: https://www.okx.com/docs-v5/en/#order-book-trading-market-data
"""

from collections.abc import Callable
from typing import Final, TypeAlias

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
from headwater.venues.common import (
    CandleT,
    candles_forward,
    not_counted,
    query_of,
    require_positive,
)
from headwater.venues.messages import RestCall
from headwater.venues.okx import market_replies as replies
from headwater.venues.okx.symbols import BAR_NAMES, EXCHANGE, PERIODS, SWAP, Sizes, index_of

CANDLES_MAX: Final = 300
OLD_CANDLES_MAX: Final = 100
NEW_CANDLES: Final = 1440
"""Candles that the endpoint of the newest has, of trades as of the mark price."""
TRADES_MAX: Final = 500
FUNDING_MAX: Final = 400
OPEN_INTEREST_MAX: Final = 100
OPEN_INTEREST_ROWS: Final = 1440
"""Newest periods that the venue has."""
BOOK_DEPTHS: Final = (1, 5, 20, 50, 100, 200, 400)
PAGES_MAX: Final = 500
"""Pages of one call: a venue that never ends its list does not hold us for ever."""

_Page: TypeAlias = Callable[[int, int | None, int | None], RestCall[list[CandleT]]]
"""(most rows, after this ms, before this ms) → candles, ascending."""


def _request(path: str, pool: str, **query: int | str | None) -> HttpRequest:
    """A GET; parameters that are None are left out."""
    return HttpRequest(path=f"/api/v5/{path}", query=query_of(**query), pool=pool)


class OkxMarketRest(MarketRest):
    """REST calls of swaps.

    Args:
        table: the instruments, which give sizes their meaning.
    """

    def __init__(self, table: InstrumentTable) -> None:
        self._table = table

    def server_time_ms(self) -> RestCall[int]:
        """The venue's clock, ms since the epoch."""
        reply = yield _request("public/time", "time")
        return replies.server_time_of(reply.body)

    def instruments(self) -> RestCall[list[Instrument]]:
        """All swaps."""
        reply = yield _request("public/instruments", "instruments", instType=SWAP)
        return replies.instruments_of(reply.body, reply.received_ns)

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

        def page(size: int, before_ms: int | None, after_ms: int | None) -> RestCall[list[Candle]]:
            is_old = _is_old(interval, after_ms, now_ms)
            path, pool = ("market/history-candles", "old_candles") if is_old else (
                "market/candles", "candles",
            )  # fmt: skip
            size = min(size, OLD_CANDLES_MAX if is_old else CANDLES_MAX)
            reply = yield _bars(path, pool, instrument, interval, size, before_ms, after_ms)
            return replies.candles_of(reply.body, interval, Sizes(instrument), reply.received_ns)

        return (yield from _candles(page, instrument, interval, limit, start_ms, end_ms, now_ms))

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
        """Up to `limit` bars of the mark price, as candles of trades; 100 a page at either end."""

        def page(
            size: int, before_ms: int | None, after_ms: int | None
        ) -> RestCall[list[MarkCandle]]:
            path, pool = ("market/mark-price-candles", "mark_candles")
            if _is_old(interval, after_ms, now_ms):
                path, pool = ("market/history-mark-price-candles", "old_mark_candles")
            size = min(size, OLD_CANDLES_MAX)
            reply = yield _bars(path, pool, instrument, interval, size, before_ms, after_ms)
            return replies.mark_candles_of(
                reply.body, interval, Sizes(instrument), reply.received_ns
            )

        return (yield from _candles(page, instrument, interval, limit, start_ms, end_ms, now_ms))

    def trades(self, instrument: Instrument, *, limit: int) -> RestCall[list[Trade]]:
        """The newest `limit` fills, single ones: the live channel gathers them by taker order."""
        require_positive("limit", limit)
        reply = yield _request(
            "market/trades", "trades", instId=instrument.native_symbol, limit=limit
        )
        return replies.trades_of(reply.body, Sizes(instrument), reply.received_ns)

    def trades_between(
        self, instrument: Instrument, first_sequence: int, last_sequence: int
    ) -> RestCall[list[Trade]]:
        """Not offered: the documents do not say that ids count without holes.

        Raises:
            NotSupported: always.
        """
        raise not_counted(EXCHANGE, instrument, first_sequence, last_sequence)

    def book(self, instrument: Instrument, *, depth: int) -> RestCall[BookSnapshot]:
        """The book, at least `depth` levels a side up to 400."""
        require_positive("limit", depth)
        size = next((one for one in BOOK_DEPTHS if one >= depth), BOOK_DEPTHS[-1])
        reply = yield _request("market/books", "books", instId=instrument.native_symbol, sz=size)
        return replies.book_of(reply.body, Sizes(instrument), reply.received_ns)

    def tickers(self, instrument: Instrument | None = None) -> RestCall[list[Ticker]]:
        """24-hour figures of one instrument or of all."""
        if instrument is None:
            reply = yield _request("market/tickers", "tickers", instType=SWAP)
        else:
            reply = yield _request("market/ticker", "ticker", instId=instrument.native_symbol)
        return replies.tickers_of(reply.body, self._table, reply.received_ns)

    def mark_prices(self, instrument: Instrument | None = None) -> RestCall[list[MarkPrice]]:
        """Mark price and coming funding of one instrument or of all; without the index."""
        native = None if instrument is None else instrument.native_symbol
        marks = yield _request("public/mark-price", "mark_price", instType=SWAP, instId=native)
        funding = yield _request("public/funding-rate", "funding", instId=native or "ANY")
        return replies.mark_prices_of(
            replies.mark_rows_of(marks.body),
            replies.funding_rows_of(funding.body),
            self._table,
            marks.received_ns,
        )

    def open_interest(self, instrument: Instrument) -> RestCall[OpenInterest]:
        """Open interest now, with its USD value."""
        reply = yield _request(
            "public/open-interest", "interest", instType=SWAP, instId=instrument.native_symbol
        )
        found = replies.interests_of(reply.body, self._table, reply.received_ns)
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
        """Open interest by period, of the newest 1,440 periods."""
        require_positive("limit", limit)
        name = PERIODS.get(period)
        if name is None:
            raise RequestError("period", period.value, ", ".join(one.value for one in PERIODS))
        sizes = Sizes(instrument)
        found: list[OpenInterest] = []
        # Whether the bounds themselves are contained is not documented: asked for a little more.
        begin_ms = None if start_ms is None else start_ms - 1
        before_ms = None if end_ms is None else end_ms + 1
        for _ in range(PAGES_MAX):
            reply = yield _request(
                "rubik/stat/contracts/open-interest-history",
                "interest_history",
                instId=instrument.native_symbol,
                period=name,
                begin=begin_ms,
                end=before_ms,
                limit=OPEN_INTEREST_MAX,
            )
            page = replies.interest_history_of(reply.body, sizes, reply.received_ns)
            page = [row for row in page if before_ms is None or row.timestamp_ms < before_ms]
            found = page + found
            enough = start_ms is None and len(found) >= limit
            if enough or not page or page[0].timestamp_ms <= (start_ms or 0):
                break
            before_ms = page[0].timestamp_ms
        kept = [row for row in found if start_ms is None or row.timestamp_ms >= start_ms]
        return kept[:limit] if start_ms is not None else kept[-limit:]

    def funding_rate(self, instrument: Instrument) -> RestCall[FundingRate]:
        """The running estimate for the coming settlement."""
        reply = yield _request("public/funding-rate", "funding", instId=instrument.native_symbol)
        found = replies.fundings_of(reply.body, reply.received_ns)
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
        """Past settlements of the last three months."""
        require_positive("limit", limit)
        found: list[FundingRate] = []
        after_ms = None if end_ms is None else end_ms + 1
        for _ in range(PAGES_MAX):
            size = FUNDING_MAX if start_ms is not None else min(limit - len(found), FUNDING_MAX)
            reply = yield _request(
                "public/funding-rate-history",
                "funding_history",
                instId=instrument.native_symbol,
                after=after_ms,
                limit=size,
            )
            page = replies.fundings_of(reply.body, reply.received_ns)
            found = page + found
            enough = start_ms is None and len(found) >= limit
            if enough or len(page) < size or page[0].funding_time_ms <= (start_ms or 0):
                break
            after_ms = page[0].funding_time_ms
        kept = [row for row in found if start_ms is None or row.funding_time_ms >= start_ms]
        return kept[:limit] if start_ms is not None else kept[-limit:]

    def margin_tiers(self, instrument: Instrument) -> RestCall[MarginTiers]:
        """Position tiers of one contract in isolated margin, valued at its mark price."""
        native = instrument.native_symbol
        tiers = yield _request(
            "public/position-tiers",
            "position_tiers",
            instType=SWAP,
            tdMode="isolated",
            instFamily=index_of(native),
        )
        marks = yield _request("public/mark-price", "mark_price", instType=SWAP, instId=native)
        mark = replies.mark_rows_of(marks.body).get(native)
        found = None
        if mark is not None:
            found = replies.margin_tiers_of(tiers.body, Sizes(instrument), mark, tiers.received_ns)
        if found is None:
            raise VenueRejected(EXCHANGE, f"no position tiers of {native}")
        return found


def _is_old(interval: Interval, after_ms: int | None, now_ms: int) -> bool:
    """Whether a page that ends before a time is for the endpoint of old candles."""
    newest_ms = now_ms - (NEW_CANDLES - CANDLES_MAX) * interval.nominal_ms
    return after_ms is not None and after_ms < newest_ms


def _bars(
    path: str,
    pool: str,
    instrument: Instrument,
    interval: Interval,
    size: int,
    before_ms: int | None,
    after_ms: int | None,
) -> HttpRequest:
    """A page of candles opened after `before_ms` and before `after_ms`."""
    return _request(
        path,
        pool,
        instId=instrument.native_symbol,
        bar=BAR_NAMES[interval],
        before=before_ms,
        after=after_ms,
        limit=size,
    )


def _candles(
    page: _Page[CandleT],
    instrument: Instrument,
    interval: Interval,
    limit: int,
    start_ms: int | None,
    end_ms: int | None,
    now_ms: int,
) -> RestCall[list[CandleT]]:
    """Candles page by page: forward from `start_ms`, else the newest up to `end_ms`.

    Args:
        page: asks for one page.
        instrument: of which contract.
        interval: length.
        limit: most rows.
        start_ms: earliest opening time.
        end_ms: latest opening time.
        now_ms: wall time.

    Raises:
        NotSupported: the venue has no such interval.
        RequestError: `limit` is below 1.
    """
    require_positive("limit", limit)
    if interval not in BAR_NAMES:
        raise NotSupported(EXCHANGE, f"candles {interval}", f"there are {[*BAR_NAMES]}")
    if start_ms is not None:
        last_ms = now_ms if end_ms is None else min(end_ms, now_ms)

        def window(size: int, first_ms: int, until_ms: int) -> RestCall[list[CandleT]]:
            return page(size, first_ms - 1, until_ms + 1)

        return (
            yield from candles_forward(
                window, OLD_CANDLES_MAX, instrument, interval, limit, start_ms, last_ms
            )
        )
    found: list[CandleT] = []
    after_ms = None if end_ms is None or end_ms >= now_ms else end_ms + 1
    while len(found) < limit:
        rows = yield from page(limit - len(found), None, after_ms)
        if not rows:
            break
        found = rows + found
        after_ms = rows[0].timestamp_ms
    return found[-limit:]
