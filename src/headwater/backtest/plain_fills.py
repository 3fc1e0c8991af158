"""The short way of signals: no stops, no margin, no funding, so wishes alone say when it fills.

Then the bars of all fills are known before any money is counted, and only the cash, which each fill
takes over from the one before, is a loop; prices, quantities, fees and the curve are columns.
`sparse.py` takes this way when nothing but cash, fee and slippage is asked for; the operations are
those of `Account`, in its order.
"""

import math

import numpy as np

from headwater.analytics.arrays import FloatArray, IndexArray
from headwater.backtest.assumptions import Assumptions, FillRule
from headwater.backtest.equity import equity_of
from headwater.backtest.outcome import ExitReason, Outcome, TradeColumns
from headwater.backtest.plain_wishes import PlainWishes
from headwater.strategies.bars import Bars

__all__ = ["run_plain"]


def run_plain(bars: Bars, wishes: PlainWishes, rules: Assumptions) -> Outcome | None:
    """Counts the money of plain fills.

    Args:
        bars: what is traded on.
        wishes: what is done, by the bars of the decisions.
        rules: costs and fill rule; plain (`Assumptions.is_plain`).

    Returns:
        What it came to; None when the account was ruined on the way, which ends a run earlier than
        the wishes say.
    """
    delay = 1 if rules.fill is FillRule.NEXT_OPEN else 0
    basis = bars.open if delay else bars.close
    entries, exits, is_long = wishes.entries + delay, wishes.exits + delay, wishes.is_long
    closed = len(exits)
    buy, sell = 1.0 + rules.slippage_rate, 1.0 - rules.slippage_rate
    entry_price = basis[entries] * np.where(is_long, buy, sell)
    exit_price = np.full(len(entries), math.nan)
    exit_price[:closed] = basis[exits] * np.where(is_long[:closed], sell, buy)
    per_unit = entry_price * (1.0 + rules.fee_rate)
    entered, left = _cash(wishes, entry_price, per_unit, exit_price, rules)
    # Asked this way round: what goes on below nothing may grow beyond all numbers, to NaN.
    if closed and not left[:closed].min() > 0.0:
        return None
    quantity = np.append(rules.initial_capital, left[:-1])[: len(entries)] / per_unit
    equity, held = _curve(bars, rules, (entries, exits), (entered, left), quantity, wishes)
    if len(equity) and equity.min() <= 0.0:
        return None
    return Outcome(
        initial_capital=rules.initial_capital,
        equity=equity,
        held=held,
        trades=_trades(wishes, (entries, exits), (entry_price, exit_price), quantity, rules),
        pending=() if wishes.pending is None else (wishes.pending,),
    )


def _cash(
    wishes: PlainWishes,
    entry_price: FloatArray,
    per_unit: FloatArray,
    exit_price: FloatArray,
    rules: Assumptions,
) -> tuple[FloatArray, FloatArray]:
    """Cash after each entry and after each exit, each of shape (trades,); all of it is put in.

    Args:
        wishes: for the sides.
        entry_price: shape (trades,), slippage included.
        per_unit: shape (trades,), what a unit costs with its fee.
        exit_price: as `entry_price`; NaN of the open trade, whose cash after its exit is NaN.
        rules: for capital and fee.
    """
    fee, cash = rules.fee_rate, rules.initial_capital
    entered: list[float] = []
    left: list[float] = []
    for is_long, price, unit, exit_at in zip(
        wishes.is_long.tolist(),
        entry_price.tolist(),
        per_unit.tolist(),
        exit_price.tolist(),
        strict=True,
    ):
        quantity = cash / unit
        value = quantity * price
        if is_long:
            cash -= value + value * fee
            entered.append(cash)
            value = quantity * exit_at
            cash += value - value * fee
        else:
            cash += value - value * fee
            entered.append(cash)
            value = quantity * exit_at
            cash -= value + value * fee
        left.append(cash)
    return np.array(entered), np.array(left)


def _curve(
    bars: Bars,
    rules: Assumptions,
    fills: tuple[IndexArray, IndexArray],
    cash: tuple[FloatArray, FloatArray],
    quantity: FloatArray,
    wishes: PlainWishes,
) -> tuple[FloatArray, FloatArray]:
    """Equity and base units held at each close: the account changes at entries and exits."""
    count = 1 + len(fills[0]) + len(fills[1])
    at_bar = np.zeros(count, dtype=np.int64)
    cash_at = np.full(count, rules.initial_capital)
    held_at = np.zeros(count)
    at_bar[1::2], at_bar[2::2] = fills
    cash_at[1::2], cash_at[2::2] = cash[0], cash[1][: len(fills[1])]
    held_at[1::2] = np.where(wishes.is_long, quantity, -quantity)
    return equity_of(at_bar, cash_at, held_at, bars.close)


def _trades(
    wishes: PlainWishes,
    fills: tuple[IndexArray, IndexArray],
    prices: tuple[FloatArray, FloatArray],
    quantity: FloatArray,
    rules: Assumptions,
) -> TradeColumns:
    entries, exits = fills
    count, closed = len(entries), len(exits)
    exit_bar = np.full(count, -1, dtype=np.int64)
    exit_bar[:closed] = exits
    exit_fee = np.zeros(count)
    exit_fee[:closed] = quantity[:closed] * prices[1][:closed] * rules.fee_rate
    reasons: list[ExitReason | None] = [
        ExitReason.REVERSAL if turned else ExitReason.SIGNAL for turned in wishes.is_turn.tolist()
    ]
    return TradeColumns(
        is_long=wishes.is_long,
        entry_bar=entries,
        exit_bar=exit_bar,
        entry_price=prices[0],
        exit_price=prices[1],
        quantity=quantity,
        entry_fee=quantity * prices[0] * rules.fee_rate,
        exit_fee=exit_fee,
        funding=np.zeros(count),
        exit_reason=[*reasons, *[None] * (count - closed)],
    )
