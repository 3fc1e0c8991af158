"""Funding carry across venues: long where funding is low, short where it is high, same quantity.

The two legs cancel what the price does; what is left is the difference of the funding payments,
less the fees of four fills. Funding of a contract is a fraction of the position's value, paid by
longs when it is positive; venues settle every 1, 4 or 8 hours, so rates are compared per 8 hours.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, ClassVar, Final

from headwater.core.enums import Side
from headwater.core.errors import RequestError
from headwater.strategies.base import BaseStrategy
from headwater.strategies.context import StrategyContext
from headwater.strategies.parameters import Number, Parameter

__all__ = ["FundingCarry"]

_HOURS: Final = 8.0
_HOUR_MS: Final = 3_600_000
_SYMBOLS_MAX: Final = 1_000


class FundingCarry(BaseStrategy):
    """Opens a pair when two venues' rates differ by `entry_spread`, closes it at `exit_spread`.

    Decides whenever funding is told of a symbol, unless orders of it are under way. The account
    says what is held: after a restart or a refused order a leg that stands alone is closed at the
    next funding, never left. Rates of more than a thousand symbols are not kept; of the others the
    newest of each venue.
    """

    name = "funding_carry"
    description = "Long the perpetual where funding is low, short where it is high."
    declared: ClassVar[tuple[Parameter, ...]] = (
        Number(
            "entry_spread",
            0.0004,
            "Difference of two venues' funding rates per 8 hours that opens a pair, a fraction.",
            least=0.00001,
            most=0.1,
        ),
        Number(
            "exit_spread",
            0.0001,
            "Difference per 8 hours below which the pair is closed, a fraction.",
            least=-0.1,
            most=0.1,
        ),
        Number(
            "leg_size",
            0.45,
            "Value of each leg as a fraction of the equity at the opening.",
            least=0.01,
            most=10.0,
        ),
        Number("max_age_h", 24.0, "Hours after which a rate says nothing.", least=1.0, most=720.0),
    )

    def __init__(self, params: Mapping[str, Any] | None = None, **more: Any) -> None:
        super().__init__(params, **more)
        self._rates: dict[str, dict[str, tuple[float, int]]] = {}

    @property
    def contracts_least(self) -> int:
        """The same symbol on two venues."""
        return 2

    def check(self) -> None:
        """Refuses to close a pair at a difference at which it would be opened.

        Raises:
            RequestError: names `exit_spread`.
        """
        if self.params["exit_spread"] >= self.params["entry_spread"]:
            raise RequestError(
                "exit_spread",
                self.params["exit_spread"],
                f"less than entry_spread={self.params['entry_spread']:g}",
            )

    def on_funding(self, context: StrategyContext) -> None:
        """Takes the rate down and acts on what the venues' rates have become."""
        symbol, told = context.symbol, context.event
        if symbol not in self._rates and len(self._rates) >= _SYMBOLS_MAX:
            return
        rates = self._rates.setdefault(symbol, {})
        rates[context.exchange] = (told.rate * _HOURS / (told.interval_h or _HOURS), context.now_ms)
        # Venues settle at the same moment: what the first one brought about is still on its way.
        if any(one.request.symbol == symbol for one in context.orders()):
            return
        oldest_ms = context.now_ms - self.params["max_age_h"] * _HOUR_MS
        fresh = {venue: rate for venue, (rate, at_ms) in rates.items() if at_ms >= oldest_ms}
        held = {venue: context.position(symbol, venue) for venue in rates}
        held = {venue: quantity for venue, quantity in held.items() if quantity}
        if held:
            if not self._still_worth(held, fresh):
                self._close(context, symbol, held)
        elif len(fresh) > 1:
            self._open(context, symbol, fresh)

    def _still_worth(self, held: Mapping[str, Decimal], fresh: Mapping[str, float]) -> bool:
        """Whether the pair is whole, its rates are known and still far enough apart."""
        long = [venue for venue, quantity in held.items() if quantity > 0]
        short = [venue for venue, quantity in held.items() if quantity < 0]
        if len(long) != 1 or len(short) != 1 or not {*long, *short} <= fresh.keys():
            return False
        return bool(fresh[short[0]] - fresh[long[0]] >= self.params["exit_spread"])

    def _open(self, context: StrategyContext, symbol: str, fresh: Mapping[str, float]) -> None:
        """Opens both legs when the lowest and the highest rate are far enough apart."""
        low = min(fresh, key=lambda venue: (fresh[venue], venue))
        high = max(fresh, key=lambda venue: (fresh[venue], venue))
        if fresh[high] - fresh[low] < self.params["entry_spread"] or not len(context.bars):
            return
        value = context.equity * Decimal(str(self.params["leg_size"]))
        quantity = value / Decimal(str(context.bars.close[-1]))
        if quantity > 0:
            context.place(Side.BUY, quantity, symbol=symbol, exchange=low)
            context.place(Side.SELL, quantity, symbol=symbol, exchange=high)

    def _close(self, context: StrategyContext, symbol: str, held: Mapping[str, Decimal]) -> None:
        """Closes every leg."""
        for venue, quantity in held.items():
            side = Side.SELL if quantity > 0 else Side.BUY
            context.place(side, abs(quantity), symbol=symbol, exchange=venue, reduce_only=True)
