"""What really happened in the simulation, for tests that compare a platform with it id by id.

Live figures are counted since the start; lists are rings with named bounds, so a test asks in time.
"""

from collections import deque
from collections.abc import Callable
from operator import attrgetter
from typing import Protocol

import msgspec

from headwater.core.enums import PositionSide
from headwater.core.records import BookSnapshot, Liquidation
from headwater.venues.side import FillPrint

MAX_FORCED_CLOSES = 10_000
"""Newest forced closes kept for all symbols together."""


class ForcedClose(msgspec.Struct, frozen=True, kw_only=True):
    """A liquidation and what no public stream tells about it.

    Attributes:
        liquidation: the public record, untouched by any throttling.
        position_id: number of the position within its symbol.
        leverage: its leverage.
        entry: its entry price, USDT.
        mark: mark price that triggered it, USDT.
        unfilled: base units that the insurance fund took over.
    """

    liquidation: Liquidation
    position_id: int
    leverage: int
    entry: float
    mark: float
    unfilled: float


class OpenPosition(msgspec.Struct, frozen=True, kw_only=True):
    """A leveraged position that is open now, which no venue shows.

    Attributes:
        position_id: number within its symbol.
        position_side: direction.
        quantity: base units, > 0.
        entry: average entry price, USDT.
        leverage: entry notional / margin.
        liquidation_price: mark price at which it is closed by force, USDT.
        liquidation_value: quantity × that price, USDT.
    """

    position_id: int
    position_side: PositionSide
    quantity: float
    entry: float
    leverage: int
    liquidation_price: float
    liquidation_value: float


class Totals(msgspec.Struct, kw_only=True):
    """Counts of one symbol since the start of the simulation.

    Attributes:
        prints: public prints.
        fills: single fills.
        quantity: base units traded.
        value: USDT traded.
        deltas: book deltas told.
        liquidations: forced closes of which at least a part filled.
        liquidated_value: USDT of what filled in them.
        taken_over: forced closes of which nothing filled, for which there is no record.
    """

    prints: int = 0
    fills: int = 0
    quantity: float = 0.0
    value: float = 0.0
    deltas: int = 0
    liquidations: int = 0
    liquidated_value: float = 0.0
    taken_over: int = 0


class TruthSource(Protocol):
    """What the truth is read from: one symbol's market."""

    @property
    def totals(self) -> Totals:
        """Counts since the start."""
        ...

    def fill_prints(self, first_sequence: int, limit: int) -> list[FillPrint]:
        """Kept prints from a sequence number on."""
        ...

    def print_of_fill(self, fill_id: int) -> FillPrint | None:
        """The kept print that contains a fill."""
        ...

    def snapshot(self, depth: int) -> BookSnapshot:
        """The book now."""
        ...

    def open_positions(self) -> list[OpenPosition]:
        """The leveraged positions open now."""
        ...


class Truth:
    """Answers questions about everything that happened.

    Args:
        source: gives a symbol's market, or raises `UnknownSymbol`.
        closes: the ring that the exchange appends forced closes to.
    """

    def __init__(self, source: Callable[[str], TruthSource], closes: deque[ForcedClose]) -> None:
        self._source = source
        self._closes = closes

    def prints(self, symbol: str, first_sequence: int, last_sequence: int) -> list[FillPrint]:
        """Every kept print of a range of sequence numbers, both ends included, ascending."""
        count = max(0, last_sequence - first_sequence + 1)
        found = self._source(symbol).fill_prints(first_sequence, count)
        return [made for made in found if (made.trade.sequence or 0) <= last_sequence]

    def print_of_fill(self, symbol: str, fill_id: int) -> FillPrint | None:
        """The print that contains a fill, None when it is unknown or forgotten."""
        return self._source(symbol).print_of_fill(fill_id)

    def forced_closes(self, symbol: str | None = None) -> list[ForcedClose]:
        """Kept forced closes in order, of one symbol or of all."""
        return [
            close for close in self._closes if symbol is None or close.liquidation.symbol == symbol
        ]

    def liquidation_ids(self, symbol: str | None = None) -> list[str]:
        """Order ids of the kept forced closes in order (ids count per symbol)."""
        return [close.liquidation.order_id or "" for close in self.forced_closes(symbol)]

    def positions(self, symbol: str) -> list[OpenPosition]:
        """Leveraged positions open now, by number: the liquidation map as it really is."""
        return sorted(self._source(symbol).open_positions(), key=attrgetter("position_id"))

    def book(self, symbol: str, depth: int = 1_000_000) -> BookSnapshot:
        """The whole book now, best first."""
        return self._source(symbol).snapshot(depth)

    def totals(self, symbol: str) -> Totals:
        """A copy of the counts of a symbol since the start."""
        return msgspec.structs.replace(self._source(symbol).totals)
