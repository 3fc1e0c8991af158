"""What a back-test must give, written as plainly as the rules are: one loop, floats, no speed.

It shares nothing with the platform and nothing with a peer; it is what both are held against.

The rules. All in: quantity = cash / (price × (1 + fee)); short: equity / (price × (1 + fee)).
A decision is made from closes up to the bar's own and filled at the next open, or at this close. A
cross above at t is fast[t−1] ≤ slow[t−1] and fast[t] > slow[t], first where both means of t−1
exist. z with zero deviation does nothing; flat and z < −entry: long; long and z > −exit: out;
mirrored with direction `both`; one action a bar. Stop before target in every bar, the entry's
included; a price beyond at the open fills there. Equity is marked at every close, fees in the bar
of the fill. A decision on the last bar that would fill at the next open is pending. An account
without equity at a close stops the run before it decides anything there.

What the rules leave open and is chosen here: a decision fills before the bar's stop is looked at;
the stop comes first even where the bar opens beyond the target; after a stop or target within a
bar, the bar's close may decide anew; a fill at the close of the last bar happens. A cross with
`both` turns the position in one fill. Slippage is added to buys and taken from sells of decisions
and stops, not of targets.
"""

import math
from dataclasses import dataclass, field

from benchmarks.peers.case import Bars, Case, Trade

