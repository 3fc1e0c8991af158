"""A back-test as a plain loop over lists: what the callbacks' view is measured against.

It keeps the same account as `headwater.backtest.per_bar` does with every feature on (fee, slippage,
isolated margin with a liquidation price, stop, target, funding, ruin) for one long-only cross of
means, with the rules written into the loop, no strategy object, no view and no other case. Its
final equity and trades must be those of the engine, digit for digit.
"""

import math
from dataclasses import dataclass, field

from headwater.analytics import indicators
from headwater.backtest.assumptions import Assumptions
from headwater.backtest.equity import equity_of
from headwater.backtest.funding import FundingBars
from headwater.core.margin_tiers import MarginTier
from headwater.strategies.bars import Bars

__all__ = ["RawResult", "raw_cross"]


@dataclass(slots=True)
class RawResult:
    """Trades as columns, and the equity at the last close."""

    final_equity: float = 0.0
    entry_bar: list[int] = field(default_factory=list)
    exit_bar: list[int] = field(default_factory=list)
    entry_price: list[float] = field(default_factory=list)
    exit_price: list[float] = field(default_factory=list)
    quantity: list[float] = field(default_factory=list)
    entry_fee: list[float] = field(default_factory=list)
    exit_fee: list[float] = field(default_factory=list)
    funding: list[float] = field(default_factory=list)
    reason: list[str] = field(default_factory=list)


def _opens(fast: list[float], slow: list[float], bar: int) -> bool:
    return fast[bar - 1] <= slow[bar - 1] and fast[bar] > slow[bar]


def _closes(fast: list[float], slow: list[float], bar: int) -> bool:
    return fast[bar - 1] >= slow[bar - 1] and fast[bar] < slow[bar]


def _liquidation(collateral: float, held: float, tiers: tuple[MarginTier, ...]) -> float:
    """The liquidation price of a long position; −inf when there is none."""
    for tier in tiers:
        deduction = tier.maintenance_deduction
        price = -(collateral + deduction) / (held * (1.0 - tier.maintenance_rate))
        if price > 0.0 and tier.notional_floor <= held * price < tier.notional_cap:
            return price
    return -math.inf


def raw_cross(
    bars: Bars,
    rules: Assumptions,
    payments: FundingBars,
    *,
    fast_count: int,
    slow_count: int,
    stop_loss: float,
    take_profit: float,
) -> RawResult:
    """One run at the next open with leverage 1; no payment may fall due within a bar."""
    fast = indicators.sma(bars.close, fast_count).tolist()
    slow = indicators.sma(bars.close, slow_count).tolist()
    opens, highs = bars.open.tolist(), bars.high.tolist()
    lows, closes = bars.low.tolist(), bars.close.tolist()
    fee, tiers = rules.fee_rate, rules.tiers
    buy, sell = 1.0 + rules.slippage_rate, 1.0 - rules.slippage_rate
    due_bars, rates, marks = payments.bar, payments.rate, payments.mark_price
    found = RawResult()
    cash, held, margin, paid = rules.initial_capital, 0.0, 0.0, 0.0
    stop, stop_at, target = -math.inf, -math.inf, math.inf
    at_bar, cash_at, held_at = [0], [cash], [0.0]
    wants_in = wants_out = False
    row, length = 0, len(closes)
    due = due_bars[0] if due_bars else length
    for bar in range(length):
        if bar >= due and (held or wants_in):
            while row < len(due_bars) and due_bars[row] <= bar:
                if due_bars[row] == bar and held:
                    payment = -held * marks[row] * rates[row]
                    cash += payment
                    found.funding[-1] += payment
                    at_bar.append(bar)
                    cash_at.append(cash)
                    held_at.append(held)
                    collateral = margin + found.funding[-1] - held * found.entry_price[-1]
                    stop = max(stop_at, _liquidation(collateral, held, tiers))
                row += 1
            due = due_bars[row] if row < len(due_bars) else length
        left, why = 0.0, ""
        if wants_out:
            wants_out = False
            left, why = opens[bar] * sell, "signal"
        elif wants_in:
            wants_in = False
            price = opens[bar] * buy
            held = cash / (price * (1.0 + fee))
            margin = held * price
            cost = margin * fee
            cash -= margin + cost
            found.entry_bar.append(bar)
            found.entry_price.append(price)
            found.quantity.append(held)
            found.entry_fee.append(cost)
            found.funding.append(0.0)
            at_bar.append(bar)
            cash_at.append(cash)
            held_at.append(held)
            stop_at, target = price * (1.0 - stop_loss), price * (1.0 + take_profit)
            stop = max(stop_at, _liquidation(margin - held * price, held, tiers))
        if held and not why:
            if lows[bar] <= stop:
                left, why = min(opens[bar], stop) * sell, "stop"
            elif highs[bar] >= target:
                left, why = max(opens[bar], target), "target"
            elif cash + held * closes[bar] <= 0.0:
                break
        if why:
            value = held * left
            paid = value * fee
            cash += value - paid
            held = 0.0
            found.exit_bar.append(bar)
            found.exit_price.append(left)
            found.exit_fee.append(paid)
            found.reason.append(why)
            at_bar.append(bar)
            cash_at.append(cash)
            held_at.append(0.0)
        if held:
            wants_out = _closes(fast, slow, bar)
        else:
            wants_in = bar > 0 and _opens(fast, slow, bar)
    equity, _ = equity_of(at_bar, cash_at, held_at, bars.close)
    found.final_equity = float(equity[-1])
    return found
