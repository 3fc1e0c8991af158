"""Facts about OKX swaps as data, and the object that ties its parts together.

Source of limits and addresses: https://www.okx.com/docs-v5/en/#overview
"""

from collections.abc import Mapping
from typing import Final

from headwater.core.enums import Channel, FeedCompleteness
from headwater.core.errors import VenueError
from headwater.core.http_messages import HttpReply
from headwater.core.instruments import Instrument, InstrumentTable
from headwater.venues.base import BookRule, MarketRest, MarketStream, TapeReader, Venue
from headwater.venues.facts import (
    Addresses,
    BookSource,
    LimitPool,
    StreamLimits,
    Support,
    VenueFacts,
)
from headwater.venues.okx.book import OkxBookRule
from headwater.venues.okx.errors import error_of, used_weights
from headwater.venues.okx.market_rest import (
    BOOK_DEPTHS,
    FUNDING_MAX,
    OLD_CANDLES_MAX,
    OPEN_INTEREST_MAX,
    OPEN_INTEREST_ROWS,
    TRADES_MAX,
    OkxMarketRest,
)
from headwater.venues.okx.market_stream import TOPICS_PER_MESSAGE, OkxStream
from headwater.venues.okx.market_topics import ENDPOINTS
from headwater.venues.okx.recordings import OkxTapeReader
from headwater.venues.okx.symbols import BARS, EXCHANGE, PERIODS, listed
from headwater.venues.side import MarketView, VenueSide

_WINDOW_S: Final = 2.0
_POOLS: Final[Mapping[str, int]] = {
    "time": 10,
    "instruments": 20,
    "candles": 40,
    "old_candles": 20,
    "mark_candles": 20,
    "old_mark_candles": 10,
    "trades": 100,
    "books": 40,
    "tickers": 20,
    "ticker": 20,
    "interest": 20,
    "interest_history": 10,
    "funding": 10,
    "funding_history": 10,
    "mark_price": 10,
    "position_tiers": 10,
}
"""Requests in two seconds by endpoint. Some are counted per instrument there; not here."""

