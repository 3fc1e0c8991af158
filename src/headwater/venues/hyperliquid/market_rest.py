"""Market data by REST: bodies of `POST /info`; `market_replies.py` reads the replies.

Weights are charged before the reply is known, so they count the most rows it can have.

Source: https://hyperliquid.gitbook.io/hyperliquid-docs/for-developers/api/info-endpoint
"""

from typing import Final

import msgspec

from headwater.core.errors import NotSupported, VenueRejected
from headwater.core.http_messages import HttpRequest
from headwater.core.instruments import Instrument, InstrumentTable
from headwater.core.intervals import Interval
from headwater.core.margin_tiers import MarginTiers
from headwater.core.records import (
    BookSnapshot,
    Candle,
    FundingRate,
    MarkPrice,
    OpenInterest,
    PredictedFunding,
    Ticker,
    Trade,
)
from headwater.core.wallet_positions import WalletPosition
from headwater.venues.base import MarketRest
from headwater.venues.common import not_counted, require_positive
from headwater.venues.hyperliquid import market_events, wire
from headwater.venues.hyperliquid import market_replies as replies
from headwater.venues.hyperliquid.symbols import EXCHANGE, INTERVALS, symbol_in
from headwater.venues.messages import RestCall

CANDLES_MAX: Final = 5000
"""Only the newest 5,000 candles exist; one reply holds them all."""
FUNDING_MAX: Final = 500
TRADES_MAX: Final = 30
"""Recent trades of a reply; undocumented, the number that a recorded stream began with."""
BOOK_DEPTHS: Final = (20,)
PAGES_MAX: Final = 200
"""Pages of one call: a venue that never ends its list does not hold us for ever."""
WEIGHT_LIGHT: Final = 2
WEIGHT: Final = 20
NO_HISTORY: Final = "the venue publishes open interest of now only"
NO_MARKS: Final = "the venue publishes the mark price of now only; its candles are of trades"

_HOUR_MS: Final = 3_600_000
_ROWS_PER_WEIGHT: Final = 20
_CANDLES_PER_WEIGHT: Final = 60
_HEADERS: Final = (("Content-Type", "application/json"),)


def _info(kind: str, weight: int = WEIGHT, **fields: object) -> HttpRequest:
    """A request for information; fields that are None are left out."""
    body = {"type": kind} | {name: one for name, one in fields.items() if one is not None}
    return HttpRequest(
        method="POST",
        path="/info",
        body=msgspec.json.encode(body),
        headers=_HEADERS,
        weight=weight,
    )


