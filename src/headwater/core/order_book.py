"""The order book itself: levels by price, sorted, with the arithmetic everyone asks of it.

Knows nothing of venues or sequence rules: `venues/<venue>/book.py` decides whether a delta may
be applied, `feeds/book_keeper.py` applies it. A dictionary holds the quantities and a sorted list
the prices of each side, so that an update costs a bisection and the best price nothing.
"""

from bisect import bisect_left, insort
from collections.abc import Iterable
from math import inf
from typing import NamedTuple

from headwater.core.enums import Side
from headwater.core.records import Level


class Fill(NamedTuple):
    """What a market order of a given size would meet now.

    Attributes:
        average_price: quote currency per base unit; 0.0 when nothing can be filled.
        filled: base units that the book can fill, at most the quantity asked for.
        worst_price: price of the last level touched; 0.0 when nothing can be filled.
    """

    average_price: float
    filled: float
    worst_price: float


class OrderBook:
    """One symbol's book, kept by absolute quantities.

    Attributes:
        sequence: the venue's number of the last change applied, None before the first.
        timestamp_ms: venue time of the last change applied, 0 before the first.
    """

    __slots__ = ("_ask_prices", "_asks", "_bid_prices", "_bids", "sequence", "timestamp_ms")

    def __init__(self) -> None:
        self._bids: dict[float, float] = {}
        self._asks: dict[float, float] = {}
        # Both ascending; the best bid is the last of its list, the best ask the first of its own.
        self._bid_prices: list[float] = []
        self._ask_prices: list[float] = []
        self.sequence: int | None = None
        self.timestamp_ms = 0

    def replace(
        self,
        bids: Iterable[Level],
        asks: Iterable[Level],
        sequence: int | None = None,
        timestamp_ms: int = 0,
    ) -> None:
        """Puts a snapshot in place of everything known; levels with quantity 0 are left out."""
        self._bids = {price: quantity for price, quantity in bids if quantity}
        self._asks = {price: quantity for price, quantity in asks if quantity}
        self._bid_prices = sorted(self._bids)
        self._ask_prices = sorted(self._asks)
        self.sequence = sequence
        self.timestamp_ms = timestamp_ms

    def apply(
        self,
        bids: Iterable[Level],
        asks: Iterable[Level],
        sequence: int | None = None,
        timestamp_ms: int = 0,
    ) -> None:
        """Applies a change: absolute quantities, 0 removes, removing what is absent is normal."""
        _merge(self._bids, self._bid_prices, bids)
        _merge(self._asks, self._ask_prices, asks)
        self.sequence = sequence
        self.timestamp_ms = timestamp_ms

    def clear(self) -> None:
        """Forgets every level: after a gap nothing of the old book may be shown."""
        self.replace((), ())

    @property
    def best_bid(self) -> Level | None:
        """Highest bid as (price, quantity), None when there is none."""
        if not self._bid_prices:
            return None
        price = self._bid_prices[-1]
        return price, self._bids[price]

    @property
    def best_ask(self) -> Level | None:
        """Lowest ask as (price, quantity), None when there is none."""
        if not self._ask_prices:
            return None
        price = self._ask_prices[0]
        return price, self._asks[price]

    @property
    def is_crossed(self) -> bool:
        """True when the best bid is at or above the best ask: a sign of a missed change."""
        return bool(
            self._bid_prices and self._ask_prices and self._bid_prices[-1] >= self._ask_prices[0]
        )

    @property
    def depth(self) -> tuple[int, int]:
        """Number of bid and ask levels known."""
        return len(self._bid_prices), len(self._ask_prices)

    def bids(self, limit: int | None = None) -> tuple[Level, ...]:
        """Bid levels, best first; at most `limit` of them (None: all)."""
        prices = self._bid_prices
        chosen = prices if limit is None else prices[-limit:] if limit > 0 else []
        quantities = self._bids
        return tuple([(price, quantities[price]) for price in reversed(chosen)])

    def asks(self, limit: int | None = None) -> tuple[Level, ...]:
        """Ask levels, best first; at most `limit` of them (None: all)."""
        chosen = self._ask_prices if limit is None else self._ask_prices[: max(limit, 0)]
        quantities = self._asks
        return tuple([(price, quantities[price]) for price in chosen])

    def cost_to_fill(self, side: Side, quantity: float) -> Fill:
        """What a market order would pay, walking the levels from the best.

        Args:
            side: the taker's side; a buyer meets asks.
            quantity: base units, > 0.

        Returns:
            Average and worst price and how much the known levels can fill.
        """
        left = quantity
        paid = 0.0
        worst = 0.0
        for price, available in self.asks() if side is Side.BUY else self.bids():
            if left <= 0:
                break
            taken = min(left, available)
            paid += taken * price
            left -= taken
            worst = price
        filled = quantity - max(left, 0.0)
        return Fill(paid / filled if filled > 0 else 0.0, filled, worst)

    def quantity_within(self, side: Side, limit_price: float) -> float:
        """Base units resting on the side a taker of `side` meets, up to and with `limit_price`."""
        if side is Side.BUY:
            end = bisect_left(self._ask_prices, limit_price)
            if end < len(self._ask_prices) and self._ask_prices[end] == limit_price:
                end += 1
            return sum(self._asks[price] for price in self._ask_prices[:end])
        start = bisect_left(self._bid_prices, limit_price)
        return sum(self._bids[price] for price in self._bid_prices[start:])

    @property
    def spread(self) -> float:
        """Best ask less best bid, quote currency; infinite while a side is empty."""
        if not self._bid_prices or not self._ask_prices:
            return inf
        return self._ask_prices[0] - self._bid_prices[-1]


def _merge(quantities: dict[float, float], prices: list[float], levels: Iterable[Level]) -> None:
    """Applies absolute levels to one side."""
    for price, quantity in levels:
        if quantity:
            if price not in quantities:
                insort(prices, price)
            quantities[price] = quantity
        elif price in quantities:
            del quantities[price]
            del prices[bisect_left(prices, price)]