FACTS: Final = VenueFacts(
    venue_id=EXCHANGE,
    display_name="OKX Swaps",
    # Its demo market has streams of its own, but shares the REST host, where a header tells the two
    # apart. Without that header a book of one market would stand beside candles of the other.
    environments={
        "live": Addresses(
            rest="https://www.okx.com",
            streams={
                "public": "wss://ws.okx.com:8443/ws/v5/public",
                "business": "wss://ws.okx.com:8443/ws/v5/business",
            },
        ),
    },
    pools=tuple(
        LimitPool(name=name, capacity=capacity, window_s=_WINDOW_S)
        for name, capacity in _POOLS.items()
    ),
    stream_limits=StreamLimits(
        max_age_s=None,
        # No count is documented; the requests of a connection are.
        max_streams=300,
        messages_per_s=3.0,
        topics_per_message=TOPICS_PER_MESSAGE,
        connects_per_window=3,
        connect_window_s=1.0,
        # Cut after 30 s without data or ping.
        heartbeat_s=15.0,
        quiet_limit_s=40.0,
        requests_per_window=480,
        request_window_s=3600.0,
    ),
    channels={
        Channel.TRADES: Support(
            available=True,
            source="/public trades",
            note="fills of one taker order at one price",
        ),
        Channel.CANDLES: Support(
            available=True, source="/business candle{bar}", note="without a count of trades"
        ),
        Channel.BOOK: Support(
            available=True, source="/public books", note="400 levels a side every 100 ms"
        ),
        Channel.QUOTES: Support(available=True, source="/public bbo-tbt"),
        Channel.TICKERS: Support(
            available=True, source="/public tickers", note="no volume in quote currency"
        ),
        Channel.MARK_PRICES: Support(
            available=True, source="/public mark-price, index-tickers, funding-rate"
        ),
        Channel.LIQUIDATIONS: Support(
            available=True,
            source="/public liquidation-orders",
            note="at most one a second and contract: sums are a lower bound; bankruptcy price",
        ),
        Channel.OPEN_INTEREST: Support(available=True, source="/public open-interest"),
    },
    capabilities={
        "ohlc": Support(available=True, source="GET /api/v5/market/candles, history-candles"),
        "trades": Support(
            available=True, source="GET /api/v5/market/trades", note="the newest 500, single fills"
        ),
        "order_book": Support(available=True, source="GET /api/v5/market/books"),
        "tickers": Support(available=True, source="GET /api/v5/market/tickers"),
        "mark_prices": Support(
            available=True,
            source="GET /api/v5/public/mark-price, funding-rate",
            note="without the index",
        ),
        "open_interest": Support(available=True, source="GET /api/v5/public/open-interest"),
        "open_interest_history": Support(
            available=True,
            source="GET /api/v5/rubik/stat/contracts/open-interest-history",
            note="of the newest 1,440 periods",
        ),
        "funding_rate": Support(available=True, source="GET /api/v5/public/funding-rate"),
        "funding_history": Support(
            available=True,
            source="GET /api/v5/public/funding-rate-history",
            note="of the last three months",
        ),
        "mark_candles": Support(
            available=True,
            source="GET /api/v5/market/mark-price-candles, history-mark-price-candles",
        ),
        "margin_tiers": Support(
            available=True,
            source="GET /api/v5/public/position-tiers",
            note="by quantity; notionals are worked out with the mark price",
        ),
    },
    intervals=tuple(sorted(BARS.values(), key=lambda one: one.nominal_ms)),
    open_interest_periods=tuple(PERIODS),
    candles_max=OLD_CANDLES_MAX,
    funding_max=FUNDING_MAX,
    open_interest_max=OPEN_INTEREST_MAX,
    open_interest_rows=OPEN_INTEREST_ROWS,
    trades_max=TRADES_MAX,
    book_depths=BOOK_DEPTHS,
    gathered_s={Channel.LIQUIDATIONS: 1.0},
    tells_past=frozenset({Channel.LIQUIDATIONS}),
    stale_after_s={
        Channel.TRADES: 9.0,
        Channel.CANDLES: 30.0,
        # A quiet book is told of every minute.
        Channel.BOOK: 75.0,
        Channel.QUOTES: 30.0,
        Channel.TICKERS: 30.0,
        # On change every 200 ms, else every 10 s.
        Channel.MARK_PRICES: 15.0,
        Channel.OPEN_INTEREST: 15.0,
    },
    liquidations_told=FeedCompleteness.ONE_PER_SECOND,
    features=("liquidations", "open_interest_history", "funding_history", "inverse_contracts"),
    documentation="https://www.okx.com/docs-v5/en/",
    whole_market=frozenset({Channel.LIQUIDATIONS}),
    book_source=BookSource.STREAM,
)
"""Everything about the venue that is data."""


class OkxVenue(Venue):
    """OKX v5, swaps."""

    facts = FACTS

    def rest(self, table: InstrumentTable) -> MarketRest:
        """REST calls; `table` gives sizes their meaning."""
        return OkxMarketRest(table)

    def stream(self, endpoint: str, table: InstrumentTable) -> MarketStream:
        """A new conversation for one connection to `endpoint` (`public` or `business`)."""
        return OkxStream(endpoint, table)

    def tape_reader(self, table: InstrumentTable) -> TapeReader:
        """Reads recorded messages of any connection and recorded REST replies."""
        return OkxTapeReader(table)

    def listed(self, instrument: Instrument) -> Instrument:
        """`BTC-USDT-SWAP`, sized in contracts."""
        return listed(instrument)

    def endpoint_of(self, channel: Channel) -> str:
        """`business` for candles, `public` for everything else."""
        return ENDPOINTS[channel]

    def stream_url(self, addresses: Addresses, endpoint: str) -> str:
        """The address as it is."""
        return addresses.streams[endpoint]

    def book_rule(self) -> BookRule:
        """A fresh sequence rule for one symbol."""
        return OkxBookRule()

    def error_of(self, reply: HttpReply) -> VenueError | None:
        """The error a reply to a read stands for, None when it is a success."""
        return error_of(reply)

    def used_weights(self, reply: HttpReply) -> Mapping[str, int]:
        """Nothing: the venue sends no usage headers."""
        return used_weights(reply)

    def venue_side(self, market: MarketView) -> VenueSide:
        """The venue's end of the same protocol, presenting `market`."""
        from headwater.venues.okx.venue_side import OkxSide

        return OkxSide(market)
