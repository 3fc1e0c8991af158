"""The drive for callbacks: asks the strategy at the close of every bar.

The rules are those of `sparse.py`, walked through bar by bar; money moves through `Account`. What
the strategy is shown are lists that grow by a value a bar (`strategies/growing_bars.py`): nothing
is cut, copied or converted for a question, which is what makes asking a hundred thousand times
cheap.
"""

from collections.abc import Callable
from typing import Any, Final, NoReturn

import numpy as np

from headwater.backtest.account import Account
from headwater.backtest.assumptions import Assumptions, FillRule
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
        self.is_leaving = False
        self.opening: Opening | None = None
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
            if self.view.end:
                bar = self.view.end - 1
                note_bar(error, bar, time_text(int(self.bars.timestamp_ms[bar])))
            raise
        self.progress(length, length)
        if self.account.insolvent_bar is None and (self.is_leaving or self.opening is not None):
            self.account.pending.append(Pending(bar=length - 1, action=self._waiting()))
        if self.view.changed_columns():
            raise RequestError(
                "strategy", self.strategy.name, "to read the columns of data, not to change them"
            )
        return self.account.outcome(self.bars.close)

    def _walk(self, start: int, end: int) -> bool:
        """Bars `start` to `end`, exclusive; whether anything is left after them."""
        account, view, position = self.account, self.view, self.position
        bars = self.bars
        lows, highs = bars.low[start:end].tolist(), bars.high[start:end].tolist()
        closes = bars.close[start:end].tolist()
        should_open = self.strategy.should_open_position
        should_close = self.strategy.should_close_position
        is_next_open, growing, due = self.is_next_open, view.growing, self.due
        is_waiting = self.is_leaving or self.opening is not None
        answer: Any
        for bar, low, high, close in zip(range(start, end), lows, highs, closes, strict=True):
            if is_waiting:
                due = self._settle(bar, at_open=True)
                is_waiting = False
                position = self._fill(bar)
                if account.insolvent_bar is not None:
                    return False
            elif position is not None and bar >= due:
                due = self._settle(bar, at_open=True)
            if position is not None:
                # A position that was entered at a close is looked at from the next bar on.
                if (
                    (low <= account.stop or high >= account.target)
                    if position.is_long
                    else (high >= account.stop or low <= account.target)
                ):
                    position = self._close_in(bar)
                if bar >= due:
                    due = self._settle(bar, at_open=False)
                if (
                    is_next_open
                    and account.may_be_ruined
                    and account.cash + account.held * close <= 0.0
                ):
                    account.insolvent_bar = bar
                if account.insolvent_bar is not None:
                    return False
            view.end = bar + 1
            for append, following in growing:
                append(following())
            answer = should_open(view) if position is None else should_close(position, view)
            try:
                acts, wish = answer
            except (TypeError, ValueError):
                self._refuse(bar, answer)
            if acts is not False:
                is_waiting = self._decide(bar, acts, wish)
            if not is_next_open:
                if is_waiting:
                    is_waiting = False
                    position = self._fill(bar)
                if account.may_be_ruined:
                    self._check_ruin(bar)
                if account.insolvent_bar is not None:
                    return False
        return True

    def _close_in(self, bar: int) -> PositionView | None:
        """Closes the position at its stop or target; gives what is held after it."""
        bars = self.bars
        if self.account.close_in_bar(
            bar, float(bars.open[bar]), float(bars.high[bar]), float(bars.low[bar])
        ):
            self.position = None
        return self.position

    def _settle(self, bar: int, *, at_open: bool) -> int:
        """Pays what is due at a bar's open, or within it; gives the bar of the next payment.

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
        return self.due

    def _decide(self, bar: int, acts: Any, wish: Any) -> bool:
        """Takes down what the strategy wants; whether something waits to be filled."""
        if not self._is_yes(bar, acts):
            return False
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

    def _fill(self, bar: int) -> PositionView | None:
        """Fills what was decided; gives what is held after it."""
        account, opening = self.account, self.opening
        price = float(self.basis[bar])
        if self.is_leaving:
            self.is_leaving = False
            turned = ExitReason.SIGNAL if opening is None else ExitReason.REVERSAL
            account.leave(bar, price, turned)
            self.position = None
        self.opening = None
        if opening is None or account.insolvent_bar is not None:
            return None
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
        return self.position

    def _check_ruin(self, bar: int) -> None:
        account, close = self.account, float(self.bars.close[bar])
        if account.held != 0.0 and account.cash + account.held * close <= 0.0:
            account.insolvent_bar = bar

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


def _silent(done: int, of: int) -> None:
    """For whoever does not want to know."""