class HyperliquidMarketRest(MarketRest):
    """REST calls of the venue's own perpetuals.

    Args:
        table: names the instruments in replies; what it lacks is named by rule.
    """

    def __init__(self, table: InstrumentTable) -> None:
        self._table = table

    def server_time_ms(self) -> RestCall[int]:
        """The venue's clock, from its status."""
        reply = yield _info("exchangeStatus", WEIGHT_LIGHT)
        return replies.server_time_of(reply.body)

    def instruments(self) -> RestCall[list[Instrument]]:
        """The universe, delisted coins included."""
        reply = yield _info("meta")
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
        """Up to `limit` candles of the newest 5,000: forward from `start_ms`, else the newest."""
        require_positive("limit", limit)
        if interval.value not in INTERVALS:
            raise NotSupported(EXCHANGE, f"candles {interval}", f"there are {[*INTERVALS]}")
        # One more than wanted: months are of several lengths.
        span_ms = (min(limit, CANDLES_MAX) + 1) * interval.nominal_ms
        last_ms = now_ms if end_ms is None else min(end_ms, now_ms)
        if start_ms is None:
            first_ms = max(last_ms - span_ms, 0)
            found = yield from self._candle_page(instrument, interval, first_ms, last_ms, now_ms)
            return found[-limit:]
        oldest_ms = interval.opens_at_ms(now_ms) - CANDLES_MAX * interval.nominal_ms
        first_ms = max(start_ms, oldest_ms)
        until_ms = min(first_ms + span_ms, last_ms)
        found = yield from self._candle_page(instrument, interval, first_ms, until_ms, now_ms)
        if len(found) < limit and until_ms < last_ms:
            # The coin is younger than that: its first candles are somewhere in the rest.
            found += yield from self._candle_page(
                instrument, interval, until_ms + 1, last_ms, now_ms
            )
        return found[:limit]

    def trades(self, instrument: Instrument, *, limit: int) -> RestCall[list[Trade]]:
        """The newest fills: how many there are is the venue's choice."""
        require_positive("limit", limit)
        weight = WEIGHT + -(-TRADES_MAX // _ROWS_PER_WEIGHT)
        reply = yield _info("recentTrades", weight, coin=instrument.native_symbol)
        return replies.trades_of(reply.body, self._table, reply.received_ns)[-limit:]

    def trades_between(
        self, instrument: Instrument, first_sequence: int, last_sequence: int
    ) -> RestCall[list[Trade]]:
        """Not offered: fills are not counted.

        Raises:
            NotSupported: always.
        """
        raise not_counted(EXCHANGE, instrument, first_sequence, last_sequence)

    def book(self, instrument: Instrument, *, depth: int) -> RestCall[BookSnapshot]:
        """The book, at most 20 levels a side."""
        require_positive("depth", depth)
        reply = yield _info("l2Book", WEIGHT_LIGHT, coin=instrument.native_symbol)
        book = replies.book_of(reply.body, self._table, reply.received_ns)
        if book is None:
            raise VenueRejected(EXCHANGE, f"{instrument.native_symbol} is of another market")
        return book

    def tickers(self, instrument: Instrument | None = None) -> RestCall[list[Ticker]]:
        """24-hour figures of one instrument or of all, from the contexts."""
        contexts, received_ns = yield from self._contexts(instrument)
        return [
            market_events.ticker_of(one, coin, symbol_in(self._table, coin), received_ns)
            for coin, one in contexts
        ]

    def mark_prices(self, instrument: Instrument | None = None) -> RestCall[list[MarkPrice]]:
        """Mark price, oracle price and the hour's funding of one instrument or of all."""
        contexts, received_ns = yield from self._contexts(instrument)
        return [
            market_events.mark_price_of(one, coin, symbol_in(self._table, coin), received_ns)
            for coin, one in contexts
        ]

    def open_interest(self, instrument: Instrument) -> RestCall[OpenInterest]:
        """Open interest now, of one side, valued at the mark price."""
        contexts, received_ns = yield from self._contexts(instrument)
        for coin, one in contexts:
            found = market_events.open_interest_of(one, coin, instrument.symbol, received_ns)
            if found is not None:
                return found
        raise VenueRejected(EXCHANGE, f"no open interest of {instrument.native_symbol}")

    def open_interest_history(
        self,
        instrument: Instrument,
        period: Interval,  # noqa: ARG002 - the venue has none
        *,
        limit: int,  # noqa: ARG002
        start_ms: int | None = None,  # noqa: ARG002
        end_ms: int | None = None,  # noqa: ARG002
    ) -> RestCall[list[OpenInterest]]:
        """Not offered.

        Raises:
            NotSupported: always.
        """
        what = f"open_interest_history of {instrument.native_symbol}"
        raise NotSupported(EXCHANGE, what, NO_HISTORY)

    def funding_rate(self, instrument: Instrument) -> RestCall[FundingRate]:
        """The rate of the running hour."""
        contexts, received_ns = yield from self._contexts(instrument)
        for coin, one in contexts:
            found = market_events.funding_of(one, coin, instrument.symbol, received_ns)
            if found is not None:
                return found
        raise VenueRejected(EXCHANGE, f"no funding of {instrument.native_symbol}")

    def funding_history(
        self,
        instrument: Instrument,
        *,
        limit: int,
        start_ms: int | None = None,
        end_ms: int | None = None,
    ) -> RestCall[list[FundingRate]]:
        """Past settlements; a page is of 500 hours at most and begins where it is told."""
        require_positive("limit", limit)
        found: list[FundingRate] = []
        from_ms, last_ms = start_ms, end_ms
        for _ in range(PAGES_MAX):
            size = min(limit - len(found), FUNDING_MAX)
            if start_ms is None:
                # The venue wants a start; without an end it is the receive time that ends a page.
                until_ms = last_ms if last_ms is not None else (yield from self.server_time_ms())
                from_ms, last_ms = until_ms - size * _HOUR_MS + 1, until_ms
            reply = yield _info(
                "fundingHistory",
                WEIGHT + -(-FUNDING_MAX // _ROWS_PER_WEIGHT),
                coin=instrument.native_symbol,
                startTime=None if from_ms is None else max(from_ms, 0),
                endTime=last_ms,
            )
            page = replies.fundings_of(reply.body, self._table, reply.received_ns)
            found = page + found if start_ms is None else found + page
            if len(found) >= limit or not page:
                break
            if start_ms is None:
                last_ms = page[0].timestamp_ms - 1
            elif len(page) < FUNDING_MAX:
                break
            else:
                from_ms = page[-1].timestamp_ms + 1
        return found[:limit] if start_ms is not None else found[-limit:]

    def predicted_funding(self) -> RestCall[list[PredictedFunding]]:
        """What the venue expects of the coming funding, on itself and on others."""
        reply = yield _info("predictedFundings")
        return replies.predictions_of(reply.body, self._table, reply.received_ns)

    def margin_tiers(self, instrument: Instrument) -> RestCall[MarginTiers]:
        """The margin table of one coin."""
        reply = yield _info("meta")
        found = replies.margin_tiers_of(reply.body, instrument, reply.received_ns)
        if found is None:
            raise VenueRejected(EXCHANGE, f"no margin table of {instrument.native_symbol}")
        return found

    def wallet_positions(self, address: str) -> RestCall[list[WalletPosition]]:
        """Open positions of an address; without an account it has none."""
        reply = yield _info("clearinghouseState", WEIGHT_LIGHT, user=address)
        return replies.wallet_positions_of(reply.body, address, self._table, reply.received_ns)

    def _candle_page(
        self,
        instrument: Instrument,
        interval: Interval,
        first_ms: int,
        last_ms: int,
        now_ms: int,
    ) -> RestCall[list[Candle]]:
        """The candles that opened from `first_ms` to `last_ms`, at most 5,000."""
        if last_ms < first_ms:
            return []
        rows = min((last_ms - first_ms) // interval.nominal_ms + 2, CANDLES_MAX)
        reply = yield _info(
            "candleSnapshot",
            WEIGHT + rows // _CANDLES_PER_WEIGHT,
            req={
                "coin": instrument.native_symbol,
                "interval": interval.value,
                "startTime": first_ms,
                "endTime": last_ms,
            },
        )
        found = replies.candles_of(
            reply.body, self._table, now_ms=now_ms, received_ns=reply.received_ns
        )
        return [one for one in found if first_ms <= one.timestamp_ms <= last_ms]

    def _contexts(
        self, instrument: Instrument | None
    ) -> RestCall[tuple[list[tuple[str, wire.Context]], int]]:
        """Contexts of one instrument or of all, and when they came."""
        reply = yield _info("metaAndAssetCtxs")
        contexts = replies.contexts_of(reply.body)
        if instrument is not None:
            contexts = [one for one in contexts if one[0] == instrument.native_symbol]
        return contexts, reply.received_ns
