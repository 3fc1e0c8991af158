"""Series, signals and a strategy that answers callbacks from ready signals, for tests of drives."""

from typing import Any

import numpy as np

from headwater.analytics.arrays import BoolArray, FloatArray
from headwater.strategies.bars import COLUMNS, Bars
from headwater.strategies.base import BaseStrategy, Decision
from headwater.strategies.openings import Bracket, Opening
from headwater.strategies.signals import Signals

HOUR_MS = 3_600_000


def bars_of(
    open_: Any,
    high: Any,
    low: Any,
    close: Any,
    *,
    interval_ms: int = HOUR_MS,
    symbol: str = "BTCUSDT",
) -> Bars:
    """Bars one interval apart, each of volume 1."""
    times = 1_700_000_000_000 // interval_ms * interval_ms + interval_ms * np.arange(len(close))
    columns = {"open": open_, "high": high, "low": low, "close": close}
    return Bars.from_columns(times, columns | {"volume": np.ones(len(close))}, symbol=symbol)


def walk(seed: int, length: int, *, deviation: float = 0.01, tick: float = 0.0) -> Bars:
    """A random walk whose opens jump a little away from the close before."""
    chance = np.random.default_rng(seed)
    moves = chance.normal(0.0, deviation, length)
    close = 100.0 * np.exp(np.cumsum(moves))
    jumps = np.exp(chance.normal(0.0, deviation / 4, length))
    open_ = np.concatenate(([100.0], close[:-1])) * jumps
    reach = np.abs(chance.normal(0.0, deviation, (2, length)))
    if tick:
        open_, close = _ticks(open_, tick), _ticks(close, tick)
    high = np.maximum(open_, close) * np.exp(reach[0])
    low = np.minimum(open_, close) * np.exp(-reach[1])
    return bars_of(open_, high, low, close)


def halves(bars: Bars) -> Bars:
    """Each bar as two: the first reaches one end, the second the other."""
    half = bars.interval_ms // 2
    times = np.stack((bars.timestamp_ms, bars.timestamp_ms + half), axis=1).ravel()
    middle = (bars.open + bars.close) / 2
    columns = {
        "open": np.stack((bars.open, middle), axis=1).ravel(),
        "high": np.stack((bars.high, np.maximum(middle, bars.close)), axis=1).ravel(),
        "low": np.stack((np.minimum(middle, bars.open), bars.low), axis=1).ravel(),
        "close": np.stack((middle, bars.close), axis=1).ravel(),
        "volume": np.ones(2 * len(bars)),
    }
    return Bars.from_columns(times, columns)


def some_of(bars: Bars, rows: BoolArray) -> Bars:
    """Bars of which some are missing; their length stays what it was."""
    columns = {name: getattr(bars, name)[rows] for name in COLUMNS}
    return Bars(bars.timestamp_ms[rows], columns, interval_ms=bars.interval_ms)


def _ticks(values: FloatArray, tick: float) -> FloatArray:
    ticked: FloatArray = np.maximum(np.round(values / tick), 1.0) * tick
    return ticked


def random_signals(seed: int, bars: Bars, *, share: float, sides: str = "both") -> Signals:
    """Wishes by chance; never both entries at once."""
    chance = np.random.default_rng(seed)
    long_, out_long, short, out_short = chance.random((4, len(bars))) < share
    has_short = sides == "both"
    return Signals(
        bars,
        enter_long=long_,
        exit_long=out_long,
        enter_short=short & ~long_ if has_short else None,
        exit_short=out_short if has_short else None,
    )


class Answering(BaseStrategy):
    """Answers each callback from ready signals."""

    name = "answering"

    def __init__(self, signals: Signals, bracket: Bracket, *, reverses: bool) -> None:
        super().__init__()
        self._signals = signals
        self._bracket = bracket
        self._reverses = reverses

    @property
    def bracket(self) -> Bracket:
        return self._bracket

    @property
    def reverses(self) -> bool:
        return self._reverses

    def should_open_position(self, data: Any) -> Decision:
        bar = len(data) - 1
        if self._signals.enter_long[bar]:
            return True, None
        if self._signals.enter_short[bar]:
            return True, Opening(is_long=False)
        return False, None

    def should_close_position(self, position: Any, data: Any) -> Decision:
        bar, signals = len(data) - 1, self._signals
        leave = signals.exit_long if position.is_long else signals.exit_short
        turn = signals.enter_short if position.is_long else signals.enter_long
        return bool(leave[bar] or (self._reverses and turn[bar])), "signal"
