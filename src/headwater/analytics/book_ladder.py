"""An order book aggregated to any rounding of its prices, kept up to date change by change.

Prices and quantities are whole units (10^-places), so sums are exact: bids are rounded down, asks
up, and what is in a bucket is the sum of its levels to the last digit. The unit of a rounding is
as fine as tick and rounding together need, so a rounding of 0.25 on a tick of 0.1, or one finer
than the tick, is as good as any other.

A side is kept by *rank*: the price in units for asks, its negative for bids. So the best level of
either side has the lowest rank, and rounding away from the other side is rounding up.

Floats are read once per change, whatever the number of roundings. Requirement O-S5.
"""

from bisect import bisect_left, insort
from collections.abc import Iterable, Sequence
from decimal import Decimal
from itertools import islice
from typing import Final

from headwater.core.formatting import PLACES_MAX, SymbolFormat
from headwater.core.numbers import places_of
from headwater.core.records import Level

ROUNDING_MAX: Final = Decimal(10) ** 12
"""Greatest rounding, quote currency: no market has prices beyond it."""

_ROUNDING_MIN: Final = Decimal(1).scaleb(-PLACES_MAX)

Change = tuple[int, int]
"""A level's rank and how much its quantity grew or shrank, in units."""


class BookSide:
    """The levels of one side as the venue has them, in whole units.

    Args:
        price_scale: units of price per quote currency; negative for bids, which makes ranks of
            their prices.
        amount_scale: units of quantity per base unit.
    """

    __slots__ = ("_amount_scale", "_price_scale", "amounts")

    def __init__(self, price_scale: int, amount_scale: int) -> None:
        self._price_scale = price_scale
        self._amount_scale = amount_scale
        self.amounts: dict[int, int] = {}

    def apply(self, levels: Iterable[Level]) -> list[Change]:
        """Takes absolute quantities; less than half a unit removes a level, as 0 does.

        Returns:
            What changed, in the order of `levels`.
        """
        amounts = self.amounts
        price_scale, amount_scale = self._price_scale, self._amount_scale
        changes: list[Change] = []
        for price, quantity in levels:
            rank = round(price * price_scale)
            amount = round(quantity * amount_scale)
            growth = amount - amounts.get(rank, 0)
            if growth:
                if amount:
                    amounts[rank] = amount
                else:
                    del amounts[rank]
                changes.append((rank, growth))
        return changes

    def clear(self) -> None:
        """Forgets every level."""
        self.amounts.clear()


