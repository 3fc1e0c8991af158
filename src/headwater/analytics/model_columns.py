"""What goes into the estimated map bar by bar, and what comes out of it.

Money is counted once. What is held is a stock: the map's last column says how much, and adding up
columns would count a position once for every bar it lives. What is created, consumed and closed
are flows: those are added up (`totals_of`).
"""

from collections.abc import Sequence

import msgspec

from headwater.analytics.price_map import PriceMap

__all__ = ["ModelBar", "ModelColumn", "ModelMinute", "ModelTotals", "SideFlows", "totals_of"]


class ModelMinute(msgspec.Struct, frozen=True, kw_only=True):
    """One minute inside a bar, or a shorter or longer step of its path.

    Attributes:
        mark_low: lowest mark price, quote currency; None when no mark price was heard.
        mark_high: highest mark price; None likewise.
        entries: traded (price, volume), volume in base units; one pair at the typical price of the
            minute, or as many as its trades tell.
    """

    mark_low: float | None
    mark_high: float | None
    entries: tuple[tuple[float, float], ...]


class ModelBar(msgspec.Struct, frozen=True, kw_only=True):
    """A closed bar.

    Attributes:
        opened_at_ms: start, ms since the epoch, UTC.
        ends_at_ms: end, exclusive.
        price: mark price at the end, quote currency.
        open_interest: one-sided, at the end, base units; None when it was not heard.
        minutes: in order of time.
    """

    opened_at_ms: int
    ends_at_ms: int
    price: float
    open_interest: float | None
    minutes: tuple[ModelMinute, ...]


class SideFlows(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a bar did to one side, USD; held = before − decayed − consumed − closed + created − cut.

    Attributes:
        before_usd: held when the bar opened.
        decayed_usd: gone by itself.
        consumed_usd: reached by the mark price, of old and of new positions.
        closed_usd: closed by their holders, as open interest fell.
        created_usd: opened, at prices within the grid.
        unplaced_usd: opened, but liquidated outside the grid or never; not held.
        cut_usd: taken off so that the side is no larger than open interest.
        held_usd: held when the bar closed.
    """

    before_usd: float
    decayed_usd: float
    consumed_usd: float
    closed_usd: float
    created_usd: float
    unplaced_usd: float
    cut_usd: float
    held_usd: float


class ModelColumn(msgspec.Struct, frozen=True, kw_only=True):
    """The map at the close of one bar. It never changes afterwards.

    Attributes:
        opened_at_ms: start of the bar, ms since the epoch, UTC.
        ends_at_ms: its end, exclusive.
        price: mark price at the end, quote currency.
        open_interest_usd: open interest at the end, USD; None when it was not heard.
        held: USD that would be liquidated in each price bucket.
        longs: what the bar did to the longs.
        shorts: what it did to the shorts.
        minutes_marked: steps of the bar's path with a mark price; the others consumed nothing.
        minutes_count: steps of its path.
    """

    opened_at_ms: int
    ends_at_ms: int
    price: float
    open_interest_usd: float | None
    held: PriceMap
    longs: SideFlows
    shorts: SideFlows
    minutes_marked: int
    minutes_count: int


class ModelTotals(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A stretch of columns in one line; all in USD.

    Attributes:
        long_usd: longs held at the end, each position once.
        short_usd: shorts held at the end.
        created_usd: opened over the stretch, both sides.
        consumed_usd: reached by the mark price, both sides.
        closed_usd: closed by their holders, both sides.
        unplaced_usd: opened, but not on the map, both sides.
        bars_without_open_interest: bars in which it was not heard.
    """

    long_usd: float
    short_usd: float
    created_usd: float
    consumed_usd: float
    closed_usd: float
    unplaced_usd: float
    bars_without_open_interest: int


def totals_of(columns: Sequence[ModelColumn]) -> ModelTotals:
    """Totals of columns in order of time; all zero for none.

    Args:
        columns: of one model, oldest first.
    """
    flows = [side for one in columns for side in (one.longs, one.shorts)]
    last = columns[-1] if columns else None
    return ModelTotals(
        long_usd=0.0 if last is None else last.longs.held_usd,
        short_usd=0.0 if last is None else last.shorts.held_usd,
        created_usd=sum(one.created_usd for one in flows),
        consumed_usd=sum(one.consumed_usd for one in flows),
        closed_usd=sum(one.closed_usd for one in flows),
        unplaced_usd=sum(one.unplaced_usd for one in flows),
        bars_without_open_interest=sum(one.open_interest_usd is None for one in columns),
    )
