"""Equity and positions at the ends of bars, taken down as columns.

At most bars nothing has happened to the account: only the price has moved. So a drive that plays
many bars in one go hands over where the account stood (`Standing`) and the prices, and the column
is computed behind it, to the same digit as one bar after the other.
"""

from array import array
from collections.abc import Sequence
from typing import Final, TypeAlias

import numpy as np

from headwater.analytics.arrays import FloatArray, IndexArray
from headwater.trading.paper import PaperVenue
from headwater.trading.paper_contract import ATTO, Scale
from headwater.trading.paper_market import PaperMarket

__all__ = ["Samples", "Standing"]

Standing: TypeAlias = tuple[int, int, int, int]
"""Number of the first bar at whose end it held; cash, atto; position, steps; its cost, atto."""

_EXACT_MAX: Final = 2**53


class Samples:
    """What an account was worth at the ends of bars, and what it held.

    Args:
        venue: of the account.
        markets: its contracts.

    Attributes:
        at_ms: times of the samples.
        equity: at each of them.
        held: for each contract, base units held at each of them.
    """

    def __init__(self, venue: PaperVenue, markets: Sequence[PaperMarket]) -> None:
        self._venue = venue
        self._account = venue.account
        self._markets = tuple(markets)
        self.at_ms = array("q")
        self.equity = array("d")
        self.held = tuple(array("d") for _ in markets)
        self._columns = tuple(zip(self._markets, self.held, strict=True))

    def take(self, at_ms: int) -> None:
        """Takes down the account as it is now."""
        account = self._account
        self.at_ms.append(at_ms)
        # Without positions nothing has to be valued.
        self.equity.append(self._venue.equity_value if account.open else account.cash / ATTO)
        for market, column in self._columns:
            column.append(market.quantity if market.pos else 0.0)

    def extend(
        self, at_ms: list[int], prices: Sequence[float], standings: Sequence[Standing]
    ) -> None:
        """Takes down the ends of bars of an account of one contract.

        Args:
            at_ms: their times, between which no mark price came.
            prices: last prices at each of them.
            standings: rising, the first one of bar 0.
        """
        (market,), (held,) = self._markets, self.held
        scale = market.scale
        self.at_ms.fromlist(at_ms)
        values = _Values(scale, [market.mark] * len(prices) if market.has_marks else prices)
        behinds = [*(one[0] for one in standings[1:]), len(at_ms)]
        for (first, cash, pos, cost), behind in zip(standings, behinds, strict=True):
            count = behind - first
            if pos:
                self.equity.fromlist(values.equity(first, behind, cash, pos, cost))
                held.extend(array("d", (scale.float_quantity(pos),)) * count)
            else:
                self.equity.extend(array("d", (cash / ATTO,)) * count)
                held.extend(array("d", (0.0,)) * count)

    def columns(self) -> tuple[IndexArray, FloatArray, tuple[FloatArray, ...]]:
        """Times, equity and the positions of each contract."""
        return (
            np.array(self.at_ms, dtype=np.int64),
            np.array(self.equity, dtype=np.float64),
            tuple(np.array(column, dtype=np.float64) for column in self.held),
        )


class _Values:
    """Prices that positions are valued at, as whole ticks where they all are such."""

    def __init__(self, scale: Scale, prices: Sequence[float]) -> None:
        self._scale = scale
        self._prices = prices
        self._ticks: list[int] | None = None
        self._is_counted = False

    def equity(self, first: int, behind: int, cash: int, pos: int, cost: int) -> list[float]:
        """Cash and unrealised profit of a position at the prices from a bar up to another."""
        if not self._is_counted:
            self._ticks, self._is_counted = _whole_ticks(self._scale, self._prices), True
        scale, size = self._scale, abs(pos)
        if self._ticks is None:
            values = [scale.value(size, price) for price in self._prices[first:behind]]
        elif scale.unit_d == 1:
            unit = pos * scale.unit_n
            base = cash - cost if pos > 0 else cash + cost
            return [(base + unit * ticks) / ATTO for ticks in self._ticks[first:behind]]
        else:
            values = [scale.notional(size * ticks) for ticks in self._ticks[first:behind]]
        if pos > 0:
            return [(cash + (value - cost)) / ATTO for value in values]
        return [(cash + (cost - value)) / ATTO for value in values]


def _whole_ticks(scale: Scale, shown: Sequence[float]) -> list[int] | None:
    """The prices as `Scale.whole_ticks` has them; None unless it has all of them."""
    prices = np.array(shown, dtype=np.float64)
    tick_n, tick_d = float(scale.tick_n), float(scale.tick_d)
    ticks = np.rint(prices * tick_d / tick_n)
    largest = float(ticks.max(initial=0.0))
    if scale.tick_d >= _EXACT_MAX or not largest * tick_n < _EXACT_MAX:
        return None
    if not largest < scale.ticks_max or (ticks * tick_n / tick_d != prices).any():
        return None
    found: list[int] = ticks.astype(np.int64).tolist()
    return found
