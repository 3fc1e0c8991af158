"""How a request's words become a venue, an instrument, a capability; each failure names itself."""

import difflib
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from headwater.analytics.candles import source_interval
from headwater.core.errors import NotSupported, RequestError, UnknownSymbol, VenueUnavailable
from headwater.core.instruments import Instrument, InstrumentTable
from headwater.core.intervals import Interval
from headwater.feeds.source import MarketSource

ALL_EXCHANGES: Final = "all"
"""Stands for every connected venue where several may be asked for."""

_SUGGESTIONS_MAX: Final = 3
_VALUE_CUT_CHARS: Final = 64
_LOADING_RETRY_S: Final = 2.0


class UnknownExchange(RequestError):
    """No such venue is connected.

    Args:
        exchange: what was asked for.
        known: ids of the connected ones.
    """

    def __init__(self, exchange: str, known: tuple[str, ...]) -> None:
        super().__init__("exchange", exchange, f"one of {', '.join(known) or 'none'}")
        self.known = known
        self.suggestions = tuple(
            difflib.get_close_matches(exchange[:_VALUE_CUT_CHARS].lower(), known, _SUGGESTIONS_MAX)
        )


class IntervalNotOffered(NotSupported):
    """The venue has no such candles or readings.

    Args:
        exchange: venue id.
        field: the parameter.
        interval: what was asked for.
        offered: what there is.
    """

    def __init__(
        self, exchange: str, field: str, interval: Interval, offered: tuple[Interval, ...]
    ) -> None:
        super().__init__(exchange, interval.value, f"{exchange} has {', '.join(offered)}")
        self.field = field
        self.offered = offered


def demand_interval(
    source: MarketSource, field: str, interval: Interval, offered: tuple[Interval, ...]
) -> None:
    """Checks that a venue offers an interval.

    Raises:
        IntervalNotOffered: it does not; says which it does.
    """
    if interval not in offered:
        raise IntervalNotOffered(source.facts.venue_id, field, interval, offered)


def demand_candles(source: MarketSource, interval: Interval, field: str = "interval") -> None:
    """Checks that a venue has candles of an interval, or what they are built of.

    Args:
        source: the venue.
        interval: length of a candle.
        field: the parameter that names it.

    Raises:
        IntervalNotOffered: neither; says which it has.
    """
    offered = source.facts.intervals
    if interval not in offered and source_interval(interval, offered) is None:
        raise IntervalNotOffered(source.facts.venue_id, field, interval, offered)


def source_of(sources: Mapping[str, MarketSource], exchange: str) -> MarketSource:
    """The data of a venue, by its id in any case.

    Raises:
        UnknownExchange: it is not connected.
    """
    found = sources.get(exchange) or sources.get(exchange.lower())
    if found is None:
        raise UnknownExchange(exchange, tuple(sources))
    return found


def exchanges_of(sources: Mapping[str, MarketSource], exchange: str) -> tuple[str, ...]:
    """Ids of the venues that are meant, in their order: one by its id in any case, or `all`.

    Raises:
        UnknownExchange: it is not connected; names `all` among what is allowed.
    """
    if exchange.lower() == ALL_EXCHANGES:
        return tuple(sorted(sources))
    try:
        return (source_of(sources, exchange).facts.venue_id,)
    except UnknownExchange as error:
        raise UnknownExchange(exchange, (*error.known, ALL_EXCHANGES)) from error


def table_of(source: MarketSource) -> InstrumentTable:
    """All instruments of a venue.

    Raises:
        VenueUnavailable: they have not been loaded yet.
    """
    table = source.table
    if not len(table):
        venue = source.facts.venue_id
        raise VenueUnavailable(venue, "instruments not loaded yet", retry_after_s=_LOADING_RETRY_S)
    return table


def instrument_of(source: MarketSource, symbol: str, field: str = "symbol") -> Instrument:
    """The instrument that a person means.

    Args:
        source: of which venue.
        symbol: any common spelling.
        field: the parameter that names it.

    Raises:
        UnknownSymbol: the venue lists nothing like it.
        VenueUnavailable: its list of instruments has not been loaded yet.
    """
    try:
        return table_of(source).resolve(symbol)
    except UnknownSymbol as error:
        error.field = field
        raise


def symbols_named(sources: Iterable[MarketSource], symbol: str) -> set[str]:
    """Canonical symbols that venues take a spelling for: one, unless they disagree.

    Args:
        sources: of the venues; one whose list has not been loaded knows none.
        symbol: any common spelling.
    """
    found: set[str] = set()
    for source in sources:
        instrument = source.table.find(symbol)
        if instrument is not None:
            found.add(instrument.symbol)
    return found


def shared_symbol(sources: Iterable[MarketSource], symbol: str) -> str:
    """The one text that every venue knows a contract by (requirements A1).

    `kPEPE` is Hyperliquid's own spelling; the others know its `1000PEPEUSDT`.

    Args:
        sources: of the venues.
        symbol: any common spelling.

    Returns:
        The canonical symbol; `symbol` itself where no venue knows it or two disagree, so that each
        venue answers for itself.
    """
    found = symbols_named(sources, symbol)
    return found.pop() if len(found) == 1 else symbol


def canonical_symbols(symbol: str, sources: Sequence[MarketSource]) -> set[str]:
    """Canonical symbols that a spelling means: at least one.

    Args:
        symbol: any common spelling.
        sources: of the venues that may list it.

    Raises:
        UnknownSymbol: none of them lists it.
        VenueUnavailable: none does, but one has not told its list yet and may know it.
        UnknownExchange: there are no venues.
    """
    found = symbols_named(sources, symbol)
    if found:
        return found
    if not sources:
        raise UnknownExchange("", ())
    suggestions: dict[str, None] = {}
    for source in sorted(sources, key=lambda one: len(one.table)):  # one not loaded comes first
        try:
            found.add(instrument_of(source, symbol).symbol)
        except UnknownSymbol as error:
            suggestions |= dict.fromkeys(error.suggestions)
        if len(suggestions) >= _SUGGESTIONS_MAX:
            break  # near spellings take milliseconds a venue
    if not found:
        venues = " or ".join(source.facts.venue_id for source in sources)
        raise UnknownSymbol(venues, symbol[:_VALUE_CUT_CHARS], list(suggestions)[:_SUGGESTIONS_MAX])
    return found


def demand(source: MarketSource, capability: str) -> None:
    """Checks that a venue offers a REST capability.

    Raises:
        NotSupported: it does not; says why.
    """
    support = source.facts.capabilities.get(capability)
    if support is None or not support.available:
        reason = support.note if support is not None and support.note else "not offered"
        raise NotSupported(source.facts.venue_id, capability, reason)
