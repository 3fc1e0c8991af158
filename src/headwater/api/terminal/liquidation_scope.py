"""Whose liquidations a client means: of one contract on one venue, or on all of them together."""

from collections.abc import Iterator, Mapping
from typing import Final

import msgspec
import structlog

from headwater.api.lookup import ALL_EXCHANGES, canonical_symbols, exchanges_of
from headwater.api.terminal.symbols import terminal_symbol
from headwater.bus.topics import TopicFilter
from headwater.core.enums import Channel
from headwater.core.errors import NotSupported
from headwater.core.formatting import SymbolFormat
from headwater.core.instruments import Instrument
from headwater.core.records import Liquidation
from headwater.feeds.source import MarketSource
from headwater.services.liquidation_history import Wanted
from headwater.services.symbols import SymbolService
from headwater.venues.messages import Subscription

_DAY_MS: Final = 86_400_000
_log: Final = structlog.stdlib.get_logger("headwater.api.terminal")


class LiquidationScope(msgspec.Struct, frozen=True, kw_only=True):
    """Which liquidations.

    Attributes:
        exchange: venue id, or `all`.
        symbol: canonical symbol.
        sources: data of the venues.
        listed: the contract, on one of them that lists it.
    """

    exchange: str
    symbol: str
    sources: tuple[MarketSource, ...]
    listed: Instrument

    @property
    def name(self) -> str:
        """Names it in keys and logs, such as `binance:BTCUSDT`."""
        return f"{self.exchange}:{self.symbol}"

    @property
    def chosen(self) -> frozenset[str] | None:
        """Venues whose past is meant; None for all, the external service's among it."""
        return None if self.exchange == ALL_EXCHANGES else frozenset({self.exchange})

    @property
    def filters(self) -> tuple[TopicFilter, ...]:
        """What is heard of the bus."""
        exchange = None if self.exchange == ALL_EXCHANGES else self.exchange
        return (TopicFilter(Liquidation, exchange, self.symbol),)

    def wanted(self, start_ms: int, now_ms: int) -> Wanted:
        """What is asked of the past.

        Args:
            start_ms: earliest time, ms since the epoch.
            now_ms: wall time; what a venue's clock dates a little later is wanted too.
        """
        return Wanted(
            symbol=self.symbol,
            start_ms=start_ms,
            end_ms=now_ms + _DAY_MS,
            exchanges=self.chosen,
        )

    def subscriptions(self) -> Iterator[tuple[MarketSource, Subscription]]:
        """Live data that it is made of.

        Of all venues those that tell of liquidations and list the contract. One that has not told
        its list yet is asked for its whole market, because it may list it.

        Raises:
            NotSupported: no connected venue tells of liquidations.
        """
        offering = 0
        for source in self.sources:
            if self.exchange == ALL_EXCHANGES:
                support = source.facts.channels.get(Channel.LIQUIDATIONS)
                if support is None or not support.available:
                    continue
            offering += 1
            listed = source.table.by_symbol(self.symbol)
            if listed is None and len(source.table):
                continue
            native = None if listed is None else listed.native_symbol
            yield source, Subscription(channel=Channel.LIQUIDATIONS, native_symbol=native)
        if not offering:
            raise NotSupported(ALL_EXCHANGES, "liquidations", "no connected venue tells of them")

    def instrument(self, exchange: str) -> Instrument:
        """The contract on the venue that told of an event.

        Args:
            exchange: venue id.

        Returns:
            One on another venue where that one is unknown, such as an external service.
        """
        for source in self.sources:
            if source.facts.venue_id == exchange:
                return source.table.by_symbol(self.symbol) or self.listed
        return self.listed


class SymbolNumbers:
    """How each venue writes the numbers of one contract; looked up once.

    Args:
        scope: which contract.
    """

    def __init__(self, scope: LiquidationScope) -> None:
        self._scope = scope
        self._known: dict[str, tuple[SymbolFormat, str]] = {}

    def of(self, exchange: str) -> tuple[SymbolFormat, str]:
        """The format and the base asset, where `exchange` told of an event."""
        found = self._known.get(exchange)
        if found is None:
            instrument = self._scope.instrument(exchange)
            found = SymbolFormat.of(instrument), instrument.base_asset
            self._known[exchange] = found
        return found


def read_scope(
    sources: Mapping[str, MarketSource],
    exchange: str,
    symbol: str,
    symbols: SymbolService | None = None,
) -> LiquidationScope:
    """The liquidations that a client means.

    Args:
        sources: venues by id.
        exchange: venue id in any case, or `all`.
        symbol: any common spelling.
        symbols: the symbol service, which says what one venue calls so.

    Raises:
        UnknownExchange: it is not connected.
        UnknownSymbol: no such venue lists anything like it.
        VenueUnavailable: a list of instruments that may have it has not been loaded yet.
    """
    if exchange.lower() != ALL_EXCHANGES:
        (venue,) = exchanges_of(sources, exchange)
        one = terminal_symbol(sources, venue, symbol, symbols)
        return LiquidationScope(
            exchange=one.exchange,
            symbol=one.symbol,
            sources=(one.source,),
            listed=one.instrument,
        )
    venues = tuple(sources.values())
    canonical = min(canonical_symbols(symbol, venues))
    listings = (source.table.by_symbol(canonical) for source in venues)
    listed = next(one for one in listings if one is not None)
    return LiquidationScope(exchange=ALL_EXCHANGES, symbol=canonical, sources=venues, listed=listed)
