"""What ties the prices of one symbol on several simulated exchanges together.

Two forces, as between real venues: makers watch the other venues, so each fair price and premium
leans towards the mean of all; and an arbitrageur buys on one venue and sells on another as soon as
the best bid there exceeds the best ask here by more than both fees. Its orders are ordinary
orders: they print, move books and pay the spread. The joint run is deterministic: all exchanges
move step by step together, whichever of them is asked first.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Final, Protocol

from headwater.simulator.fair_price import STEP_MS, STEPS_PER_SECOND
from headwater.simulator.market import Market

FEES: Final = 0.0008
"""Both taker fees together, a fraction of the price (invented: 4 basis points each)."""

_LEAN_HALF_LIFE_S: Final = 3.0
_LEAN_PER_STEP: Final = 1.0 - 0.5 ** (1.0 / (_LEAN_HALF_LIFE_S * STEPS_PER_SECOND))
_NOTIONAL_MAX: Final = 60_000.0  # of one arbitrage order, quote currency
_LEVELS: Final = 5


class TiedExchange(Protocol):
    """What the arbitrage needs of an exchange."""

    @property
    def markets(self) -> Mapping[str, Market]:
        """Its markets by canonical symbol."""
        ...

    def step(self) -> None:
        """Moves all its markets by one step."""
        ...


class Arbitrage:
    """Several exchanges whose prices are one market's.

    Args:
        exchanges: at least one; all at the same time.
        start_ms: that time, a whole number of steps.

    Attributes:
        trades: arbitrage trades done so far, one per pair of orders.
    """

    def __init__(self, exchanges: Sequence[TiedExchange], start_ms: int) -> None:
        self._exchanges = exchanges
        self._step_ms = start_ms
        self.trades = 0
        symbols = dict.fromkeys(symbol for one in exchanges for symbol in one.markets)
        groups = (
            [one.markets[symbol] for one in exchanges if symbol in one.markets]
            for symbol in symbols
        )
        self._groups = [group for group in groups if len(group) > 1]

    def advance_to(self, now_ms: int) -> None:
        """Moves all exchanges in whole steps up to a time; what is left waits."""
        while self._step_ms + STEP_MS <= now_ms:
            self._step_ms += STEP_MS
            for exchange in self._exchanges:
                exchange.step()
            for group in self._groups:
                _lean(group)
                self._trade(group)

    def _trade(self, group: Sequence[Market]) -> None:
        """Does at most one trade of one symbol."""
        quoted = [(market, *market.touch) for market in group]
        bids = [(bid, market) for market, bid, _ in quoted if bid is not None]
        asks = [(ask, market) for market, _, ask in quoted if ask is not None]
        if not bids or not asks:
            return
        bid, dear = max(bids, key=_price)
        ask, cheap = min(asks, key=_price)
        if dear is cheap or bid <= ask * (1.0 + FEES):
            return
        limit = (bid + ask) // 2
        lots = min(
            dear.lots_at(bids=True, limit=limit, levels=_LEVELS),
            cheap.lots_at(bids=False, limit=limit, levels=_LEVELS),
            cheap.grid.lots_of(_NOTIONAL_MAX, ask),
        )
        if lots > 0:
            cheap.take(is_buy=True, lots=lots, limit=limit)
            dear.take(is_buy=False, lots=lots, limit=limit)
            self.trades += 1


def _lean(group: Sequence[Market]) -> None:
    """Moves each fair price and each premium a little towards the mean of all."""
    logs = [math.log(market.fair_ticks) for market in group]
    premiums = [market.premium for market in group]
    mean = sum(logs) / len(logs)
    middle = sum(premiums) / len(premiums)
    for market, own, premium in zip(group, logs, premiums, strict=True):
        market.lean((mean - own) * _LEAN_PER_STEP, (middle - premium) * _LEAN_PER_STEP)


def _price(quote: tuple[int, Market]) -> int:
    return quote[0]
