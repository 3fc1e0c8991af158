"""Facts about Hyperliquid as data, and the object that ties its parts together.

Source of limits: https://hyperliquid.gitbook.io/hyperliquid-docs/for-developers/api/
rate-limits-and-user-limits
"""

from collections.abc import Mapping
from typing import Final

import msgspec

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
from headwater.venues.hyperliquid.book import HyperliquidBookRule
from headwater.venues.hyperliquid.errors import error_of
from headwater.venues.hyperliquid.market_rest import (
    BOOK_DEPTHS,
    CANDLES_MAX,
    FUNDING_MAX,
    NO_HISTORY,
    NO_MARKS,
    TRADES_MAX,
    HyperliquidMarketRest,
)
from headwater.venues.hyperliquid.market_stream import HyperliquidStream
from headwater.venues.hyperliquid.recordings import HyperliquidTapeReader
from headwater.venues.hyperliquid.symbols import EXCHANGE, FUNDING_INTERVAL_H, INTERVALS, coin_of
from headwater.venues.side import MarketView, VenueSide

ENDPOINT: Final = "ws"
_CONTEXT: Final = "activeAssetCtx {coin}"
_CONTEXTS: Final = "POST /info metaAndAssetCtxs"

FACTS: Final = VenueFacts(
    venue_id=EXCHANGE,
    display_name="Hyperliquid",
    environments={
        "live": Addresses(
            rest="https://api.hyperliquid.xyz",
            streams={ENDPOINT: "wss://api.hyperliquid.xyz/ws"},
        ),
        "testnet": Addresses(
            rest="https://api.hyperliquid-testnet.xyz",
            streams={ENDPOINT: "wss://api.hyperliquid-testnet.xyz/ws"},
        ),
    },
    pools=(LimitPool(name="ip", capacity=1200, window_s=60.0),),
    stream_limits=StreamLimits(
        max_age_s=None,
        # 1,000 subscriptions and 2,000 messages a minute are the address's: four connections of
        # these figures stay within both.
        max_streams=250,
        messages_per_s=8.0,
        topics_per_message=1,
        # No limit of new connections is documented; a polite pace.
        connects_per_window=30,
        connect_window_s=60.0,
        heartbeat_s=20.0,
        # The venue closes a connection to which it sent nothing for 60 s.
        quiet_limit_s=50.0,
        connections_max=100,
        streams_total_max=1000,
    ),
    channels={
        Channel.TRADES: Support(
            available=True,
            source="trades {coin}",
            note="single fills; the first message is history",
        ),
        Channel.CANDLES: Support(
            available=True,
            source="candle {coin, interval}",
            note="without quote volume; closed when the next one begins",
        ),
        Channel.BOOK: Support(
            available=True, source="l2Book {coin}", note="images of 20 levels a side, each 0.5 s"
        ),
        Channel.QUOTES: Support(available=True, source="bbo {coin}"),
        Channel.TICKERS: Support(
            available=True, source=_CONTEXT, note="`last` is the mark price: no last trade is told"
        ),
        Channel.MARK_PRICES: Support(available=True, source=_CONTEXT, note="funding per hour"),
        Channel.LIQUIDATIONS: Support(
            available=True,
            source="userFills {liquidator vaults}",
            note="a lower bound: only positions that the venue's vaults took over; market-order "
            "liquidations look like ordinary trades and cannot be told from them",
        ),
        Channel.OPEN_INTEREST: Support(available=True, source=_CONTEXT),
    },
    capabilities={
        "ohlc": Support(
            available=True, source="POST /info candleSnapshot", note="the newest 5,000 only"
        ),
        "trades": Support(
            available=True, source="POST /info recentTrades", note="undocumented; no history"
        ),
        "order_book": Support(available=True, source="POST /info l2Book", note="20 levels a side"),
        "tickers": Support(
            available=True, source=_CONTEXTS, note="`last` is the mark price: no last trade is told"
        ),
        "mark_prices": Support(available=True, source=_CONTEXTS),
        "open_interest": Support(available=True, source=_CONTEXTS),
        "open_interest_history": Support(available=False, note=NO_HISTORY),
        "funding_rate": Support(available=True, source=_CONTEXTS, note="per hour"),
        "funding_history": Support(available=True, source="POST /info fundingHistory"),
        "predicted_funding": Support(available=True, source="POST /info predictedFundings"),
        "mark_candles": Support(available=False, note=NO_MARKS),
        "margin_tiers": Support(
            available=True,
            source="POST /info meta",
            note="maintenance is half the initial margin at a tier's highest leverage",
        ),
        "wallet_positions": Support(
            available=True,
            source="POST /info clearinghouseState",
            note="of any address that is known by name; nobody lists them all",
        ),
    },
    intervals=tuple(INTERVALS.values()),
    open_interest_periods=(),
    candles_max=CANDLES_MAX,
    funding_max=FUNDING_MAX,
    open_interest_max=1,
    trades_max=TRADES_MAX,
    book_depths=BOOK_DEPTHS,
    stale_after_s={
        Channel.TRADES: 20.0,
        # At each change; a quiet minute has none.
        Channel.CANDLES: 75.0,
        Channel.BOOK: 5.0,
        Channel.QUOTES: 15.0,
        Channel.TICKERS: 15.0,
        Channel.MARK_PRICES: 15.0,
        Channel.OPEN_INTEREST: 15.0,
    },
    liquidations_told=FeedCompleteness.PARTIAL,
    features=("liquidations", "funding_history", "predicted_funding"),
    documentation="https://hyperliquid.gitbook.io/hyperliquid-docs/for-developers/api",
    whole_market=frozenset({Channel.LIQUIDATIONS}),
    book_source=BookSource.IMAGES,
    tells_past=frozenset({Channel.LIQUIDATIONS}),
)
"""Everything about the venue that is data."""


