"""The drive for callbacks: asks the strategy at the close of every bar.

The rules are those of `sparse.py`, walked through bar by bar; money moves through `Account`. What
the strategy is shown are lists that grow by a value a bar (`strategies/growing_bars.py`): nothing
is cut, copied or converted for a question, which is what makes asking a hundred thousand times
cheap.

Bars go by in phases: flat, nothing but the question is asked; with a position, two comparisons
tell whether the bar can close, ruin or change it, and only then is it looked at. A phase ends where
something is decided, filled or paid.
"""

import math
from collections.abc import Callable
from itertools import compress
from typing import Any, Final, NoReturn

import numpy as np

from headwater.backtest.account import Account
from headwater.backtest.assumptions import Assumptions, FillRule
from headwater.backtest.collection import age
from headwater.backtest.detail import NO_DETAIL, Detail
from headwater.backtest.funding import NO_FUNDING, FundingBars
from headwater.backtest.outcome import ExitReason, Outcome, Pending
from headwater.backtest.strategy_failure import note_bar
from headwater.core.errors import RequestError
from headwater.strategies.bars import Bars, time_text
from headwater.strategies.base import BaseStrategy
from headwater.strategies.growing_bars import GrowingBars
from headwater.strategies.openings import Opening, PositionView, opening_of

__all__ = ["run_per_bar"]

_STRETCH: Final = 4096

# Bars from which the columns are worth keeping from the collector's looks at what is young.
_LONG: Final = 10_000

# Where a bound of ruin is computed: far from where floats lose digits to being so small.
_LEAST_MONEY: Final = 1e-290
_LEAST_QUANTITY: Final = 1e-250
_MOST_QUANTITY: Final = 1e15
_ABOVE: Final = 1.0 + 1e-9
_BELOW: Final = 1.0 - 1e-9


def run_per_bar(
    strategy: BaseStrategy,
    bars: Bars,
    rules: Assumptions,
    *,
    funding: FundingBars | None = None,
    detail: Detail = NO_DETAIL,
    progress: Callable[[int, int], None] | None = None,
) -> Outcome:
    """Asks a strategy at every close.

    Args:
        strategy: what is asked.
        bars: what is traded on.
        rules: costs and fill rule, checked.
        funding: payments by bar; None for none.
        detail: bars of a smaller interval, which tell what a bar reached first.
        progress: told (bars done, bars) now and then.

    Returns:
        What it came to.

    Raises:
        RequestError: an answer of another shape than (bool, …), or the strategy has written into
            the columns that it was shown; names strategy, bar and value.
    """
    return _Walk(strategy, bars, rules, funding or NO_FUNDING, detail, progress).run()


