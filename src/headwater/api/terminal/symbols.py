"""Which contract an address means, and how its numbers are written.

The symbol service answers both (O-S1). It knows venues one by one: what a symbol means on all of
them together is `api.lookup.canonical_symbols`.
"""

from collections.abc import Mapping
from typing import Final

import msgspec

from headwater.api.lookup import instrument_of, source_of
from headwater.core.formatting import SymbolFormat
from headwater.core.instruments import Instrument
from headwater.feeds.source import MarketSource
from headwater.services.symbols import SymbolService

DEFAULT_EXCHANGE: Final = "binance"
"""Where `exchange` is not given."""


class TerminalSymbol(msgspec.Struct, frozen=True, kw_only=True):
    """A contract on a venue.

    Attributes:
        source: the venue's data.
        instrument: the contract.
        format: how its numbers are written.
    """

    source: MarketSource
    instrument: Instrument
    format: SymbolFormat

    @property
    def exchange(self) -> str:
        """Venue id."""
        return self.source.facts.venue_id

    @property
    def symbol(self) -> str:
        """Canonical symbol."""
        return self.instrument.symbol

    @property
    def name(self) -> str:
        """Names it among all contracts in keys and logs, such as `okx:BTC-USDT-SWAP`."""
        return f"{self.exchange}:{self.instrument.native_symbol}"


def terminal_symbol(
    sources: Mapping[str, MarketSource],
    exchange: str,
    symbol: str,
    symbols: SymbolService | None = None,
) -> TerminalSymbol:
    """The contract that a client means.

    Args:
        sources: venues by id.
        exchange: venue id in any case.
        symbol: any common spelling.
        symbols: the symbol service; None in a process that has none.

    Raises:
        UnknownExchange: it is not connected.
        UnknownSymbol: the venue lists nothing like it.
        VenueUnavailable: its list of instruments has not been loaded yet.
    """
    source = source_of(sources, exchange)
    if symbols is None:
        instrument = instrument_of(source, symbol)
    else:
        instrument = symbols.resolve(source.facts.venue_id, symbol)
    return TerminalSymbol(source=source, instrument=instrument, format=SymbolFormat.of(instrument))
