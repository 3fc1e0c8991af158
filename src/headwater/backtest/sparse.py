"""The drive for signals: it looks only at the bars where something happens.

Between two events nothing of an account changes but its price, so a run of a million bars is a few
thousand steps: find the next wish, fill it, find what ends the position first. The next wish is a
search in bytes, which the C library does at memory speed. `per_bar.py` walks through every bar by
the same rules; both move money through `Account` alone.
"""

from typing import Final

import numpy as np

from headwater.analytics.arrays import BoolArray, FloatArray
from headwater.backtest.account import Account
from headwater.backtest.assumptions import Assumptions, FillRule
from headwater.backtest.detail import NO_DETAIL, Detail
from headwater.backtest.funding import NO_FUNDING, FundingBars
from headwater.backtest.outcome import ExitReason, Outcome, Pending
from headwater.backtest.plain_fills import run_plain
from headwater.backtest.plain_wishes import PlainWishes
from headwater.strategies.bars import Bars
from headwater.strategies.openings import Bracket
from headwater.strategies.signals import Signals

__all__ = ["run_sparse"]

_YES: Final = 1
_FIRST_STRETCH: Final = 32
_STRETCH_MAX: Final = 8192


def run_sparse(
    bars: Bars,
    signals: Signals,
    rules: Assumptions,
    *,
    bracket: Bracket | None = None,
    reverses: bool = False,
    funding: FundingBars | None = None,
    detail: Detail = NO_DETAIL,
) -> Outcome:
    """Runs signals over bars.

    Args:
        bars: what is traded on.
        signals: wishes at each close.
        rules: costs and fill rule, checked.
        bracket: stop loss and take profit of every position.
        reverses: whether an opposite entry turns the position at once.
        funding: payments by bar; None for none.
        detail: bars of a smaller interval, which tell what a bar reached first.

    Returns:
        What it came to.
    """
    levels = bracket or Bracket()
    has_levels = levels.stop_loss is not None or levels.take_profit is not None
    if rules.is_plain and not has_levels and not (funding and funding.bar):
        delay = 1 if rules.fill is FillRule.NEXT_OPEN else 0
        wishes = PlainWishes.of(signals, delay=delay, reverses=reverses)
        plain = run_plain(bars, wishes, rules)
        if plain is not None:
            return plain
    return _Run(bars, signals, rules, levels, reverses, funding, detail).run()