class _Walk:
    """One run: the account, what is waiting to be filled, and the strategy's view."""

    def __init__(
        self,
        strategy: BaseStrategy,
        bars: Bars,
        rules: Assumptions,
        funding: FundingBars,
        detail: Detail,
        progress: Callable[[int, int], None] | None,
    ) -> None:
        self.strategy = strategy
        self.bars = bars
        self.account = Account(rules, is_funded=bool(funding.bar), detail=detail)
        self.is_next_open = rules.fill is FillRule.NEXT_OPEN
        self.basis = bars.open if self.is_next_open else bars.close
        self.funding = funding
        self.progress = progress or _silent
        self.bracket = strategy.checked_bracket()
        self.reverses = strategy.reverses
        self.view = GrowingBars(bars)
        self.position: PositionView | None = None
        # What was decided at the last close and is not filled yet: an exit, an entry, or both.
        self.is_waiting = False
        self.is_leaving = False
        self.opening: Opening | None = None
        # What an entry without words opens.
        self.plain_opening = Opening(
            stop_loss=self.bracket.stop_loss, take_profit=self.bracket.take_profit
        )
        # The next payment of funding, and the bar in which it is due.
        self.row = 0
        self.due = funding.bar[0] if funding.bar else len(bars)

    def run(self) -> Outcome:
        """Bar after bar, until the last or until nothing is left."""
        self.strategy.prepare(self.view)
        length = len(self.bars)
        try:
            for start in range(0, length, _STRETCH):
                self.progress(start, length)
                if not self._walk(start, min(start + _STRETCH, length)):
                    break
        except BaseException as error:
            if len(self.view):
                bar = len(self.view) - 1
                note_bar(error, bar, time_text(int(self.bars.timestamp_ms[bar])))
            raise
        self.progress(length, length)
        if self.account.insolvent_bar is None and self.is_waiting:
            self.account.pending.append(Pending(bar=length - 1, action=self._waiting()))
        if self.view.changed_columns():
            raise RequestError(
                "strategy", self.strategy.name, "to read the columns of data, not to change them"
            )
        if length >= _LONG:
            age(length)
        return self.account.outcome(self.bars.close)

    def _walk(self, start: int, end: int) -> bool:
        """Bars `start` to `end`, exclusive; whether anything is left after them."""
        account, view = self.account, self.view
        lows, highs = self.bars.low[start:end].tolist(), self.bars.high[start:end].tolist()
        should_open = self.strategy.should_open_position
        should_close = self.strategy.should_close_position
        # Bars are counted from `start`; `at` is the last that was shown, `following` the next.
        following, length = 0, end - start
        steps = view.steps(length)
        answer: Any
        while following < length:
            bar, is_met = start + following, False
            if self.is_waiting or (self.position is not None and bar >= self.due):
                self._begin(bar)
                if account.insolvent_bar is not None:
                    return False
            position = self.position
            if position is None:
                for at in compress(range(following, length), steps):
                    answer = should_open(view)
                    try:
                        acts, wish = answer
                    except (TypeError, ValueError):
                        self._refuse(start + at, answer)
                    if acts is not False and self._decide(start + at, acts, wish):
                        break
            else:
                floor, ceiling = self._quiet_range(bar)
                until = min(length, max(self.due - start, following + 1))
                for at in compress(range(following, until), steps):
                    if lows[at] <= floor or highs[at] >= ceiling:
                        is_met = True
                        break
                    answer = should_close(position, view)
                    try:
                        acts, wish = answer
                    except (TypeError, ValueError):
                        self._refuse(start + at, answer)
                    if acts is not False and self._decide(start + at, acts, wish):
                        break
            following = at + 1
            if is_met:
                self._meet(start + at)
            if not self.is_next_open:
                self._end(start + at)
            if account.insolvent_bar is not None:
                return False
            if view.is_stale:
                steps = view.steps(length - following)
        return True

    def _begin(self, bar: int) -> None:
        """Pays what is due at a bar's open and fills what was decided at the close before."""
        if bar >= self.due:
            self._settle(bar, at_open=True)
        if self.is_waiting:
            self._fill(bar)

    def _quiet_range(self, bar: int) -> tuple[float, float]:
        """Prices between which a bar leaves the position as it is.

        Returns:
            At or below the first, or at or above the second, the bar has to be looked at.
        """
        account = self.account
        if bar >= self.due:
            return math.inf, -math.inf
        if account.held > 0.0:
            floor, ceiling = account.stop, account.target
            # With cash left over, no price of what was bought makes it less than nothing.
            if account.may_be_ruined and account.cash <= 0.0:
                floor = max(floor, _ruin_bound(account.cash, account.held))
        else:
            floor, ceiling = account.target, account.stop
            if account.may_be_ruined:
                ceiling = min(ceiling, _ruin_bound(account.cash, account.held))
        return floor, ceiling

    def _meet(self, bar: int) -> None:
        """A bar that may end the position: its levels, what is paid in it, its close; then asks."""
        account, bars = self.account, self.bars
        prices = float(bars.open[bar]), float(bars.high[bar]), float(bars.low[bar])
        if account.close_in_bar(bar, *prices):
            self.position = None
        if bar >= self.due:
            self._settle(bar, at_open=False)
        if self.is_next_open:
            self._look_for_ruin(bar)
        if account.insolvent_bar is not None:
            return
        position, answer = self.position, None
        if position is None:
            answer = self.strategy.should_open_position(self.view)
        else:
            answer = self.strategy.should_close_position(position, self.view)
        try:
            acts, wish = answer
        except (TypeError, ValueError):
            self._refuse(bar, answer)
        if acts is not False:
            self._decide(bar, acts, wish)

    def _end(self, bar: int) -> None:
        """Fills what was decided at a bar's own close, and looks whether money is left there."""
        account = self.account
        if self.is_waiting and account.insolvent_bar is None:
            self._fill(bar)
        self._look_for_ruin(bar)

    def _look_for_ruin(self, bar: int) -> None:
        """Notes the bar at whose close the position has lost the last money."""
        account = self.account
        if account.held == 0.0 or not account.may_be_ruined:
            return
        if account.cash + account.held * float(self.bars.close[bar]) <= 0.0:
            account.insolvent_bar = bar

    def _settle(self, bar: int, *, at_open: bool) -> None:
        """Pays what is due at a bar's open, or within it.

        What fell due while nothing was held is passed by.
        """
        funding, row = self.funding, self.row
        while row < len(funding.bar) and funding.bar[row] <= bar:
            if funding.bar[row] == bar:
                if at_open and not funding.is_at_open[row]:
                    break
                funding.settle(self.account, row)
            row += 1
        self.row = row
        self.due = funding.bar[row] if row < len(funding.bar) else len(self.bars)

    def _decide(self, bar: int, acts: Any, wish: Any) -> bool:
        """Takes down what the strategy wants; whether something waits to be filled."""
        if acts is not True and not self._is_yes(bar, acts):
            return False
        self.is_waiting = True
        if self.position is None:
            self.opening = self._opening(bar, wish)
            return True
        self.is_leaving = True
        if not self.reverses:
            return True
        answer: Any = self.strategy.should_open_position(self.view)
        try:
            acts, wish = answer
        except (TypeError, ValueError):
            self._refuse(bar, answer)
        if self._is_yes(bar, acts):
            opening = self._opening(bar, wish)
            if opening.is_long != self.position.is_long:
                self.opening = opening
        return True

    def _opening(self, bar: int, wish: Any) -> Opening:
        """What is to be opened; where it says nothing of stop and target it has the strategy's."""
        if wish is None:
            return self.plain_opening
        opening = opening_of(wish, f"{self.strategy.name}, bar {bar}")
        if opening.stop_loss is not None or opening.take_profit is not None:
            return opening
        if self.bracket.stop_loss is None and self.bracket.take_profit is None:
            return opening
        return Opening(
            is_long=opening.is_long,
            stop_loss=self.bracket.stop_loss,
            take_profit=self.bracket.take_profit,
            size=opening.size,
            reason=opening.reason,
        )

    def _fill(self, bar: int) -> None:
        """Fills what was decided."""
        account, opening = self.account, self.opening
        price = float(self.basis[bar])
        self.is_waiting = False
        if self.is_leaving:
            self.is_leaving = False
            turned = ExitReason.SIGNAL if opening is None else ExitReason.REVERSAL
            account.leave(bar, price, turned)
            self.position = None
        self.opening = None
        if opening is None or account.insolvent_bar is not None:
            return
        if account.enter(
            bar,
            price,
            is_long=opening.is_long,
            stop_loss=opening.stop_loss,
            take_profit=opening.take_profit,
            size=opening.size,
        ):
            self.position = PositionView(
                is_long=opening.is_long,
                quantity=account.trades.quantity[-1],
                entry_price=account.trades.entry_price[-1],
                entry_bar=bar,
                size=opening.size,
            )

    def _waiting(self) -> str:
        if self.opening is None:
            return "exit"
        way = "long" if self.opening.is_long else "short"
        return f"{'reverse' if self.is_leaving else 'enter'}_{way}"

    def _is_yes(self, bar: int, acts: Any) -> bool:
        """The answer as yes or no.

        Raises:
            RequestError: it is neither: a NaN or a number decides nothing.
        """
        if not isinstance(acts, bool | np.bool_):
            self._refuse(bar, acts)
        return bool(acts)

    def _refuse(self, bar: int, answer: Any) -> NoReturn:
        """Names strategy, method, bar and value.

        Raises:
            RequestError: always.
        """
        when = time_text(int(self.bars.timestamp_ms[bar]))
        method = "should_open_position" if self.position is None else "should_close_position"
        raise RequestError(
            f"{self.strategy.name}.{method}, bar {bar} at {when}",
            answer,
            "a pair of True or False and what goes with it",
        )


def _ruin_bound(cash: float, held: float) -> float:
    """The price that a close has to reach before a position can have lost the last money.

    It errs by 1e-9 to the side of looking once too often: what is lost is decided by the exact
    sum, cash + held × close ≤ 0, and here only whether that has to be asked.

    Args:
        cash: quote currency.
        held: base units, not 0.

    Returns:
        For a long position no close above it ruins, for a short one none below it.
    """
    quantity = abs(held)
    always = math.inf if held > 0.0 else -math.inf
    if not _LEAST_QUANTITY < quantity < _MOST_QUANTITY:
        return always
    if held > 0.0:
        return max(-cash, _LEAST_MONEY) / quantity * _ABOVE
    return cash / quantity * _BELOW if cash > _LEAST_MONEY else always


def _silent(done: int, of: int) -> None:
    """For whoever does not want to know."""
