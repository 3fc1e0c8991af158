"""Which market a back-test means: a venue and a symbol in any spelling, refused when unknown.

A job reads what is stored, so what is stored is known, whether or not its venue is connected. Of
all else the venue's own list of instruments decides; where that cannot be asked the job is taken,
and says itself what it lacks.
"""

from collections.abc import Awaitable, Callable, Mapping

from headwater.api.lookup import UnknownExchange, instrument_of
from headwater.backtest.job_request import check_one_contract
from headwater.core.errors import RequestError
from headwater.core.instruments import canonical_spelling
from headwater.feeds.source import MarketSource
from headwater.venues.discovery import venues

__all__ = ["market_of"]

HasCandles = Callable[[str, str], Awaitable[bool]]
"""Told a venue and a canonical symbol: whether candles of it are stored."""

_QUOTE = "USDT"
"""Quote of the contract that a base asset alone means."""


async def market_of(
    sources: Mapping[str, MarketSource], has_candles: HasCandles, exchange: str, symbol: str
) -> tuple[str, str]:
    """The venue and the canonical symbol.

    Args:
        sources: the connected venues.
        has_candles: what is stored.
        exchange: venue id in any case.
        symbol: any common spelling; a base asset alone means its USDT contract.

    Raises:
        RequestError: one of them has what no name has, such as control characters, or names
            several.
        UnknownExchange: there is no such venue, and nothing of it is stored.
        UnknownSymbol: the venue lists nothing like it, and nothing of it is stored.
    """
    for field, text in (("exchange", exchange), ("symbol", symbol)):
        if not text.isprintable():
            raise RequestError(field, text, "printable letters")
    check_one_contract(exchange, symbol)
    venue, spelling = exchange.lower(), canonical_spelling(symbol) or symbol
    source = sources.get(venue)
    instrument = None if source is None else source.table.find(symbol)
    if instrument is not None:
        return venue, instrument.symbol
    for one in (spelling, spelling + _QUOTE):
        if await has_candles(venue, one):
            return venue, one
    if source is not None and len(source.table):
        return venue, instrument_of(source, symbol).symbol
    if source is None and venue not in venues():
        raise UnknownExchange(exchange, tuple(sorted({*sources, *venues()})))
    return venue, spelling