LONG, SHORT = 1, -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a run gives; `equity` ends where an account is ruined."""

    trades: list[Trade]
    equity: list[float]
    pending: bool
    insolvent: bool

    @property
    def final_equity(self) -> float:
        """At the last close that was reached."""
        return self.equity[-1]

    @property
    def max_drawdown(self) -> float:
        """Deepest fall from a peak as a negative fraction."""
        deepest, peak = 0.0, -math.inf
        for value in self.equity:
            peak = max(peak, value)
            deepest = min(deepest, value / peak - 1)
        return deepest


@dataclass(slots=True, kw_only=True)
class _Account:
    """Cash and at most one position."""

    fee: float
    cash: float
    quantity: float = 0.0
    entry_price: float = 0.0
    entry_bar: int = 0
    entry_fee: float = 0.0
    trades: list[Trade] = field(default_factory=list)

    @property
    def side(self) -> int:
        """1, −1 or 0."""
        return (self.quantity > 0) - (self.quantity < 0)

    def equity(self, price: float) -> float:
        return self.cash + self.quantity * price

    def open(self, side: int, price: float, bar: int) -> None:
        if self.cash <= 0:
            return
        quantity = side * self.cash / (price * (1 + self.fee))
        self.entry_fee = abs(quantity) * price * self.fee
        self.cash -= quantity * price + self.entry_fee
        self.quantity, self.entry_price, self.entry_bar = quantity, price, bar

    def close(self, price: float, bar: int) -> None:
        fee = abs(self.quantity) * price * self.fee
        gained = self.quantity * (price - self.entry_price)
        self.cash += self.quantity * price - fee
        side = "long" if self.quantity > 0 else "short"
        pnl = gained - fee - self.entry_fee
        self.trades.append(Trade(side, self.entry_bar, bar, self.entry_price, price, pnl))
        self.quantity = 0.0

    def all_trades(self, last_close: float) -> list[Trade]:
        if not self.quantity:
            return self.trades
        side = "long" if self.quantity > 0 else "short"
        pnl = self.quantity * (last_close - self.entry_price) - self.entry_fee
        return [*self.trades, Trade(side, self.entry_bar, None, self.entry_price, None, pnl)]


def run(case: Case, bars: Bars) -> Found:
    """Runs a case bar by bar."""
    opened, high, low, close = (
        column.tolist() for column in (bars.open, bars.high, bars.low, bars.close)
    )
    wanted = _crosses(case, close) if case.strategy == "sma_cross" else _scores(case, close)
    account = _Account(fee=case.fee, cash=case.capital)
    equity: list[float] = []
    decision: int | None = None
    for bar in range(len(close)):
        if case.fill == "next-open" and decision is not None:
            _act(case, account, decision, opened[bar], bar)
        _brackets(case, account, bar, opened[bar], high[bar], low[bar])
        if account.equity(close[bar]) <= 0:
            equity.append(account.equity(close[bar]))
            decision = None
            break
        decision = _decide(case, wanted[bar], account.side)
        if case.fill == "close" and decision is not None:
            _act(case, account, decision, close[bar], bar)
            decision = None
        equity.append(account.equity(close[bar]))
    return Found(
        trades=account.all_trades(close[len(equity) - 1]),
        equity=equity,
        pending=decision is not None,
        insolvent=equity[-1] <= 0,
    )


def _act(case: Case, account: _Account, target: int, price: float, bar: int) -> None:
    """Brings the position to `target`: long, short or flat."""
    if account.side and account.side != target:
        account.close(price * (1 - account.side * case.slippage), bar)
    if target and not account.side:
        account.open(target, price * (1 + target * case.slippage), bar)


def _brackets(
    case: Case, account: _Account, bar: int, opened: float, high: float, low: float
) -> None:
    """Closes at the stop or the target if the bar went there."""
    side = account.side
    if side == 0:
        return
    # On the bar of an entry at its open, and after one at an earlier close, the whole bar counts.
    worst, best = (low, high) if side == LONG else (high, low)
    if case.stop_loss is not None:
        stop = account.entry_price * (1 - side * case.stop_loss)
        if (worst - stop) * side <= 0:
            beyond = (opened - stop) * side <= 0
            account.close((opened if beyond else stop) * (1 - side * case.slippage), bar)
            return
    if case.take_profit is not None:
        target = account.entry_price * (1 + side * case.take_profit)
        if (best - target) * side >= 0:
            beyond = (opened - target) * side >= 0
            account.close(opened if beyond else target, bar)


def _decide(case: Case, signal: float | None, side: int) -> int | None:
    """The position that is wanted from here, None for no change."""
    if signal is None:
        return None
    both = case.direction == "both"
    if case.strategy == "sma_cross":
        target = LONG if signal > 0 else (SHORT if both else 0)
        return None if target == side else target
    if side == LONG:
        return 0 if signal > -case.exit_threshold else None
    if side == SHORT:
        return 0 if signal < case.exit_threshold else None
    if signal < -case.entry_threshold:
        return LONG
    if both and signal > case.entry_threshold:
        return SHORT
    return None


def _crosses(case: Case, close: list[float]) -> list[float | None]:
    """1 where the fast mean crosses above, −1 where below, else None."""
    fast, slow = _means(close, case.fast), _means(close, case.slow)
    found: list[float | None] = [None] * len(close)
    for bar in range(1, len(close)):
        before_fast, before_slow = fast[bar - 1], slow[bar - 1]
        now_fast, now_slow = fast[bar], slow[bar]
        if before_fast is None or before_slow is None or now_fast is None or now_slow is None:
            continue
        if before_fast <= before_slow and now_fast > now_slow:
            found[bar] = 1.0
        elif before_fast >= before_slow and now_fast < now_slow:
            found[bar] = -1.0
    return found


def _means(close: list[float], count: int) -> list[float | None]:
    found: list[float | None] = []
    for bar in range(len(close)):
        window = close[max(0, bar - count + 1) : bar + 1]
        found.append(math.fsum(window) / count if len(window) == count else None)
    return found


def _scores(case: Case, close: list[float]) -> list[float | None]:
    """The z-score, None where there is none."""
    count = case.lookback_period
    found: list[float | None] = []
    for bar in range(len(close)):
        window = close[max(0, bar - count + 1) : bar + 1]
        if len(window) < count:
            found.append(None)
            continue
        mean = math.fsum(window) / count
        squares = math.fsum((value - mean) ** 2 for value in window)
        deviation = math.sqrt(squares / (count - case.ddof))
        found.append((close[bar] - mean) / deviation if deviation else None)
    return found
