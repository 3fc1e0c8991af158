"""The search for look-ahead: signals of the past must not know the future.

The signals are computed once more on beginnings of the data and compared with those of the whole
history, bar for bar. A strategy that normalises by the whole series differs on any beginning. One
that peeks a bar ahead differs at the last bar of a beginning that ends with one of its signals; so
beginnings end there, at entries and where exits begin, besides the longest one and, where there are
few signals, some at even distances.

Of long data only the first twentieth is searched, which keeps the search cheap: what looks ahead
there and what never does are told apart, what begins to look ahead later is not found.
"""

from typing import Final

import msgspec
import numpy as np

from headwater.analytics.arrays import BoolArray
from headwater.core.errors import RequestError
from headwater.strategies.bars import Bars, time_text
from headwater.strategies.base import BaseStrategy
from headwater.strategies.signals import Signals

__all__ = ["LookAhead", "LookAheadReport", "check_signals"]

ENTRY_CUTS: Final = 3
EXIT_CUTS: Final = 2
CUTS: Final = 6
_SHARE: Final = 20
_SMALL: Final = 2_000


class LookAhead(RequestError):
    """A strategy's signals of the past change with the future.

    Args:
        strategy: its name.
        bar: number of the first bar whose signal differs.
        when: that bar's time, ISO 8601.
        known: how many bars the strategy was shown.
    """

    def __init__(self, strategy: str, bar: int, when: str, known: int) -> None:
        super().__init__(
            "strategy",
            strategy,
            f"signals that only look back: at bar {bar} ({when}) they differ when it is shown the "
            f"first {known} bars instead of all; look-ahead",
        )
        self.bar = bar
        self.known = known


class LookAheadReport(msgspec.Struct, frozen=True, kw_only=True):
    """What was done against look-ahead.

    Attributes:
        how: in words.
        beginnings: how many bars each beginning had on which the signals were computed again.
    """

    how: str
    beginnings: tuple[int, ...] = ()


def check_signals(strategy: BaseStrategy, bars: Bars, signals: Signals) -> LookAheadReport:
    """Computes a strategy's signals on beginnings of the bars and compares.

    Args:
        strategy: whose signals they are.
        bars: all bars.
        signals: what it said of all of them.

    Returns:
        What was compared.

    Raises:
        LookAhead: a signal differs; names the first bar at which.
        RequestError: the strategy refuses a beginning that is as long as its look-back.
    """
    cuts = _cuts(strategy, signals, len(bars))
    for known in cuts:
        beginning = bars.prefix(known)
        again = Signals.of(strategy.generate_signals(beginning), beginning)
        bar = signals.prefix_equals(again)
        if bar is not None:
            raise LookAhead(strategy.name, bar, time_text(int(bars.timestamp_ms[bar])), known)
    return LookAheadReport(
        how=f"signals computed again on {len(cuts)} beginnings of the data: none differs",
        beginnings=cuts,
    )


def _cuts(strategy: BaseStrategy, signals: Signals, length: int) -> tuple[int, ...]:
    """Lengths of the beginnings: of the first twentieth, of short data of the whole.

    A long look-back makes it as much more as it takes to have signals at all.
    """
    most = min(length - 1, max(length // _SHARE, _SMALL, 2 * strategy.lookback))
    least = max(strategy.lookback, most // _SHARE, 2)
    if most < least:
        return ()
    entries = _some(signals.enter_long[least:most] | signals.enter_short[least:most], ENTRY_CUTS)
    # Exits may be wished for at most bars: only where they begin do they tell anything.
    exits = signals.exit_long[least - 1 : most] | signals.exit_short[least - 1 : most]
    leaves = _some(exits[1:] > exits[:-1], EXIT_CUTS)
    signalled = [least + 1 + place for place in entries + leaves]
    longest_first = _evenly(most, least, max(1, CUTS - len(signalled)))
    return tuple(sorted({*signalled, *longest_first}))


def _some(column: BoolArray, count: int) -> list[int]:
    """The places of at most so many yeses of a column, evenly among them all."""
    places: list[int] = np.flatnonzero(column).tolist()
    if len(places) <= count:
        return places
    return [places[at] for at in _evenly(0, len(places) - 1, count)]


def _evenly(first: int, last: int, count: int) -> list[int]:
    """So many whole numbers from the first to the last, which may be the smaller one."""
    if count == 1:
        return [first]
    return [first + at * (last - first) // (count - 1) for at in range(count)]
