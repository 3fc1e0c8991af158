"""What one client of an aggregated stream wants of it (requirements T-W2 to T-W4).

A filter is a frozen, hashable value: clients with equal filters share one audience of the hub, so
each event is looked at once for all of them. `read_filter` makes it of a query, strictly.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeVar
from urllib.parse import quote

import msgspec

from headwater.api.lookup import canonical_symbols
from headwater.core.errors import RequestError
from headwater.core.intervals import Interval
from headwater.core.records import LargeTrade, Liquidation, OiVolumeSpike, Trade
from headwater.feeds.source import MarketSource

VALUE_MAX_USD: Final = 1e12
"""Greatest `min_value_usd`."""

LIST_MAX: Final = 100
"""Most entries of a comma-separated parameter."""

T = TypeVar("T")

_NUMBER: Final = re.compile(r"[0-9]{1,13}(\.[0-9]{1,8})?([eE][0-9]{1,2})?")
_VALUE_ALLOWED: Final = f"a number from 0 to {VALUE_MAX_USD:.0f}"
_VALUE_CUT_CHARS: Final = 32


class EventFilter(msgspec.Struct, frozen=True):
    """Which liquidations or trades a client gets.

    Attributes:
        min_value_usd: least value, inclusive.
        exchanges: venue ids, None for all.
        symbols: canonical symbols, None for all.
    """

    min_value_usd: float
    exchanges: frozenset[str] | None = None
    symbols: frozenset[str] | None = None

    def __call__(self, record: object) -> bool:
        """Whether the client gets this record."""
        return (
            isinstance(record, Trade | LargeTrade | Liquidation)
            and record.value >= self.min_value_usd
            and (self.exchanges is None or record.exchange in self.exchanges)
            and (self.symbols is None or record.symbol in self.symbols)
        )

    @property
    def query(self) -> str:
        """The query that means this filter, in one spelling."""
        value = f"{self.min_value_usd:.8f}".rstrip("0").rstrip(".")
        return _query({"min_value_usd": (value,), **_names(self.exchanges, self.symbols)})


class SpikeFilter(msgspec.Struct, frozen=True):
    """Which spikes of open interest and volume a client gets.

    Attributes:
        timeframes: lengths of bars.
        exchanges: venue ids, None for all.
        symbols: canonical symbols, None for all.
    """

    timeframes: frozenset[Interval]
    exchanges: frozenset[str] | None = None
    symbols: frozenset[str] | None = None

    def __call__(self, record: object) -> bool:
        """Whether the client gets this record."""
        return (
            isinstance(record, OiVolumeSpike)
            and record.interval in self.timeframes
            and (self.exchanges is None or record.exchange in self.exchanges)
            and (self.symbols is None or record.symbol in self.symbols)
        )

    @property
    def query(self) -> str:
        """The query that means this filter, in one spelling."""
        timeframes = tuple(one.value for one in Interval if one in self.timeframes)
        return _query({"timeframes": timeframes, **_names(self.exchanges, self.symbols)})


Filter = EventFilter | SpikeFilter


def read_event_filter(
    fields: Mapping[str, str], sources: Mapping[str, MarketSource], min_value_usd: float
) -> EventFilter:
    """Reads `min_value_usd`, `exchanges` and `symbols`.

    Args:
        fields: parameters by name.
        sources: the connected venues.
        min_value_usd: what holds when the parameter is not given.

    Raises:
        RequestError: a value is not allowed; names it.
        VenueUnavailable: a symbol may belong to a venue whose list has not been loaded yet.
    """
    least = min_value_usd
    if "min_value_usd" in fields:
        least = read_min_value(fields["min_value_usd"])
    exchanges = read_exchanges(fields.get("exchanges"), sources)
    return EventFilter(least, exchanges, read_symbols(fields.get("symbols"), sources, exchanges))


def read_spike_filter(
    fields: Mapping[str, str], sources: Mapping[str, MarketSource], offered: Sequence[Interval]
) -> SpikeFilter:
    """Reads `timeframes`, `exchanges` and `symbols`.

    Args:
        fields: parameters by name.
        sources: the connected venues.
        offered: lengths of bars that are watched; all of them when none is asked for.

    Raises:
        RequestError: a value is not allowed; names it.
        VenueUnavailable: as `read_event_filter`.
    """
    if not offered:
        raise RequestError("stream", "oi-vol", "the monitor is turned off (oi_volume_timeframes)")
    timeframes = frozenset(offered)
    if "timeframes" in fields:
        known = {interval.value: interval for interval in offered}

        def interval_of(text: str) -> Interval:
            if text not in known:
                raise RequestError("timeframes", text[:_VALUE_CUT_CHARS], ", ".join(known))
            return known[text]

        timeframes = frozenset(_read_list("timeframes", fields["timeframes"], interval_of))
    exchanges = read_exchanges(fields.get("exchanges"), sources)
    symbols = read_symbols(fields.get("symbols"), sources, exchanges)
    return SpikeFilter(timeframes, exchanges, symbols)


def read_exchanges(text: str | None, sources: Mapping[str, MarketSource]) -> frozenset[str] | None:
    """Reads a comma-separated list of venue ids; None stays None.

    Raises:
        RequestError: one is not connected.
    """
    if text is None:
        return None

    def venue_of(name: str) -> str:
        if name.lower() not in sources:
            raise RequestError("exchanges", name[:_VALUE_CUT_CHARS], ", ".join(sources))
        return name.lower()

    return frozenset(_read_list("exchanges", text, venue_of))


def read_symbols(
    text: str | None, sources: Mapping[str, MarketSource], exchanges: frozenset[str] | None
) -> frozenset[str] | None:
    """Reads a comma-separated list of symbols in any common spelling; None stays None.

    Args:
        text: the parameter.
        sources: the connected venues.
        exchanges: those that are asked for, None for all.

    Returns:
        Canonical symbols, each listed by at least one of those venues.

    Raises:
        UnknownSymbol: none of them lists one.
        VenueUnavailable: none does, but not all have told what they list yet.
    """
    if text is None:
        return None
    chosen = [source for name, source in sources.items() if not exchanges or name in exchanges]
    found: set[str] = set()
    for matches in _read_list("symbols", text, lambda symbol: canonical_symbols(symbol, chosen)):
        found |= matches
    return frozenset(found)


def read_min_value(text: str) -> float:
    """Reads a least value in USD.

    Raises:
        RequestError: it is no number from 0 to `VALUE_MAX_USD`.
    """
    value = float(text) if _NUMBER.fullmatch(text) else -1.0
    if not 0 <= value <= VALUE_MAX_USD:
        raise RequestError("min_value_usd", text[:_VALUE_CUT_CHARS], _VALUE_ALLOWED)
    return value


def _read_list(field: str, text: str, read: Callable[[str], T]) -> list[T]:
    """Each entry of a comma-separated parameter, read."""
    parts = [part.strip() for part in text.split(",")]
    if len(parts) > LIST_MAX:
        raise RequestError(field, f"{len(parts)} entries", f"at most {LIST_MAX} entries")
    if not all(parts):
        raise RequestError(field, text[:_VALUE_CUT_CHARS], "comma-separated, no empty entry")
    return [read(part) for part in parts]


def _names(
    exchanges: frozenset[str] | None, symbols: frozenset[str] | None
) -> dict[str, tuple[str, ...]]:
    """The lists of venues and symbols as sorted parameters; what is not given is left out."""
    lists = {"exchanges": exchanges, "symbols": symbols}
    return {name: tuple(sorted(given)) for name, given in lists.items() if given is not None}


def _query(fields: Mapping[str, Sequence[str]]) -> str:
    """A query with its parameters in alphabetical order."""
    pairs = sorted(fields.items())
    return "&".join(f"{name}={quote(','.join(values), safe=',')}" for name, values in pairs)
