"""The account of a run with one symbol and at most one position: fills, margin, funding.

Both drives, the one that looks only where something happens and the one that asks at every bar,
move money through this object alone, so they cannot differ in a digit. It is floats: the exact
account beside it stands in `ledger.py`.

Order of the operations of a fill, which the sweep kernel repeats:

    quantity = leverage × size × cash / (price × (1 + leverage × fee))
    value = quantity × price;  cost = value × fee
    bought: cash − (value + cost);  sold: cash + (value − cost)
"""

import math
from array import array
from typing import Final

from headwater.analytics.arrays import FloatArray
from headwater.backtest.assumptions import Assumptions, MarginMode
from headwater.backtest.detail import NO_DETAIL, Detail, Reached
from headwater.backtest.equity import equity_of
from headwater.backtest.outcome import ExitReason, Outcome, Pending, Refusal, TradeLog
from headwater.core.margin_tiers import MarginTier

__all__ = ["Account"]

_REFUSED_MAX: Final = 10_000
# A quantity that is a multiple of the step but for rounding is not cut to the one below.
_STEP_SLACK: Final = 1e-9


class Account:
    """Cash and at most one position, and the list of what happened to them.

    Attributes:
        cash: quote currency; of a long position its price is paid, of a short one received.
        held: base units, negative for short.
        stop: price at which a stop loss or a liquidation closes the position, whichever comes
            first; −inf (long) or inf (short) when there is neither.
        target: price at which a take-profit closes it; inf or −inf when there is none.
        may_be_ruined: whether the equity at a close can be gone: every position but a long one that
            was paid in full.
        insolvent_bar: the bar in which the last money was lost; None while there is some.
    """

    __slots__ = (
        "_at_bar",
        "_buy",
        "_cash_at",
        "_detail",
        "_fee",
        "_held_at",
        "_is_funded",
        "_is_unlimited",
        "_isolated",
        "_leverage",
        "_margin",
        "_plain",
        "_rules",
        "_sell",
        "_stop_loss_at",
        "ambiguous",
        "cash",
        "held",
        "insolvent_bar",
        "is_liquidation",
        "may_be_ruined",
        "pending",
        "refused",
        "stop",
        "target",
        "trades",
    )

    def __init__(
        self, rules: Assumptions, *, is_funded: bool = False, detail: Detail = NO_DETAIL
    ) -> None:
        """An account with the capital and without a position.

        Args:
            rules: costs and limits, checked.
            is_funded: whether funding will be settled: then no position is paid in full.
            detail: bars of a smaller interval, which tell what a bar reached first.
        """
        self._rules = rules
        self._fee = rules.fee_rate
        self._buy = 1.0 + rules.slippage_rate
        self._sell = 1.0 - rules.slippage_rate
        self._leverage = rules.leverage
        self._plain = rules.is_plain
        self._isolated = rules.margin_mode is MarginMode.ISOLATED
        self._is_funded = is_funded
        # Whether no quantity is cut or refused, as long as there is one.
        lowest = min((tier.leverage_max for tier in rules.tiers), default=math.inf)
        limits = max(rules.quantity_step, rules.min_notional)
        self._is_unlimited = limits <= 0.0 and rules.leverage <= lowest
        self._detail = detail
        self._margin = 0.0
        self._stop_loss_at = -math.inf
        self.is_liquidation = False
        self.cash = rules.initial_capital
        self.held = 0.0
        self.stop = -math.inf
        self.target = math.inf
        self.may_be_ruined = False
        self.insolvent_bar: int | None = None
        self.trades = TradeLog()
        self.pending: list[Pending] = []
        self.refused: list[Refusal] = []
        self.ambiguous: list[int] = []
        self._at_bar = array("q", (0,))
        self._cash_at = array("d", (rules.initial_capital,))
        self._held_at = array("d", (0.0,))

    def enter(
        self,
        bar: int,
        price: float,
        *,
        is_long: bool,
        stop_loss: float | None = None,
        take_profit: float | None = None,
        size: float = 1.0,
    ) -> bool:
        """Opens a position at a price of the market, slippage and fee on top.

        Args:
            bar: number of the bar in which it is filled.
            price: the market's, quote currency.
            is_long: bought, else sold short.
            stop_loss: fraction of the entry price; None for none.
            take_profit: likewise.
            size: share of the cash that is put in.

        Returns:
            Whether there is a position now; if not, `refused` says why.
        """
        price *= self._buy if is_long else self._sell
        leverage = self._leverage
        quantity = leverage * size * self.cash / (price * (1.0 + leverage * self._fee))
        if not self._plain and (quantity <= 0.0 or not self._is_unlimited):
            quantity = self._on_grid(bar, quantity, price, is_long=is_long)
            if quantity == 0.0:
                return False
        value = quantity * price
        cost = value * self._fee
        self._margin = value / leverage
        if is_long:
            self.cash -= value + cost
            self.held = quantity
        else:
            self.cash += value - cost
            self.held = -quantity
        trades = self.trades
        trades.is_long.append(is_long)
        trades.entry_bar.append(bar)
        trades.exit_bar.append(-1)
        trades.entry_price.append(price)
        trades.exit_price.append(math.nan)
        trades.quantity.append(quantity)
        trades.entry_fee.append(cost)
        trades.exit_fee.append(0.0)
        trades.funding.append(0.0)
        trades.exit_reason.append(None)
        self._at_bar.append(bar)
        self._cash_at.append(self.cash)
        self._held_at.append(self.held)
        if stop_loss is None and take_profit is None and self._plain:
            self.stop = -math.inf if is_long else math.inf
            self.target = -self.stop
        else:
            self._set_levels(price, is_long, stop_loss, take_profit)
        self.may_be_ruined = not (is_long and self._plain) or self._is_funded or self._fee < 0.0
        return True

    def leave(self, bar: int, price: float, reason: ExitReason, *, takes: bool = True) -> None:
        """Closes the position at a price of the market.

        Args:
            bar: number of the bar in which it is filled.
            price: the market's, or that of the order which was waiting, quote currency.
            reason: why.
            takes: whether it takes what is there and so pays slippage; a take-profit does not.
        """
        held = self.held
        if takes:
            price *= self._sell if held > 0.0 else self._buy
        fee = self._fee
        if reason is ExitReason.LIQUIDATION:
            price, fee = self._liquidated(price)
        quantity = held if held > 0.0 else -held
        value = quantity * price
        cost = value * fee
        if held > 0.0:
            self.cash += value - cost
        else:
            self.cash -= value + cost
        self.held = 0.0
        trades = self.trades
        trades.exit_bar[-1] = bar
        trades.exit_price[-1] = price
        trades.exit_fee[-1] = cost
        trades.exit_reason[-1] = reason
        self._at_bar.append(bar)
        self._cash_at.append(self.cash)
        self._held_at.append(0.0)
        if self.cash <= 0.0:
            self.insolvent_bar = bar

    def close_in_bar(self, bar: int, open_: float, high: float, low: float) -> bool:
        """Closes the position where the bar reaches its stop or its target: the stop first.

        A price that opens beyond the level fills at the open.

        Returns:
            Whether the position was closed.
        """
        stop, target = self.stop, self.target
        is_long = self.held > 0.0
        if is_long:
            stopped, won = low <= stop, high >= target
            at = open_ if open_ <= stop else stop
            gained = open_ if open_ >= target else target
        else:
            stopped, won = high >= stop, low <= target
            at = open_ if open_ >= stop else stop
            gained = open_ if open_ <= target else target
        if stopped and won:
            first = self._detail.first_reached(bar, stop, target, is_long=is_long)
            if first is None:
                self.ambiguous.append(bar)
            stopped = first is not Reached.TARGET
        if stopped:
            liquidated = self.is_liquidation
            self.leave(bar, at, ExitReason.LIQUIDATION if liquidated else ExitReason.STOP_LOSS)
            return True
        if won:
            self.leave(bar, gained, ExitReason.TAKE_PROFIT, takes=False)
            return True
        return False

    def settle(self, bar: int, rate: float, mark_price: float) -> None:
        """Settles one funding payment: longs pay shorts where the rate is positive.

        Args:
            bar: number of the bar that holds its time.
            rate: fraction of the position's value.
            mark_price: quote currency.
        """
        if self.held == 0.0:
            return
        payment = -self.held * mark_price * rate
        self.cash += payment
        self.trades.funding[-1] += payment
        self._at_bar.append(bar)
        self._cash_at.append(self.cash)
        self._held_at.append(self.held)
        if self._rules.tiers:
            self._set_stop()

    def refuse(self, bar: int, action: str, reason: str) -> None:
        """Notes an order that was not placed; of more than 10,000 the first are kept."""
        if len(self.refused) < _REFUSED_MAX:
            self.refused.append(Refusal(bar=bar, action=action, reason=reason))

    def outcome(self, close: FloatArray) -> Outcome:
        """What the run came to.

        Args:
            close: shape (N,), the closes of all bars.

        Returns:
            The trades and the equity at each close up to the last bar, or up to the one in which
            the account was ruined.
        """
        length = len(close) if self.insolvent_bar is None else self.insolvent_bar + 1
        equity, held = equity_of(self._at_bar, self._cash_at, self._held_at, close[:length])
        return Outcome(
            initial_capital=self._rules.initial_capital,
            equity=equity,
            held=held,
            trades=self.trades.columns(),
            pending=tuple(self.pending),
            refused=tuple(self.refused),
            ambiguous_bars=tuple(self.ambiguous),
            insolvent_bar=self.insolvent_bar,
        )

    def _on_grid(self, bar: int, quantity: float, price: float, *, is_long: bool) -> float:
        """The quantity cut to the contract's step; 0 and a refusal when none is left."""
        rules = self._rules
        if rules.quantity_step > 0.0:
            steps = math.floor(quantity / rules.quantity_step * (1.0 + _STEP_SLACK))
            quantity = steps * rules.quantity_step
        action = "enter_long" if is_long else "enter_short"
        if quantity <= 0.0:
            step = rules.quantity_step
            self.refuse(bar, action, f"{self.cash:g} buys less than one step of {step:g}")
            return 0.0
        if quantity * price < rules.min_notional:
            least = rules.min_notional
            self.refuse(bar, action, f"value {quantity * price:g} is below the least, {least:g}")
            return 0.0
        if (
            rules.tiers
            and self._leverage > (most := _tier(rules.tiers, quantity * price)).leverage_max
        ):
            self.refuse(
                bar,
                action,
                f"leverage {self._leverage:g} is above {most.leverage_max:g}, the most for a value "
                f"of {quantity * price:g}",
            )
            return 0.0
        return quantity

    def _set_levels(
        self, price: float, is_long: bool, stop_loss: float | None, take_profit: float | None
    ) -> None:
        """Sets stop and target from the entry price, on the contract's ticks."""
        beyond = math.inf if is_long else -math.inf
        stop, target = -beyond, beyond
        if stop_loss is not None:
            stop = price * (1.0 - stop_loss) if is_long else price * (1.0 + stop_loss)
        if take_profit is not None:
            target = price * (1.0 + take_profit) if is_long else price * (1.0 - take_profit)
        tick = self._rules.price_tick
        if tick > 0.0:
            stop, target = (
                round(one / tick) * tick if math.isfinite(one) else one for one in (stop, target)
            )
        self._stop_loss_at, self.target = stop, target
        self._set_stop()

    def _set_stop(self) -> None:
        """Whatever comes first: the stop loss or the liquidation."""
        self.stop = self._stop_loss_at
        self.is_liquidation = False
        if not self._rules.tiers:
            return
        liquidation = self.liquidation_price()
        sooner = liquidation > self.stop if self.held > 0.0 else liquidation < self.stop
        if sooner:
            self.stop = liquidation
            self.is_liquidation = True

    def liquidation_price(self) -> float:
        """The price at which what backs the position is no more than its maintenance margin.

        Solves collateral + held × price = |held| × price × rate − deduction in the tier that holds
        at that price. The collateral of an isolated position is its own margin with the funding
        that was settled, of a cross one the account's cash.

        Returns:
            Quote currency; −inf (long) or inf (short) when no price liquidates it.
        """
        held = self.held
        collateral = self.cash
        if self._isolated:
            trades = self.trades
            collateral = self._margin + trades.funding[-1] - held * trades.entry_price[-1]
        quantity = abs(held)
        for tier in self._rules.tiers:
            rate, deduction = tier.maintenance_rate, tier.maintenance_deduction
            if held > 0.0:
                price = -(collateral + deduction) / (quantity * (1.0 - rate))
            else:
                price = (collateral + deduction) / (quantity * (1.0 + rate))
            if price > 0.0 and tier.notional_floor <= quantity * price < tier.notional_cap:
                return price
        return -math.inf if held > 0.0 else math.inf

    def _liquidated(self, price: float) -> tuple[float, float]:
        """Price and fee of a liquidation: never worse than what backed the position.

        Beyond its bankruptcy price the venue's insurance fund bears the rest, so an isolated
        position costs its margin and a cross one the account, and no more.
        """
        held = self.held
        collateral = self.cash
        if self._isolated:
            trades = self.trades
            collateral = self._margin + trades.funding[-1] - held * trades.entry_price[-1]
        fee = self._fee + self._rules.liquidation_fee_rate
        bankruptcy = -collateral / held
        if held > 0.0:
            price = max(price, bankruptcy)
            room = 1.0 - bankruptcy / price if price > 0.0 else 0.0
        else:
            price = min(price, bankruptcy)
            room = bankruptcy / price - 1.0 if price > 0.0 else 0.0
        return price, min(fee, max(0.0, room))


def _tier(tiers: tuple[MarginTier, ...], notional: float) -> MarginTier:
    """The tier of a position of that value; the last one for any beyond."""
    for tier in tiers:
        if notional < tier.notional_cap:
            return tier
    return tiers[-1]
