"""One contract during an event run: its handle at the paper venue and what is known of it by now.

A lane is filled forward by the drive; what it answers is never later than the last event it took.
"""

from bisect import bisect_left
from collections.abc import Callable
from typing import Any, Protocol

from headwater.core.enums import PositionSide, PriceKind, Side
from headwater.core.records import FundingRate, Liquidation, MarkPrice, OpenInterest, Trade
from headwater.strategies.bars import Bars
from headwater.strategies.context import LiquidationSums
from headwater.strategies.growing_bars import GrowingBars
from headwater.trading.paper_market import PaperMarket

__all__ = ["Lane", "ShownBars"]

_NS_PER_MS = 1_000_000


class ShownBars(Protocol):
    """Makes the view of a contract's bars that a strategy is shown."""

    def __call__(self, bars: Bars) -> GrowingBars:
        """The view, with no bar closed yet."""
        ...


class Lane:
    """What is known of one contract.

    Attributes:
        index: number of the contract in the run.
        exchange: venue id.
        symbol: canonical symbol.
        market: its handle at the paper venue.
        bars: closed bars.
        open_interest: the newest, base units.
        funding_rate: the newest settled, fraction per interval.
        heatmaps: frozen maps by time.
        is_bar_open: whether a bar that matches orders has opened and not ended.
        does_bar_fill: what `on_bar_open` said of it.
        bar_open: its first price.
        due: funding of the open bar that is paid at its end: (rate, mark price or None).
    """

    __slots__ = (
        "_long_usd", "_short_usd", "_times", "bar_open", "bars", "does_bar_fill", "due",
        "exchange", "funding_rate", "heatmaps", "index", "is_bar_open", "market", "open_interest",
        "symbol",
    )  # fmt: skip

    def __init__(
        self,
        index: int,
        market: PaperMarket,
        bars: GrowingBars,
        heatmaps: tuple[tuple[int, Any], ...] = (),
    ) -> None:
        self.index = index
        self.exchange = market.exchange
        self.symbol = market.symbol
        self.market = market
        self.bars = bars
        self.heatmaps = heatmaps
        self.open_interest: float | None = None
        self.funding_rate: float | None = None
        self.is_bar_open = False
        self.does_bar_fill = True
        self.bar_open = 0.0
        self.due: list[tuple[float, float | None]] = []
        self._times: list[int] = []
        self._long_usd: list[float] = [0.0]
        self._short_usd: list[float] = [0.0]

    def note_liquidation(self, at_ms: int, value: float, *, is_long: bool) -> None:
        """Takes down a forced close of that value, USD."""
        self._times.append(at_ms)
        self._long_usd.append(self._long_usd[-1] + (value if is_long else 0.0))
        self._short_usd.append(self._short_usd[-1] + (0.0 if is_long else value))

    def liquidations(self, since_ms: int) -> LiquidationSums:
        """Sums of the forced closes at `since_ms` and later."""
        first = bisect_left(self._times, since_ms)
        return LiquidationSums(
            long_usd=self._long_usd[-1] - self._long_usd[first],
            short_usd=self._short_usd[-1] - self._short_usd[first],
            count=len(self._times) - first,
        )

    def heatmap(self, now_ms: int) -> Any:
        """The newest frozen map at or before now."""
        after = bisect_left(self.heatmaps, now_ms + 1, key=lambda one: one[0])
        return self.heatmaps[after - 1][1] if after else None

    # Records of what was heard, made only when a strategy looks

    def _head(self, at_ms: int) -> tuple[str, str, str, int, int]:
        return (self.exchange, self.symbol, self.symbol, at_ms, at_ms * _NS_PER_MS)

    def trade(self, at_ms: int, price: float, quantity: float, is_buy: bool | None) -> Trade:
        """The record of a trade; without a known taker it is told as a buy."""
        side = Side.SELL if is_buy is False else Side.BUY
        return Trade(*self._head(at_ms), side, price, quantity, price * quantity, at_ms)

    def funding(self, at_ms: int, rate: float, interval_h: float | None) -> FundingRate:
        """The record of a settlement."""
        return FundingRate(
            *self._head(at_ms), rate=rate, interval_h=interval_h, funding_time_ms=at_ms
        )

    def liquidation(
        self, at_ms: int, price: float, quantity: float, *, is_long: bool
    ) -> Liquidation:
        """The record of a forced close."""
        return Liquidation(
            *self._head(at_ms),
            side=Side.SELL if is_long else Side.BUY,
            position_side=PositionSide.LONG if is_long else PositionSide.SHORT,
            price=price,
            quantity=quantity,
            value=price * quantity,
            price_kind=PriceKind.ORDER,
            order_id=None,
            is_floor=True,
        )

    def mark(self, at_ms: int, price: float) -> MarkPrice:
        """The record of a mark price."""
        return MarkPrice(
            *self._head(at_ms), mark=price, index=None, funding_rate=None, next_funding_ms=None
        )

    def interest(self, at_ms: int, quantity: float) -> OpenInterest:
        """The record of an open interest."""
        return OpenInterest(*self._head(at_ms), open_interest=quantity, value=None)


RecordMaker = Callable[[], Any]
"""Makes the record of the event, once, when a strategy looks at it."""
