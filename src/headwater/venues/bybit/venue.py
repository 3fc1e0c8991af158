"""Facts about Bybit linear as data, and the object that ties its parts together.

Source of limits and addresses: https://bybit-exchange.github.io/docs/v5/rate-limit and
https://bybit-exchange.github.io/docs/v5/ws/connect
"""

from collections.abc import Mapping
from typing import Final

from headwater.core.enums import Channel, FeedCompleteness
from headwater.core.errors import VenueError
from headwater.core.http_messages import HttpReply
from headwater.core.instruments import InstrumentTable
from headwater.venues.base import BookRule, MarketRest, MarketStream, TapeReader, Venue
from headwater.venues.bybit.book import BybitBookRule
from headwater.venues.bybit.errors import error_of, used_weights
from headwater.venues.bybit.market_rest import (
    BOOK_DEPTHS,
    CANDLES_MAX,
    FUNDING_MAX,
    OPEN_INTEREST_MAX,
    TRADES_MAX,
    BybitMarketRest,
)
from headwater.venues.bybit.market_stream import TOPICS_PER_MESSAGE, BybitStream
from headwater.venues.bybit.recordings import BybitTapeReader
from headwater.venues.bybit.symbols import EXCHANGE, INTERVALS, PERIODS
from headwater.venues.facts import (
    Addresses,
    BookSource,
    LimitPool,
    StreamLimits,
    Support,
    VenueFacts,
)
from headwater.venues.side import MarketView, VenueSide

ENDPOINT: Final = "linear"

FACTS: Final = VenueFacts(
    venue_id=EXCHANGE,
    display_name="Bybit Linear",
    environments={
        "live": Addresses(
            rest="https://api.bybit.com",
            streams={ENDPOINT: "wss://stream.bybit.com/v5/public/linear"},
        ),
        "testnet": Addresses(
            rest="https://api-testnet.bybit.com",
            streams={ENDPOINT: "wss://stream-testnet.bybit.com/v5/public/linear"},
        ),
    },
    # 600 requests in 5 s for all HTTP traffic of an address; the ban lasts ten minutes.
    pools=(LimitPool(name="ip", capacity=600, window_s=5.0),),
    stream_limits=StreamLimits(
        max_age_s=None,
        # Arguments of a connection may have 21,000 characters in all; the longest have 40.
        max_streams=500,
        # No limit is documented; a polite pace.
        messages_per_s=5.0,
        topics_per_message=TOPICS_PER_MESSAGE,
        connects_per_window=500,
        connect_window_s=300.0,
        heartbeat_s=20.0,
        # Each ping is answered within a second or two; two of them missed is dead.
        quiet_limit_s=50.0,
        connections_max=1000,
    ),
    channels={
        Channel.TRADES: Support(available=True, source="publicTrade.{symbol}", note="single fills"),
        Channel.CANDLES: Support(
            available=True, source="kline.{interval}.{symbol}", note="without a count of trades"
        ),
        Channel.BOOK: Support(
            available=True,
            source="orderbook.200.{symbol}",
            note="200 levels a side every 100 ms; retail (RPI) orders are not in it",
        ),
        Channel.QUOTES: Support(available=True, source="orderbook.1.{symbol}"),
        Channel.TICKERS: Support(available=True, source="tickers.{symbol}"),
        Channel.MARK_PRICES: Support(available=True, source="tickers.{symbol}"),
        Channel.LIQUIDATIONS: Support(
            available=True,
            source="allLiquidation.{symbol}",
            note="all of them, at the price at which the position was bankrupt",
        ),
        Channel.OPEN_INTEREST: Support(
            available=True, source="tickers.{symbol}", note="of one side, as other venues count"
        ),
    },
    capabilities={
        "ohlc": Support(available=True, source="GET /v5/market/kline"),
        "trades": Support(
            available=True, source="GET /v5/market/recent-trade", note="the newest 1,000"
        ),
        "order_book": Support(available=True, source="GET /v5/market/orderbook"),
        "tickers": Support(available=True, source="GET /v5/market/tickers"),
        "mark_prices": Support(available=True, source="GET /v5/market/tickers"),
        "open_interest": Support(available=True, source="GET /v5/market/tickers"),
        "open_interest_history": Support(
            available=True, source="GET /v5/market/open-interest", note="without its USD value"
        ),
        "funding_rate": Support(available=True, source="GET /v5/market/tickers"),
        "funding_history": Support(available=True, source="GET /v5/market/funding/history"),
        "mark_candles": Support(available=True, source="GET /v5/market/mark-price-kline"),
        "margin_tiers": Support(available=True, source="GET /v5/market/risk-limit"),
    },
    intervals=tuple(INTERVALS.values()),
    open_interest_periods=tuple(PERIODS),
    candles_max=CANDLES_MAX,
    funding_max=FUNDING_MAX,
    open_interest_max=OPEN_INTEREST_MAX,
    trades_max=TRADES_MAX,
    book_depths=BOOK_DEPTHS,
    gathered_s={Channel.LIQUIDATIONS: 0.5},
    stale_after_s={
        Channel.TRADES: 9.0,
        # A candle is pushed every 1 to 60 s.
        Channel.CANDLES: 75.0,
        Channel.BOOK: 5.0,
        Channel.QUOTES: 8.0,
        Channel.TICKERS: 8.0,
        Channel.MARK_PRICES: 8.0,
        Channel.OPEN_INTEREST: 75.0,
    },
    liquidations_told=FeedCompleteness.FULL,
    features=("liquidations", "open_interest_history", "funding_history", "dated_futures"),
    documentation="https://bybit-exchange.github.io/docs/v5/intro",
    book_source=BookSource.STREAM,
)
"""Everything about the venue that is data."""


class BybitVenue(Venue):
    """Bybit v5, category linear."""

    facts = FACTS

    def rest(self, table: InstrumentTable) -> MarketRest:
        """REST calls; `table` names the instruments in replies that carry native symbols."""
        return BybitMarketRest(table)

    def stream(self, endpoint: str, table: InstrumentTable) -> MarketStream:  # noqa: ARG002
        """A new conversation for one connection; there is one endpoint."""
        return BybitStream(table)

    def tape_reader(self, table: InstrumentTable) -> TapeReader:
        """Reads recorded messages of any connection and recorded REST replies."""
        return BybitTapeReader(table)

    def endpoint_of(self, channel: Channel) -> str:  # noqa: ARG002 - one serves all
        """`linear` for everything."""
        return ENDPOINT

    def stream_url(self, addresses: Addresses, endpoint: str) -> str:
        """The address as it is."""
        return addresses.streams[endpoint]

    def book_rule(self) -> BookRule:
        """A fresh sequence rule for one symbol."""
        return BybitBookRule()

    def error_of(self, reply: HttpReply) -> VenueError | None:
        """The error a reply to a read stands for, None when it is a success."""
        return error_of(reply)

    def used_weights(self, reply: HttpReply) -> Mapping[str, int]:
        """Nothing: the venue does not tell an address what it has used."""
        return used_weights(reply)

    def venue_side(self, market: MarketView) -> VenueSide:
        """The venue's end of the same protocol, presenting `market`."""
        from headwater.venues.bybit.venue_side import BybitSide

        return BybitSide(market)
