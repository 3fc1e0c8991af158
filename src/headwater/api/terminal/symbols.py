"""Which contract an address means, and how its numbers are written.

The symbol service answers both (O-S1); no socket asks anybody else.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

import msgspec

from headwater.analytics.rounding_options import (
    PriceFormat,
    RoundingOptions,
    price_format,
    rounding_options,
)
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
        price_format: how a chart writes its prices.
        rounding: what its prices may be rounded to.
    """

    source: MarketSource
    instrument: Instrument
    format: SymbolFormat
    price_format: PriceFormat
    rounding: RoundingOptions

    @property
    def rounding_options(self) -> tuple[Decimal, ...]:
        """Powers of ten that its prices may be rounded to, quote currency, ascending."""
        return self.rounding.options

    @property
    def default_rounding(self) -> Decimal:
        """The one to begin with."""
        return self.rounding.default

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
        symbols: the symbol service; without one roundings are those of an unknown price.

    Raises:
        UnknownExchange: it is not connected.
        UnknownSymbol: the venue lists nothing like it.
        VenueUnavailable: its list of instruments has not been loaded yet.
    """
    source = source_of(sources, exchange)
    if symbols is None:
        instrument, row = instrument_of(source, symbol), None
    else:
        instrument = symbols.resolve(source.facts.venue_id, symbol)
        row = symbols.listing(instrument)
    if row is not None:
        return TerminalSymbol(
            source=source,
            instrument=instrument,
            format=row.format,
            price_format=row.price_format,
            rounding=row.rounding,
        )
    written = SymbolFormat.of(instrument)
    return TerminalSymbol(
        source=source,
        instrument=instrument,
        format=written,
        price_format=price_format(written.price_places),
        rounding=rounding_options(written.price_places, None),
    )
