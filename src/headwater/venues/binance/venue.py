"""Facts about Binance USD-M futures as data, and the object that ties its parts together.

Source of limits and addresses: https://developers.binance.com/docs/derivatives/usds-margined-futures
"""

from collections.abc import Mapping
from typing import Final

from headwater.core.enums import Channel, FeedCompleteness
from headwater.core.errors import VenueError
from headwater.core.http_messages import HttpReply
from headwater.core.instruments import InstrumentTable
from headwater.venues.base import BookRule, MarketRest, MarketStream, TapeReader, Venue
from headwater.venues.binance.book import BinanceBookRule
from headwater.venues.binance.errors import error_of, used_weights
from headwater.venues.binance.margin_snapshot import KNOWN, SOURCE
from headwater.venues.binance.market_rest import (
    CANDLES_MAX,
    DEPTH_WEIGHTS,
    FUNDING_MAX,
    OPEN_INTEREST_DAYS,
    OPEN_INTEREST_MAX,
    OPEN_INTEREST_PERIODS,
    TRADES_MAX,
    BinanceMarketRest,
)
from headwater.venues.binance.market_stream import ENDPOINTS, TOPICS_PER_MESSAGE, BinanceStream
from headwater.venues.binance.recordings import BinanceTapeReader
from headwater.venues.binance.symbols import EXCHANGE, INTERVALS
from headwater.venues.facts import (
    Addresses,
    BookSource,
    LimitPool,
    StreamLimits,
    Support,
    VenueFacts,
)
from headwater.venues.side import MarketView, VenueSide

FACTS: Final = VenueFacts(
    venue_id=EXCHANGE,
    display_name="Binance USD-M Futures",
    environments={
        "live": Addresses(
            rest="https://fapi.binance.com",
            streams={
                "public": "wss://fstream.binance.com/public",
                "market": "wss://fstream.binance.com/market",
            },
        ),
        "testnet": Addresses(
            rest="https://demo-fapi.binance.com",
            streams={
                "public": "wss://fstream.binancefuture.com/public",
                "market": "wss://fstream.binancefuture.com/market",
            },
        ),
    },
    pools=(
        LimitPool(name="ip", capacity=2400, window_s=60.0),
        LimitPool(name="funding", capacity=500, window_s=300.0),
        LimitPool(name="open_interest_history", capacity=1000, window_s=300.0),
    ),
    stream_limits=StreamLimits(
        max_age_s=24 * 3600.0,
        max_streams=1024,
        # The venue counts 10 messages a second, pongs included, and may ban the address.
        messages_per_s=5.0,
        topics_per_message=TOPICS_PER_MESSAGE,
        # Not documented for futures; spot's figure is the guard.
        connects_per_window=300,
        connect_window_s=300.0,
        heartbeat_s=None,
        # The server pings every 180 s.
        quiet_limit_s=200.0,
    ),
    channels={
        Channel.TRADES: Support(
            available=True,
            source="/market <symbol>@aggTrade",
            note="fills of one taker order at one price; no insurance-fund and ADL fills",
        ),
        Channel.CANDLES: Support(available=True, source="/market <symbol>@kline_<interval>"),
        Channel.BOOK: Support(
            available=True,
            source="/public <symbol>@depth@100ms + GET /fapi/v1/depth",
            note="retail (RPI) orders are not in it",
        ),
        Channel.QUOTES: Support(available=True, source="/public <symbol>@bookTicker"),
        Channel.TICKERS: Support(
            available=True,
            source="/market <symbol>@ticker, !ticker@arr",
            note="no bid and ask: those are in the quotes",
        ),
        Channel.MARK_PRICES: Support(
            available=True, source="/market <symbol>@markPrice@1s, !markPrice@arr@1s"
        ),
        Channel.LIQUIDATIONS: Support(
            available=True,
            source="/market <symbol>@forceOrder, !forceOrder@arr",
            note="only the latest of each second and symbol: sums are a lower bound",
        ),
        Channel.OPEN_INTEREST: Support(
            available=False, note="there is no stream of it: asked for by REST"
        ),
    },
    capabilities={
        "ohlc": Support(available=True, source="GET /fapi/v1/klines"),
        "trades": Support(
            available=True, source="GET /fapi/v1/aggTrades", note="of the last 48 hours"
        ),
        "order_book": Support(available=True, source="GET /fapi/v1/depth"),
        "tickers": Support(available=True, source="GET /fapi/v1/ticker/24hr"),
        "mark_prices": Support(available=True, source="GET /fapi/v1/premiumIndex"),
        "open_interest": Support(
            available=True,
            source="GET /fapi/v1/openInterest",
            note="its USD value is worked out with the mark price",
        ),
        "open_interest_history": Support(
            available=True,
            source="GET /futures/data/openInterestHist",
            note="of the last 30 days",
        ),
        "funding_rate": Support(available=True, source="GET /fapi/v1/premiumIndex"),
        "funding_history": Support(available=True, source="GET /fapi/v1/fundingRate"),
        "mark_candles": Support(available=True, source="GET /fapi/v1/markPriceKlines"),
        "margin_tiers": Support(
            available=True,
            source=SOURCE,
            note=f"a dated copy ({SOURCE}) of {KNOWN} only: brackets are told to keys alone",
        ),
    },
    intervals=tuple(INTERVALS.values()),
    open_interest_periods=OPEN_INTEREST_PERIODS,
    candles_max=CANDLES_MAX,
    funding_max=FUNDING_MAX,
    open_interest_max=OPEN_INTEREST_MAX,
    open_interest_days=OPEN_INTEREST_DAYS,
    trades_max=TRADES_MAX,
    book_depths=tuple(DEPTH_WEIGHTS),
    gathered_s={Channel.LIQUIDATIONS: 1.0},
    stale_after_s={
        Channel.TRADES: 9.0,
        Channel.CANDLES: 9.0,
        Channel.BOOK: 5.0,
        Channel.QUOTES: 8.0,
        Channel.TICKERS: 8.0,
        Channel.MARK_PRICES: 5.0,
    },
    liquidations_told=FeedCompleteness.ONE_PER_SECOND,
    features=("liquidations", "open_interest_history", "funding_history", "dated_futures"),
    documentation="https://developers.binance.com/docs/derivatives/usds-margined-futures",
    whole_market=frozenset({Channel.TICKERS, Channel.MARK_PRICES, Channel.LIQUIDATIONS}),
    book_source=BookSource.REST,
)
"""Everything about the venue that is data."""


