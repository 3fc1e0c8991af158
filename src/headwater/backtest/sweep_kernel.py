"""The account of `account.py` as machine code: one signal set over all bars, figures only.

It repeats the plain account's operations (fee, slippage, next open or same close, stop and target,
turning, ruin) in their order, so trades and final equity are those of a single run to the last bit;
a test holds them together. What it leaves out is the equity curve: each close is marked, added to
the sums of its block and forgotten, and bars without a position are skipped.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from headwater.analytics.arrays import FloatArray, IndexArray
from headwater.backtest.compiled import compiled
from headwater.backtest.sweep_tally import Figure
from headwater.strategies.signals import Signals

__all__ = [
    "ENTER_LONG",
    "ENTER_SHORT",
    "EXIT_LONG",
    "EXIT_SHORT",
    "RULES",
    "CodeArray",
    "pack_signals",
    "simulate",
]

CodeArray = npt.NDArray[np.uint8]
"""Wishes at each close: sums of the four constants below."""

ENTER_LONG: Final = 1
EXIT_LONG: Final = 2
ENTER_SHORT: Final = 4
EXIT_SHORT: Final = 8
_ENTER: Final = ENTER_LONG | ENTER_SHORT

RULES: Final = 7
"""Numbers that say the rules: capital, fee, 1 + slippage, 1 − slippage, stop, target (NaN: none),
and 1 where fills wait for the next open."""

# Places of the account's numbers.
_CASH: Final = 0
_HELD: Final = 1
_ENTRY_PRICE: Final = 2
_ENTRY_FEE: Final = 3
_STOP: Final = 4
_TARGET: Final = 5
_ENTRY_BAR: Final = 6
_LOGGED: Final = 7

# Places of the marks: the equity before, the highest, the worst drawdown, the sums of the block.
_PREVIOUS: Final = 0
_PEAK: Final = 1
_WORST: Final = 2
_TOTAL: Final = 3
_SQUARES: Final = 4

# Places in the row; numba reads whole numbers, not members of an enumeration.
_FINAL_EQUITY: Final = int(Figure.FINAL_EQUITY)
_MAX_DRAWDOWN: Final = int(Figure.MAX_DRAWDOWN)
_RETURN_SUM: Final = int(Figure.RETURN_SUM)
_RETURN_SQUARES: Final = int(Figure.RETURN_SQUARES)
_BARS_RUN: Final = int(Figure.BARS_RUN)
_CLOSED_TRADES: Final = int(Figure.CLOSED_TRADES)
_WINS: Final = int(Figure.WINS)
_GROSS_PROFIT: Final = int(Figure.GROSS_PROFIT)
_GROSS_LOSS: Final = int(Figure.GROSS_LOSS)
_BARS_EXPOSED: Final = int(Figure.BARS_EXPOSED)
_AMBIGUOUS_BARS: Final = int(Figure.AMBIGUOUS_BARS)
_OPEN_TRADES: Final = int(Figure.OPEN_TRADES)
_PENDING: Final = int(Figure.PENDING)
_INSOLVENT_BAR: Final = int(Figure.INSOLVENT_BAR)


def pack_signals(signals: Signals) -> CodeArray:
    """The four columns of wishes as one of codes; shape (N,)."""
    codes = np.empty(len(signals.enter_long), dtype=np.uint8)
    _pack(
        signals.enter_long.view(np.uint8),
        signals.exit_long.view(np.uint8),
        signals.enter_short.view(np.uint8),
        signals.exit_short.view(np.uint8),
        codes,
    )
    return codes


@compiled
def _pack(
    enter_long: CodeArray,
    exit_long: CodeArray,
    enter_short: CodeArray,
    exit_short: CodeArray,
    codes: CodeArray,
) -> None:
    for at in range(codes.size):
        codes[at] = enter_long[at] | exit_long[at] << 1 | enter_short[at] << 2 | exit_short[at] << 3


@compiled
def _enter(account: FloatArray, rules: FloatArray, bar: int, price: float, is_long: bool) -> None:
    """Opens a position with all the cash."""
    price *= rules[2] if is_long else rules[3]
    quantity = account[_CASH] / (price * (1.0 + rules[1]))
    value = quantity * price
    cost = value * rules[1]
    if is_long:
        account[_CASH] -= value + cost
        account[_HELD] = quantity
        account[_STOP] = price * (1.0 - rules[4])
        account[_TARGET] = price * (1.0 + rules[5])
    else:
        account[_CASH] += value - cost
        account[_HELD] = -quantity
        account[_STOP] = price * (1.0 + rules[4])
        account[_TARGET] = price * (1.0 - rules[5])
    account[_ENTRY_PRICE] = price
    account[_ENTRY_FEE] = cost
    account[_ENTRY_BAR] = bar


@compiled
def _leave(
    account: FloatArray,
    rules: FloatArray,
    row: FloatArray,
    log: FloatArray,
    bar: int,
    price: float,
    takes: bool,
) -> None:
    """Closes the position and counts its profit; `log` gets the trade where it has room."""
    held = account[_HELD]
    if takes:
        price *= rules[3] if held > 0.0 else rules[2]
    quantity = held if held > 0.0 else -held
    value = quantity * price
    cost = value * rules[1]
    if held > 0.0:
        account[_CASH] += value - cost
    else:
        account[_CASH] -= value + cost
    account[_HELD] = 0.0
    pnl = held * (price - account[_ENTRY_PRICE])
    pnl -= account[_ENTRY_FEE] + cost
    row[_CLOSED_TRADES] += 1.0
    if pnl > 0.0:
        row[_WINS] += 1.0
        row[_GROSS_PROFIT] += pnl
    else:
        row[_GROSS_LOSS] -= pnl
    logged = int(account[_LOGGED])
    if logged < log.shape[0]:
        log[logged, 0] = account[_ENTRY_BAR]
        log[logged, 1] = bar
        log[logged, 2] = account[_ENTRY_PRICE]
        log[logged, 3] = price
        log[logged, 4] = held
        log[logged, 5] = pnl
        account[_LOGGED] += 1.0


@compiled
def _close_in_bar(
    account: FloatArray,
    rules: FloatArray,
    row: FloatArray,
    log: FloatArray,
    bar: int,
    open_: float,
    high: float,
    low: float,
) -> None:
    """Closes the position where the bar reaches its stop, else its target; NaN is never reached."""
    stop, target = account[_STOP], account[_TARGET]
    if account[_HELD] > 0.0:
        stopped, won = low <= stop, high >= target
        at = open_ if open_ <= stop else stop
        gained = open_ if open_ >= target else target
    else:
        stopped, won = high >= stop, low <= target
        at = open_ if open_ >= stop else stop
        gained = open_ if open_ <= target else target
    if stopped:
        if won:
            row[_AMBIGUOUS_BARS] += 1.0
        _leave(account, rules, row, log, bar, at, True)
    elif won:
        _leave(account, rules, row, log, bar, gained, False)


@compiled
def _fill(
    account: FloatArray,
    rules: FloatArray,
    row: FloatArray,
    log: FloatArray,
    bar: int,
    price: float,
    code: int,
    reverses: bool,
) -> None:
    """Does what a close's code asks of the position, at a price of the market."""
    held = account[_HELD]
    if held == 0.0:
        _enter(account, rules, bar, price, code & ENTER_LONG != 0)
        return
    _leave(account, rules, row, log, bar, price, True)
    opposite = ENTER_SHORT if held > 0.0 else ENTER_LONG
    if reverses and code & opposite != 0 and account[_CASH] > 0.0:
        _enter(account, rules, bar, price, held < 0.0)