class HyperliquidVenue(Venue):
    """Hyperliquid's own perpetuals."""

    facts = FACTS

    def rest(self, table: InstrumentTable) -> MarketRest:
        """REST calls; `table` names the instruments in replies that carry coins."""
        return HyperliquidMarketRest(table)

    def stream(self, endpoint: str, table: InstrumentTable) -> MarketStream:  # noqa: ARG002
        """A new conversation for one connection; there is one endpoint."""
        return HyperliquidStream(table)

    def tape_reader(self, table: InstrumentTable) -> TapeReader:
        """Reads recorded messages of any connection and recorded replies."""
        return HyperliquidTapeReader(table)

    def listed(self, instrument: Instrument) -> Instrument:
        """A coin, quoted in USD, settled in USDC, funded every hour."""
        return msgspec.structs.replace(
            instrument,
            native_symbol=coin_of(instrument.base_asset),
            quote_asset="USD",
            settle_asset="USDC",
            contract_size=1.0,
            funding_interval_h=FUNDING_INTERVAL_H,
        )

    def endpoint_of(self, channel: Channel) -> str:  # noqa: ARG002 - one serves all
        """`ws` for everything."""
        return ENDPOINT

    def stream_url(self, addresses: Addresses, endpoint: str) -> str:
        """The address as it is."""
        return addresses.streams[endpoint]

    def book_rule(self) -> BookRule:
        """A fresh rule for one symbol."""
        return HyperliquidBookRule()

    def error_of(self, reply: HttpReply) -> VenueError | None:
        """The error a reply to a read stands for, None when it is a success."""
        return error_of(reply)

    def used_weights(self, reply: HttpReply) -> Mapping[str, int]:  # noqa: ARG002
        """Nothing: no header tells what is used."""
        return {}

    def venue_side(self, market: MarketView) -> VenueSide:
        """The venue's end of the same protocol, presenting `market`."""
        from headwater.venues.hyperliquid.venue_side import HyperliquidSide

        return HyperliquidSide(market)