class _Run:
    """One run: where it is, and what the account has."""

    def __init__(
        self,
        bars: Bars,
        signals: Signals,
        rules: Assumptions,
        bracket: Bracket,
        reverses: bool,
        funding: FundingBars | None,
        detail: Detail,
    ) -> None:
        self.bars = bars
        self.account = Account(rules, is_funded=funding is not None, detail=detail)
        self.last = len(bars) - 1
        # By how many bars a fill is later than its decision.
        self.delay = 1 if rules.fill is FillRule.NEXT_OPEN else 0
        self.basis = bars.open if self.delay else bars.close
        self.enter_long = signals.enter_long.tobytes()
        self.enter_short = signals.enter_short.tobytes()
        # The next wishes that are known: without them a side that never enters would be searched
        # to the end at every trade.
        self.long_at = self.short_at = -1
        self.exit_long = _leaving(signals.exit_long, signals.enter_short, reverses)
        self.exit_short = _leaving(signals.exit_short, signals.enter_long, reverses)
        self.reverses = reverses
        self.bracket = bracket
        self.has_levels = (
            bracket.stop_loss is not None or bracket.take_profit is not None or bool(rules.tiers)
        )
        self.funding = funding or NO_FUNDING

    def run(self) -> Outcome:
        """Goes from wish to wish until there is none or nothing is left."""
        account = self.account
        at = 0
        while at <= self.last and account.insolvent_bar is None:
            at, is_long = self._next_entry(at)
            if at > self.last:
                break
            fill = at + self.delay
            if fill > self.last:
                action = "enter_long" if is_long else "enter_short"
                account.pending.append(Pending(bar=at, action=action))
                break
            entered = self._enter(fill, is_long)
            at = fill if self.delay else at + 1
            # A turned position is held on from the same fill, so it goes round again.
            while entered and account.insolvent_bar is None:
                at, entered = self._hold(fill, at)
                fill = at if self.delay else at - 1
        return account.outcome(self.bars.close)

    def _next_entry(self, at: int) -> tuple[int, bool]:
        """The bar of the next wish to enter from `at` on, and its side; beyond the last: none."""
        if self.long_at < at:
            found = self.enter_long.find(_YES, at)
            self.long_at = found if found >= 0 else self.last + 1
        if self.short_at < at:
            found = self.enter_short.find(_YES, at)
            self.short_at = found if found >= 0 else self.last + 1
        if self.short_at < self.long_at:
            return self.short_at, False
        return self.long_at, True

    def _enter(self, fill: int, is_long: bool) -> bool:
        return self.account.enter(
            fill,
            float(self.basis[fill]),
            is_long=is_long,
            stop_loss=self.bracket.stop_loss,
            take_profit=self.bracket.take_profit,
        )

    def _hold(self, fill: int, first: int) -> tuple[int, bool]:
        """Holds the position to its end.

        Args:
            fill: the bar in which it was entered.
            first: the first bar at whose close it may be left.

        Returns:
            The first bar at whose close a flat account may act again, and whether the position was
            turned; then it is the bar from which the new one may be left.
        """
        account = self.account
        was_long = account.held > 0.0
        leave = (self.exit_long if was_long else self.exit_short).find(_YES, first)
        end = self.last if leave < 0 else leave
        # The first bar whose range may close it: the entry's own unless that was at its close.
        ended = self._ended_before(fill, fill if self.delay else fill + 1, end, leave >= 0)
        if ended is not None:
            return ended, False
        if leave < 0:
            return self.last + 1, False
        turns = self.reverses and (self.enter_short if was_long else self.enter_long)[leave] == _YES
        exit_at = leave + self.delay
        if exit_at > self.last:
            way = "short" if was_long else "long"
            action = f"reverse_{way}" if turns else "exit"
            account.pending.append(Pending(bar=leave, action=action))
            return self.last + 1, False
        if self.delay:
            for row in self.funding.at_open(exit_at):
                self.funding.settle(account, row)
        price = float(self.basis[exit_at])
        account.leave(exit_at, price, ExitReason.REVERSAL if turns else ExitReason.SIGNAL)
        entered = turns and account.insolvent_bar is None and self._enter(exit_at, not was_long)
        return (exit_at if self.delay else exit_at + 1), entered

    def _ended_before(self, fill: int, first: int, end: int, leaves: bool) -> int | None:
        """Closes the position where its levels, or its ruin, end it in bars `first` to `end`.

        Funding cuts the time into stretches: it moves cash, and with it what may end the position.

        Returns:
            The bar in which it was closed (the one after the last, for a ruin); None when it
            outlived `end`.
        """
        account, funding = self.account, self.funding
        # A position that is left at the close of `end` is not marked there.
        marked_end = end - 1 if leaves and not self.delay else end
        marked, row = fill, funding.first_after(fill, is_open=bool(self.delay))
        while True:
            is_paid = row < len(funding.bar) and funding.bar[row] <= end
            until = marked_until = end
            if is_paid:
                marked_until = funding.bar[row] - 1
                until = marked_until if funding.is_at_open[row] else funding.bar[row]
            else:
                marked_until = marked_end
            hit = self._first_touch(first, until) if self.has_levels else None
            if account.may_be_ruined:
                over = marked_until if hit is None else min(marked_until, hit - 1)
                ruin = self._first_ruin(marked, over)
                if ruin is not None:
                    account.insolvent_bar = ruin
                    return self.last + 1
            if hit is not None:
                return self._close_in(hit)
            if not is_paid:
                return None
            funding.settle(account, row)
            first, marked, row = max(first, until + 1), max(marked, marked_until + 1), row + 1

    def _close_in(self, bar: int) -> int:
        bars = self.bars
        self.account.close_in_bar(
            bar, float(bars.open[bar]), float(bars.high[bar]), float(bars.low[bar])
        )
        return bar

    def _first_touch(self, first: int, end: int) -> int | None:
        """The first of the bars `first` to `end` that reaches stop or target."""
        account = self.account
        stop, target = account.stop, account.target
        low, high = self.bars.low, self.bars.high
        is_long = account.held > 0.0
        stretch = _FIRST_STRETCH
        while first <= end:
            until = min(first + stretch, end + 1)
            if is_long:
                touched = low[first:until] <= stop
                touched |= high[first:until] >= target
            else:
                touched = high[first:until] >= stop
                touched |= low[first:until] <= target
            at = int(touched.argmax())
            if touched[at]:
                return first + at
            first = until
            stretch = min(2 * stretch, _STRETCH_MAX)
        return None

    def _first_ruin(self, first: int, end: int) -> int | None:
        """The first of the bars `first` to `end` at whose close the equity is gone."""
        if end < first:
            return None
        account = self.account
        closes: FloatArray = self.bars.close[first : end + 1]
        worst = float(closes.max() if account.held < 0.0 else closes.min())
        if account.cash + account.held * worst > 0.0:
            return None
        return first + int((account.held * closes + account.cash <= 0.0).argmax())


def _leaving(exits: BoolArray, opposite: BoolArray, reverses: bool) -> bytes:
    """The bars at whose close a position is left, as bytes of 0 and 1."""
    return (np.logical_or(exits, opposite) if reverses else exits).tobytes()