class BinanceVenue(Venue):
    """Binance USD-M futures."""

    facts = FACTS

    def rest(self, table: InstrumentTable) -> MarketRest:
        """REST calls; `table` names the instruments in replies that carry native symbols."""
        return BinanceMarketRest(table)

    def stream(self, endpoint: str, table: InstrumentTable) -> MarketStream:
        """A new conversation for one connection to `endpoint` (`public` or `market`)."""
        return BinanceStream(endpoint, table)

    def tape_reader(self, table: InstrumentTable) -> TapeReader:
        """Reads recorded messages of any connection and recorded REST replies."""
        return BinanceTapeReader(table)

    def endpoint_of(self, channel: Channel) -> str:
        """`public` for book and quotes, `market` for everything else."""
        return ENDPOINTS[channel]

    def stream_url(self, addresses: Addresses, endpoint: str) -> str:
        """URL of combined mode under the endpoint's path."""
        return f"{addresses.streams[endpoint]}/stream"

    def book_rule(self) -> BookRule:
        """A fresh sequence rule for one symbol."""
        return BinanceBookRule()

    def error_of(self, reply: HttpReply) -> VenueError | None:
        """The error a reply to a read stands for, None when it is a success."""
        return error_of(reply)

    def used_weights(self, reply: HttpReply) -> Mapping[str, int]:
        """What `X-MBX-USED-WEIGHT-1M` says of the pool `ip`; empty when it is not there."""
        return used_weights(reply)

    def venue_side(self, market: MarketView) -> VenueSide:
        """The venue's end of the same protocol, presenting `market`."""
        from headwater.venues.binance.venue_side import BinanceSide

        return BinanceSide(market)