@compiled
def simulate(
    codes: CodeArray,
    prices: tuple[FloatArray, FloatArray, FloatArray, FloatArray],
    rules: FloatArray,
    reverses: bool,
    edges: IndexArray,
    row: FloatArray,
    blocks: FloatArray,
    log: FloatArray,
) -> None:
    """Runs one signal set over all bars.

    Args:
        codes: shape (N,), wishes at each close as the sum of the four constants.
        prices: open, high, low and close, each of shape (N,).
        rules: shape (RULES,).
        reverses: whether an opposite entry turns a position at once.
        edges: shape (BLOCKS + 1,), as `block_edges`.
        row: shape (Figure.COUNT,), zeros; filled.
        blocks: shape (BLOCKS, 2), zeros; filled.
        log: shape (any, 6), filled with the first closed trades: bars of entry and exit, their
            prices, base units held, profit.
    """
    account = np.zeros(8)
    account[_CASH] = rules[0]
    _walk(codes, prices, rules, reverses, edges, row, blocks, log, account)
    for block in range(blocks.shape[0]):
        row[_RETURN_SUM] += blocks[block, 0]
        row[_RETURN_SQUARES] += blocks[block, 1]
    row[_OPEN_TRADES] = 1.0 if account[_HELD] != 0.0 else 0.0


