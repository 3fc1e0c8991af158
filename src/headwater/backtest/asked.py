"""A strategy of signals or callbacks as one of events: asked at every close, acting by orders.

So that whatever form a strategy has, it can run where only events are heard: on a portfolio, on
paper, live. Entries are market orders for a share of the equity with stop and take-profit behind
them, exits are reduce-only market orders.
"""

from decimal import Decimal
from typing import Any

import numpy as np

from headwater.core.enums import Side
from headwater.core.errors import RequestError
from headwater.strategies.base import BaseStrategy
from headwater.strategies.context import StrategyContext
from headwater.strategies.openings import Opening, PositionView, opening_of

__all__ = ["AskedStrategy"]


class AskedStrategy(BaseStrategy):
    """Asks another strategy at the close of every bar and places the orders that it wishes.

    The contracts of a run share the asked strategy: one that keeps columns of its data from
    `prepare` must be given one contract only.

    Args:
        asked: of the form signals or callbacks.
        contracts: how many contracts share the account: a size of 1 is this part of the equity.

    Raises:
        RequestError: it is of the event form already, or there is no contract.
    """

    name = "asked"
    description = "Asks a strategy of another form at every close."

    def __init__(self, asked: BaseStrategy, *, contracts: int = 1) -> None:
        super().__init__()
        if asked.form() == "events":
            raise RequestError("strategy", asked.name, "one of signals or callbacks")
        if contracts < 1:
            raise RequestError("contracts", contracts, "at least 1")
        self.asked = asked
        self.share = Decimal(1) / contracts
        self._fallback = asked.checked_bracket()
        self._entry_bar: dict[tuple[str, str], int] = {}

    @property
    def lookback(self) -> int:
        """That of the asked strategy."""
        return self.asked.lookback

    def on_start(self, context: StrategyContext) -> None:
        """Lets the asked strategy prepare its columns."""
        self.asked.prepare(context.bars)

    def on_bar(self, context: StrategyContext) -> None:
        """Asks, and places what the answer wants."""
        asked, data, held = self.asked, context.bars, context.position()
        key = (context.exchange, context.symbol)
        if not held:
            self._entry_bar.pop(key, None)
            acts, wish = self._answer(asked.should_open_position(data), data)
            if acts:
                self._open(context, opening_of(wish, f"{asked.name}, bar {len(data) - 1}"))
            return
        record = context.position_record()
        position = PositionView(
            is_long=held > 0,
            quantity=float(abs(held)),
            entry_price=float(record.entry_price or 0),
            entry_bar=self._entry_bar.setdefault(key, len(data) - 1),
        )
        acts, _ = self._answer(asked.should_close_position(position, data), data)
        if not acts:
            return
        side = Side.SELL if held > 0 else Side.BUY
        context.place(side, abs(held), reduce_only=True)
        if asked.reverses:
            acts, wish = self._answer(asked.should_open_position(data), data)
            if acts:
                opening = opening_of(wish, f"{asked.name}, bar {len(data) - 1}")
                if opening.is_long != position.is_long:
                    self._open(context, opening)

    def _open(self, context: StrategyContext, opening: Opening) -> None:
        """Places an entry with the exits that the opening, or else the strategy, says."""
        stop, target = opening.stop_loss, opening.take_profit
        if stop is None and target is None:
            stop, target = self._fallback.stop_loss, self._fallback.take_profit
        order = context.buy if opening.is_long else context.sell
        order(
            equity_fraction=self.share * _exact(opening.size),
            stop_loss=None if stop is None else _exact(stop),
            take_profit=None if target is None else _exact(target),
        )

    def _answer(self, answer: Any, data: Any) -> tuple[bool, Any]:
        """An answer as yes or no and what goes with it.

        Raises:
            RequestError: it is neither; names strategy, bar and value.
        """
        try:
            acts, wish = answer
        except (TypeError, ValueError):
            acts, wish = answer, None
        if not isinstance(acts, bool | np.bool_):
            raise RequestError(
                f"{self.asked.name}, bar {len(data) - 1}",
                answer,
                "a pair of True or False and what goes with it",
            )
        return bool(acts), wish


def _exact(value: float) -> Decimal:
    return Decimal(repr(float(value)))
