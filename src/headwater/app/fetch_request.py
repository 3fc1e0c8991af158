"""What can be downloaded of a venue, and one request for it."""

from enum import StrEnum
from typing import Final

import msgspec

from headwater.analytics.candles import source_interval
from headwater.api.schemas.base import View
from headwater.api.schemas.market import (
    FundingRateView,
    InstrumentView,
    OhlcView,
    OpenInterestView,
    TradeView,
)
from headwater.app.row_files import Reached
from headwater.core.errors import NotSupported
from headwater.core.instruments import Instrument
from headwater.core.intervals import Interval
from headwater.venues.base import Venue


class Kind(StrEnum):
    """What can be downloaded."""

    CANDLES = "candles"
    MARK_CANDLES = "mark-candles"
    TRADES = "trades"
    FUNDING = "funding"
    OPEN_INTEREST = "open-interest"
    INSTRUMENTS = "instruments"


class KindFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What is fixed about a kind.

    Attributes:
        capability: its name among a venue's capabilities, None where every venue has it.
        view: its rows in a file; None for a kind that goes into storage only.
    """

    capability: str | None
    view: type[View] | None


KINDS: Final = {
    Kind.CANDLES: KindFacts(capability="ohlc", view=OhlcView),
    Kind.MARK_CANDLES: KindFacts(capability="mark_candles", view=None),
    Kind.TRADES: KindFacts(capability="trades", view=TradeView),
    Kind.FUNDING: KindFacts(capability="funding_history", view=FundingRateView),
    Kind.OPEN_INTEREST: KindFacts(capability="open_interest_history", view=OpenInterestView),
    Kind.INSTRUMENTS: KindFacts(capability=None, view=InstrumentView),
}


class FetchRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One series to download.

    Attributes:
        kind: of what.
        instrument: of which.
        interval: of candles and of open interest.
        since_ms: earliest time, inclusive; None for the newest `limit` rows.
        until_ms: latest time, inclusive.
        limit: most rows; None for all, which needs `since_ms`.
        reached: how far a file goes already; rows up to there are left out.
    """

    kind: Kind
    instrument: Instrument
    interval: Interval | None
    since_ms: int | None
    until_ms: int
    limit: int | None
    reached: Reached | None = None

    @property
    def first_ms(self) -> int | None:
        """Where to begin: after what is there; None where the newest rows are wanted."""
        if self.reached is None:
            return self.since_ms
        return max(self.since_ms or 0, self.reached.moment_ms + 1)


def candle_source(venue: Venue, interval: Interval) -> Interval | None:
    """The venue's interval that candles of `interval` come from: the same, or one to fold.

    Returns:
        None when it has neither.
    """
    offered = venue.facts.intervals
    return interval if interval in offered else source_interval(interval, offered)


def demand(venue: Venue, kind: Kind, interval: Interval | None) -> None:
    """Checks that a venue offers a kind, and that with this interval.

    Raises:
        NotSupported: it does not; says why, or what it has instead.
    """
    facts = venue.facts
    capability = KINDS[kind].capability
    if capability is None:
        return
    support = facts.capabilities.get(capability)
    if support is None or not support.available:
        reason = "the venue does not offer it" if support is None else support.note
        raise NotSupported(facts.venue_id, capability, f"{facts.venue_id}: {reason}")
    if kind is Kind.CANDLES and interval is not None:
        offered, is_there = facts.intervals, candle_source(venue, interval) is not None
    elif kind is Kind.OPEN_INTEREST:
        offered = facts.open_interest_periods
        is_there = interval in offered
    else:
        return
    if not is_there:
        reason = f"{facts.venue_id} has {kind} by {', '.join(offered)}"
        raise NotSupported(facts.venue_id, f"{kind} {interval}", reason)
