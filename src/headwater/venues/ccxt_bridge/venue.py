"""A venue made of an exchange of ccxt: its facts from what ccxt says, REST only."""

# ruff: noqa: ARG002 - the contract names parameters that a refusal does not use

from collections.abc import Mapping
from typing import Final

from headwater.core.enums import Channel
from headwater.core.errors import NotSupported, VenueError
from headwater.core.http_messages import HttpReply
from headwater.core.instruments import InstrumentTable
from headwater.core.intervals import Interval
from headwater.venues.base import BookRule, MarketRest, MarketStream, Venue
from headwater.venues.ccxt_bridge.conversation import Conversation
from headwater.venues.ccxt_bridge.errors import error_of
from headwater.venues.ccxt_bridge.market_rest import (
    CANDLES_MAX,
    FUNDING_MAX,
    TRADES_MAX,
    CcxtMarketRest,
)
from headwater.venues.facts import Addresses, LimitPool, StreamLimits, Support, VenueFacts
from headwater.venues.side import MarketView, VenueSide

_WINDOW_S: Final = 10.0
_NO_STREAM: Final = "bridged by ccxt: by REST only, slower than a venue with its own folder"
_CAPABILITIES: Final[Mapping[str, str]] = {
    "ohlc": "fetchOHLCV",
    "trades": "fetchTrades",
    "order_book": "fetchOrderBook",
    "tickers": "fetchTickers",
    "mark_prices": "fetchFundingRates",
    "open_interest": "fetchOpenInterest",
    "funding_rate": "fetchFundingRate",
    "funding_history": "fetchFundingRateHistory",
}


def bridge(exchange_id: str) -> Venue:
    """A venue over an exchange of ccxt.

    Args:
        exchange_id: its id in ccxt; ours is the same.

    Raises:
        ConfigError: ccxt is not installed, or has no such exchange.
    """
    return CcxtVenue(exchange_id, Conversation(exchange_id))


class CcxtVenue(Venue):
    """One bridged exchange.

    Args:
        venue_id: our id of it.
        conversation: its ccxt object.
    """

    def __init__(self, venue_id: str, conversation: Conversation) -> None:
        self._talk = conversation
        self.facts = _facts(venue_id, conversation)

    def rest(self, table: InstrumentTable) -> MarketRest:
        """REST calls."""
        return CcxtMarketRest(self.facts.venue_id, self._talk, table)

    def stream(self, endpoint: str, table: InstrumentTable) -> MarketStream:
        """There is none.

        Raises:
            NotSupported: always.
        """
        raise NotSupported(self.facts.venue_id, "streams", _NO_STREAM)

    def endpoint_of(self, channel: Channel) -> str:
        """There is none.

        Raises:
            NotSupported: always.
        """
        raise NotSupported(self.facts.venue_id, channel, _NO_STREAM)

    def stream_url(self, addresses: Addresses, endpoint: str) -> str:
        """There is none.

        Raises:
            NotSupported: always.
        """
        raise NotSupported(self.facts.venue_id, "streams", _NO_STREAM)

    def book_rule(self) -> BookRule:
        """There is none.

        Raises:
            NotSupported: always.
        """
        raise NotSupported(self.facts.venue_id, Channel.BOOK, _NO_STREAM)

    def error_of(self, reply: HttpReply) -> VenueError | None:
        """The error of a reply as far as its status tells."""
        return error_of(self.facts.venue_id, reply)

    def used_weights(self, reply: HttpReply) -> Mapping[str, int]:
        """Nothing is known."""
        return {}

    def venue_side(self, market: MarketView) -> VenueSide:
        """There is none: a bridged exchange is not simulated.

        Raises:
            NotSupported: always.
        """
        raise NotSupported(self.facts.venue_id, "simulation", "a bridged exchange has no own side")


def _facts(venue_id: str, conversation: Conversation) -> VenueFacts:
    """What ccxt says of an exchange."""
    exchange = conversation.exchange
    known = set(exchange.timeframes or {})
    capabilities = {
        name: Support(
            available=bool(exchange.has.get(method)),
            source=f"ccxt {method}",
            note="bridged by ccxt" if exchange.has.get(method) else "ccxt offers it not",
        )
        for name, method in _CAPABILITIES.items()
    }
    capabilities["open_interest_history"] = Support(available=False, note="the bridge has none")
    capabilities["mark_candles"] = Support(available=False, note="the bridge reads none")
    capabilities["margin_tiers"] = Support(available=False, note="the bridge reads none")
    spacing_ms = float(exchange.rateLimit or 1000)
    return VenueFacts(
        venue_id=venue_id,
        display_name=f"{exchange.name} (ccxt)",
        environments={"live": Addresses(rest=conversation.base_url, streams={})},
        pools=(
            LimitPool(
                name="ip",
                capacity=max(1, int(_WINDOW_S * 1000 / spacing_ms)),
                window_s=_WINDOW_S,
            ),
        ),
        stream_limits=StreamLimits(
            max_age_s=None,
            max_streams=1,
            messages_per_s=1.0,
            topics_per_message=1,
            connects_per_window=1,
            connect_window_s=1.0,
            heartbeat_s=None,
            quiet_limit_s=60.0,
        ),
        channels={channel: Support(available=False, note=_NO_STREAM) for channel in Channel},
        capabilities=capabilities,
        intervals=tuple(one for one in Interval if one.value in known),
        open_interest_periods=(),
        candles_max=CANDLES_MAX,
        funding_max=FUNDING_MAX,
        open_interest_max=1,
        trades_max=TRADES_MAX,
        book_depths=(100,),
        stale_after_s={},
        features=("bridged_by_ccxt",),
        documentation=_documentation(exchange.urls.get("doc")),
    )


def _documentation(doc: object) -> str:
    """The first link ccxt names."""
    if isinstance(doc, list) and doc:
        return str(doc[0])
    return str(doc or "https://docs.ccxt.com")