@compiled
def _walk(
    codes: CodeArray,
    prices: tuple[FloatArray, FloatArray, FloatArray, FloatArray],
    rules: FloatArray,
    reverses: bool,
    edges: IndexArray,
    row: FloatArray,
    blocks: FloatArray,
    log: FloatArray,
    account: FloatArray,
) -> None:
    """Goes through the bars, past those without a position; the arguments as `simulate`."""
    open_, high, low, close = prices
    waits = rules[6] != 0.0
    has_levels = not (np.isnan(rules[4]) and np.isnan(rules[5]))
    if_short = EXIT_SHORT | (ENTER_LONG if reverses else 0)
    if_long = EXIT_LONG | (ENTER_SHORT if reverses else 0)
    marks = np.array([rules[0], rules[0], 0.0, 0.0, 0.0])
    equity = cash = rules[0]
    held = 0.0
    block, edge, at, end, exposed = 0, edges[1], 0, codes.size, 0
    wanted, pending, ruined = _ENTER, False, -1
    while at < end:
        if not pending:
            first = at
            if held == 0.0:
                at = _skip(codes, at, end)
            else:
                at = _hold(codes, prices, account, marks, at, min(end, edge), wanted, has_levels)
                exposed += at - first
            if at == end:
                break
        moved = pending
        if pending:
            _fill(account, rules, row, log, at, open_[at], codes[at - 1], reverses)
        if has_levels and account[_HELD] != 0.0:
            moved = True
            _close_in_bar(account, rules, row, log, at, open_[at], high[at], low[at])
        if moved:
            cash, held = account[_CASH], account[_HELD]
            wanted = _ENTER if held == 0.0 else (if_long if held > 0.0 else if_short)
        pending = codes[at] & wanted != 0
        if pending and not waits:
            pending = False
            # Whoever was ruined inside the bar has nothing to enter with.
            if cash > 0.0 or held != 0.0:
                _fill(account, rules, row, log, at, close[at], codes[at], reverses)
                cash, held = account[_CASH], account[_HELD]
                wanted = _ENTER if held == 0.0 else (if_long if held > 0.0 else if_short)
        equity = held * close[at] + cash
        if at >= edge:
            blocks[block, 0], blocks[block, 1] = marks[_TOTAL], marks[_SQUARES]
            marks[_TOTAL] = marks[_SQUARES] = 0.0
            while at >= edge:
                block += 1
                edge = edges[block + 1]
        _mark(marks, equity)
        if held != 0.0:
            exposed += 1
        at += 1
        if equity <= 0.0:
            ruined, end, pending = at - 1, at, False
    blocks[block, 0], blocks[block, 1] = marks[_TOTAL], marks[_SQUARES]
    row[_FINAL_EQUITY], row[_MAX_DRAWDOWN] = marks[_PREVIOUS], marks[_WORST]
    row[_BARS_RUN], row[_BARS_EXPOSED] = end, exposed
    row[_PENDING], row[_INSOLVENT_BAR] = (1.0 if pending else 0.0), ruined


@compiled
def _skip(codes: CodeArray, at: int, end: int) -> int:
    """The first bar from `at` on at whose close somebody wants to enter."""
    while at < end and codes[at] & _ENTER == 0:
        at += 1
    return at


@compiled
def _mark(marks: FloatArray, equity: float) -> None:
    """Adds one close to the sums and the drawdown."""
    gain = equity / marks[_PREVIOUS] - 1.0
    marks[_TOTAL] += gain
    marks[_SQUARES] += gain * gain
    marks[_PREVIOUS] = equity
    if equity > marks[_PEAK]:
        marks[_PEAK] = equity
    marks[_WORST] = min(marks[_WORST], equity / marks[_PEAK] - 1.0)


@compiled
def _hold(
    codes: CodeArray,
    prices: tuple[FloatArray, FloatArray, FloatArray, FloatArray],
    account: FloatArray,
    marks: FloatArray,
    at: int,
    end: int,
    wanted: int,
    has_levels: bool,
) -> int:
    """Marks the closes of a held position up to the first bar that does more than that.

    Returns:
        That bar: its code is wanted, it reaches a level, or its close is the ruin; else `end`.
    """
    _, high, low, close = prices
    cash, held = account[_CASH], account[_HELD]
    stop, target = account[_STOP], account[_TARGET]
    lower, upper = (stop, target) if held > 0.0 else (target, stop)
    previous, peak, worst = marks[_PREVIOUS], marks[_PEAK], marks[_WORST]
    total, squares = marks[_TOTAL], marks[_SQUARES]
    while at < end and codes[at] & wanted == 0:
        if has_levels and (low[at] <= lower or high[at] >= upper):
            break
        equity = held * close[at] + cash
        if equity <= 0.0:
            break
        gain = equity / previous - 1.0
        total += gain
        squares += gain * gain
        previous = equity
        if equity > peak:
            peak = equity
        elif equity < peak * (1.0 + worst):
            worst = min(worst, equity / peak - 1.0)
        at += 1
    marks[_PREVIOUS], marks[_PEAK], marks[_WORST] = previous, peak, worst
    marks[_TOTAL], marks[_SQUARES] = total, squares
    return at
