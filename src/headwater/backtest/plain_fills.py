"""The short way of signals: no stops, no margin, no funding, so wishes alone say when it fills.

Then the bars of all fills are known before any money is counted, their prices are taken at once,
and the account is a loop over floats. `sparse.py` takes this way when nothing but cash, fee and
slippage is asked for; the operations are those of `Account`, in its order.
"""

import math
from typing import Final

import numpy as np

from headwater.analytics.arrays import FloatArray
from headwater.backtest.assumptions import Assumptions
from headwater.backtest.equity import equity_of
from headwater.backtest.outcome import ExitReason, Outcome, Pending, TradeColumns

__all__ = ["PlainWishes", "run_plain"]

_YES: Final = 1


class PlainWishes:
    """Where a position is entered and left, by wishes alone.

    Args:
        enter_long: one byte a bar, 1 for a wish; likewise the others. Exits include the opposite
            entries where the strategy reverses.
        delay: by how many bars a fill is later than its decision, 0 or 1.

    Attributes:
        entries: bars of the entries' fills.
        exits: bars of the exits' fills; one fewer than entries while the last trade is open.
        is_long: side of each trade.
        is_turn: whether an exit turned the position.
        pending: the decision that has no bar left.
    """

    __slots__ = ("entries", "exits", "is_long", "is_turn", "pending")

    def __init__(
        self,
        enter_long: bytes,
        enter_short: bytes,
        exit_long: bytes,
        exit_short: bytes,
        *,
        delay: int,
        reverses: bool,
    ) -> None:
        self.entries: list[int] = []
        self.exits: list[int] = []
        self.is_long: list[bool] = []
        self.is_turn: list[bool] = []
        self.pending: tuple[Pending, ...] = ()
        end = len(enter_long)
        last = end - 1 - delay
        long_at = short_at = -1
        at, turned = 0, False
        is_long = True
        while True:
            if not turned:
                if long_at < at:
                    long_at = enter_long.find(_YES, at)
                    long_at = long_at if long_at >= 0 else end
                if short_at < at:
                    short_at = enter_short.find(_YES, at)
                    short_at = short_at if short_at >= 0 else end
                is_long = long_at <= short_at
                at = long_at if is_long else short_at
                if at > last:
                    if at < end:
                        self._wait(at, f"enter_{'long' if is_long else 'short'}")
                    return
            self.entries.append(at + delay)
            self.is_long.append(is_long)
            leave = (exit_long if is_long else exit_short).find(_YES, at + 1)
            if leave < 0:
                return
            turned = reverses and (enter_short if is_long else enter_long)[leave] == _YES
            if leave > last:
                way = "short" if is_long else "long"
                self._wait(leave, f"reverse_{way}" if turned else "exit")
                return
            self.exits.append(leave + delay)
            self.is_turn.append(turned)
            at = leave
            if turned:
                is_long = not is_long
            else:
                at += 1

    def _wait(self, bar: int, action: str) -> None:
        self.pending = (Pending(bar=bar, action=action),)


def run_plain(
    wishes: PlainWishes, basis: FloatArray, close: FloatArray, rules: Assumptions
) -> Outcome | None:
    """Counts the money of plain fills.

    Args:
        wishes: the fills.
        basis: shape (N,), the price of a fill in each bar.
        close: shape (N,), closes.
        rules: costs; plain (`Assumptions.is_plain`).

    Returns:
        What it came to; None when the account was ruined on the way, which ends a run earlier than
        the wishes say.
    """
    fee = rules.fee_rate
    buy, sell = 1.0 + rules.slippage_rate, 1.0 - rules.slippage_rate
    per_unit = 1.0 + fee
    cash = rules.initial_capital
    columns = TradeColumns(is_long=wishes.is_long, entry_bar=wishes.entries)
    at_bar, cash_at, held_at = [0], [cash], [0.0]
    entry_basis = basis[wishes.entries].tolist()
    exit_basis = basis[wishes.exits].tolist()
    is_open = len(entry_basis) > len(exit_basis)
    exits = [*wishes.exits, -1] if is_open else wishes.exits
    exit_basis = [*exit_basis, math.nan] if is_open else exit_basis
    for is_long, entry_bar, exit_bar, entered, left in zip(
        wishes.is_long, wishes.entries, exits, entry_basis, exit_basis, strict=True
    ):
        price = entered * (buy if is_long else sell)
        quantity = cash / (price * per_unit)
        value = quantity * price
        cost = value * fee
        cash = cash - (value + cost) if is_long else cash + (value - cost)
        columns.entry_price.append(price)
        columns.quantity.append(quantity)
        columns.entry_fee.append(cost)
        at_bar.append(entry_bar)
        cash_at.append(cash)
        held_at.append(quantity if is_long else -quantity)
        if exit_bar < 0:
            break
        price = left * (sell if is_long else buy)
        value = quantity * price
        cost = value * fee
        cash = cash + (value - cost) if is_long else cash - (value + cost)
        columns.exit_price.append(price)
        columns.exit_fee.append(cost)
        at_bar.append(exit_bar)
        cash_at.append(cash)
        held_at.append(0.0)
        if cash <= 0.0:
            return None
    equity, held = equity_of(at_bar, cash_at, held_at, close)
    if len(equity) and equity.min() <= 0.0:
        return None
    _complete(columns, exits, wishes.is_turn, is_open=is_open)
    return Outcome(
        initial_capital=rules.initial_capital,
        equity=equity,
        held=held,
        trades=columns,
        pending=wishes.pending,
    )


def _complete(
    columns: TradeColumns, exits: list[int], is_turn: list[bool], *, is_open: bool
) -> None:
    """Fills the columns that the loop has no need of."""
    columns.exit_bar = exits
    reasons: list[ExitReason | None] = [
        ExitReason.REVERSAL if turned else ExitReason.SIGNAL for turned in is_turn
    ]
    if is_open:
        columns.exit_price.append(math.nan)
        columns.exit_fee.append(0.0)
        reasons.append(None)
    columns.exit_reason = reasons
    columns.funding = np.zeros(len(exits)).tolist()