class LadderSide:
    """One side aggregated to a rounding.

    Attributes:
        ranks: of the buckets in units of the step, ascending: best first.
        amounts: units of quantity by rank; never 0.
        memo: what a reader made of a bucket; forgotten when the bucket changes.
        version: rises with every change.

    Args:
        finer: units of the ladder per unit of the side.
        step: the rounding in units of the ladder.
    """

    __slots__ = ("_finer", "_step", "amounts", "memo", "ranks", "version")

    def __init__(self, finer: int, step: int) -> None:
        self._finer = finer
        self._step = step
        self.ranks: list[int] = []
        self.amounts: dict[int, int] = {}
        self.memo: dict[int, str] = {}
        self.version = 0

    def apply(self, changes: Sequence[Change]) -> None:
        """Takes what a `BookSide` says has changed."""
        if not changes:
            return
        self.version += 1
        amounts, ranks, memo = self.amounts, self.ranks, self.memo
        finer, step = self._finer, self._step
        for rank, growth in changes:
            bucket = -(-rank * finer // step)  # rounded up
            before = amounts.get(bucket)
            if before is None:
                insort(ranks, bucket)
                amounts[bucket] = growth
                continue
            memo.pop(bucket, None)
            if before + growth:
                amounts[bucket] = before + growth
            else:
                del amounts[bucket]
                del ranks[bisect_left(ranks, bucket)]

    def fill(self, levels: Iterable[Change]) -> None:
        """Begins anew with these levels."""
        self.version += 1
        self.memo.clear()
        amounts = self.amounts = {}
        finer, step = self._finer, self._step
        for rank, amount in levels:
            bucket = -(-rank * finer // step)
            amounts[bucket] = amounts.get(bucket, 0) + amount
        self.ranks = sorted(amounts)

    def levels(self, limit: int) -> list[tuple[int, int]]:
        """Price and quantity, both in units, of the best `limit` buckets, best first."""
        amounts, step = self.amounts, self._step
        return [(abs(one) * step, amounts[one]) for one in islice(self.ranks, limit)]

    def price(self, rank: int) -> int:
        """The price of a bucket in units of the ladder."""
        return abs(rank) * self._step


class BookLadder:
    """Both sides of a book aggregated to one rounding. Made by `LadderBook.ladder`.

    Attributes:
        rounding: quote currency; None for the levels as they are.
        price_places: decimal places of its unit of price.
        amount_places: decimal places of its unit of quantity.
        is_aggregated: whether several prices of the venue may share a bucket.
        bids: best (highest) first.
        asks: best (lowest) first.

    Args:
        symbol_format: places of the contract.
        tick: smallest step of its prices, quote currency.
        rounding: > 0, at most `ROUNDING_MAX`, with at most 12 decimal places; None for none.
    """

    __slots__ = ("amount_places", "asks", "bids", "is_aggregated", "price_places", "rounding")

    def __init__(
        self, symbol_format: SymbolFormat, tick: Decimal, rounding: Decimal | None
    ) -> None:
        side_places = symbol_format.price_places
        own_places = 0 if rounding is None else places_of(rounding)
        self.rounding = rounding
        self.price_places = max(side_places, own_places)
        self.amount_places = symbol_format.amount_places
        self.is_aggregated = rounding is not None and tick % rounding != 0
        step = 1 if rounding is None else int(rounding.scaleb(self.price_places))
        finer = 10 ** (self.price_places - side_places)
        self.bids = LadderSide(finer, step)
        self.asks = LadderSide(finer, step)


class LadderBook:
    """A book in whole units, with a ladder for each rounding that somebody looks at.

    Args:
        symbol_format: places of the contract; levels are read as whole units of these.
        tick: smallest step of its prices, quote currency.
    """

    def __init__(self, symbol_format: SymbolFormat, tick: Decimal) -> None:
        self._format = symbol_format
        self._tick = tick
        price_scale = 10**symbol_format.price_places
        amount_scale = 10**symbol_format.amount_places
        self._bids = BookSide(-price_scale, amount_scale)
        self._asks = BookSide(price_scale, amount_scale)
        self._ladders: dict[Decimal | None, BookLadder] = {}

    @property
    def depth(self) -> tuple[int, int]:
        """Levels of the venue, bids and asks."""
        return len(self._bids.amounts), len(self._asks.amounts)

    @property
    def roundings(self) -> int:
        """Ladders there are."""
        return len(self._ladders)

    def ladder(self, rounding: Decimal | None) -> BookLadder:
        """The ladder of a rounding, made when there is none; see `BookLadder`."""
        key = None if rounding is None else rounding.normalize()
        found = self._ladders.get(key)
        if found is None:
            found = self._ladders[key] = BookLadder(self._format, self._tick, key)
            self._fill(found)
        return found

    def drop(self, rounding: Decimal | None) -> None:
        """Keeps the ladder of a rounding no longer; harmless when there is none."""
        self._ladders.pop(None if rounding is None else rounding.normalize(), None)

    def apply(self, bids: Iterable[Level], asks: Iterable[Level]) -> bool:
        """Takes a change: absolute quantities, 0 removes.

        Returns:
            Whether anything is different now.
        """
        bid_changes = self._bids.apply(bids)
        ask_changes = self._asks.apply(asks)
        for ladder in self._ladders.values():
            ladder.bids.apply(bid_changes)
            ladder.asks.apply(ask_changes)
        return bool(bid_changes or ask_changes)

    def replace(self, bids: Iterable[Level], asks: Iterable[Level]) -> None:
        """Puts a whole book in place of everything known."""
        self._bids.clear()
        self._asks.clear()
        self._bids.apply(bids)
        self._asks.apply(asks)
        for ladder in self._ladders.values():
            self._fill(ladder)

    def _fill(self, ladder: BookLadder) -> None:
        ladder.bids.fill(self._bids.amounts.items())
        ladder.asks.fill(self._asks.amounts.items())


def is_rounding(value: Decimal) -> bool:
    """Whether a book can be aggregated to it: above 0, at most `ROUNDING_MAX`, 12 places.

    Args:
        value: any finite number.
    """
    return _ROUNDING_MIN <= value <= ROUNDING_MAX and places_of(value) <= PLACES_MAX
