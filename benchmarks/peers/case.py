"""One back-test that ours and a peer run alike, and what comes back. Standard library and numpy.

The drivers `run_<peer>` are programs of the peers' own interpreters:
`python -m benchmarks.peers.run_vectorbt JOBS.json ANSWERS.json` from the repository's root. The
first file is a list of cases, the second becomes the list of their answers, in the same order; a
case that the peer cannot run is answered by `{"refused": reason}`. Bars are `.npz` files with the
columns `timestamp_ms, open, high, low, close, volume` of one length, times ascending and even.
"""

import gc
import json
import os
import platform
import resource
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

COLUMNS: Final = ("open", "high", "low", "close", "volume")
"""Price and volume columns of a file of bars, beside `timestamp_ms`."""

YEAR_MS: Final = 365 * 86_400_000
"""The year of all annualised figures: crypto trades on every day."""


class Refused(Exception):
    """The peer cannot run this case; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What is run. Parameters of the strategy that is not chosen are ignored.

    Attributes:
        bars: path of the `.npz` file.
        strategy: `sma_cross` or `mean_reversion`.
        fast: bars of the fast mean.
        slow: bars of the slow mean.
        lookback_period: bars of the z-score.
        entry_threshold: standard deviations away from the mean to enter.
        exit_threshold: standard deviations to leave at.
        ddof: 1 divides the deviation by n − 1, 0 by n.
        direction: `long` or `both`.
        stop_loss: fraction of the entry price, None for none.
        take_profit: fraction of the entry price, None for none.
        fill: `next-open` or `close`.
        fee_bps: of the notional, each side.
        slippage_bps: against the trader, each side.
        capital: in quote currency.
        keep: names of the peer's own ways (`differences`) that are not bridged.
        engine: of peers with several: `rust` or `numba`, `fast` or empty.
        own_indicators: means by the peer's idiom (as timed) and not by `rules`.
        repeats: timed runs, 0 for none.
        warm_up_bars: the package is warmed on so many bars before it is timed.
        with_equity: whether the answer has the curve.
        sweep: pairs (fast, slow) to run instead of one; only `sma_cross`.
        block: combinations at a time, for peers that hold them side by side.
        processes: for peers that spread a sweep.
    """

    bars: str
    strategy: str = "sma_cross"
    fast: int = 10
    slow: int = 30
    lookback_period: int = 20
    entry_threshold: float = 2.0
    exit_threshold: float = 0.5
    ddof: int = 1
    direction: str = "long"
    stop_loss: float | None = None
    take_profit: float | None = None
    fill: str = "next-open"
    fee_bps: float = 10.0
    slippage_bps: float = 0.0
    capital: float = 10_000.0
    keep: tuple[str, ...] = ()
    engine: str = ""
    own_indicators: bool = False
    repeats: int = 0
    warm_up_bars: int = 2_000
    with_equity: bool = False
    sweep: tuple[tuple[int, int], ...] = ()
    block: int = 100
    processes: int = 2

    @property
    def fee(self) -> float:
        """Fee as a fraction of the notional."""
        return self.fee_bps / 10_000

    @property
    def slippage(self) -> float:
        """Slippage as a fraction of the price."""
        return self.slippage_bps / 10_000

    @property
    def has_brackets(self) -> bool:
        """Whether there is a stop or a target."""
        return self.stop_loss is not None or self.take_profit is not None

    @classmethod
    def of(cls, values: dict[str, Any]) -> "Case":
        """The case of a line of the jobs file; lists become tuples.

        Raises:
            TypeError: a field that is unknown.
        """
        given = dict(values)
        given["keep"] = tuple(given.get("keep", ()))
        given["sweep"] = tuple((int(fast), int(slow)) for fast, slow in given.get("sweep", ()))
        return cls(**given)


@dataclass(frozen=True, slots=True)
class Bars:
    """The columns of one series; all of one length."""

    timestamp_ms: NDArray[np.int64]
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats

    @property
    def interval_ms(self) -> int:
        """Distance of two bars."""
        return int(self.timestamp_ms[1] - self.timestamp_ms[0])

    def head(self, count: int) -> "Bars":
        """The first `count` bars."""
        return Bars(*(getattr(self, each.name)[:count] for each in fields(self)))

    def save(self, path: Path) -> None:
        """Writes the file that `load_bars` reads."""
        np.savez(path, **{each.name: getattr(self, each.name) for each in fields(self)})


class Trade(NamedTuple):
    """One position from its opening to its close.

    Attributes:
        side: `long` or `short`.
        entry_bar: bar of the fill.
        exit_bar: bar of the fill, None while it is open.
        entry_price: in quote currency.
        exit_price: None while it is open.
        pnl: net of both fees; of an open trade at the last close, net of the entry's.
    """

    side: str
    entry_bar: int
    exit_bar: int | None
    entry_price: float
    exit_price: float | None
    pnl: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What one run gave.

    Attributes:
        trades: in order of entry.
        equity: at every close, None when the peer has no such curve.
        final_equity: at the last close.
        max_drawdown: negative fraction of the peak, None when not offered.
        sharpe: by the peer's own definition.
        sharpe_is: that definition in words.
    """

    trades: list[Trade]
    equity: Floats | None
    final_equity: float
    max_drawdown: float | None
    sharpe: float | None
    sharpe_is: str


def load_bars(path: str) -> Bars:
    """Reads a file of bars into memory."""
    with np.load(path) as stored:
        columns = {name: stored[name].astype(np.float64) for name in COLUMNS}
        return Bars(timestamp_ms=stored["timestamp_ms"].astype(np.int64), **columns)


def drawdown(equity: Floats) -> float:
    """Deepest fall from a peak as a negative fraction; 0 when there is none."""
    peaks = np.maximum.accumulate(equity)
    return float((equity / peaks - 1).min())


def timed(
    case: Case,
    bars: Bars,
    run: Callable[[Case, Any], Outcome],
    prepare: Callable[[Case, Bars], Any] = lambda _, bars: bars,
) -> dict[str, Any]:
    """Warms up, runs once or `repeats` times, and says what it took and gave.

    Time is CPU time of this process, all threads, user and system.

    Args:
        case: what is run.
        bars: over what.
        run: one run, from data in the package's own form to the figures; timed.
        prepare: brings the bars into that form, for each run anew; not timed.
    """
    spent: list[float] = []
    if case.repeats:
        head = bars.head(case.warm_up_bars)
        run(case, prepare(case, head))
    for _ in range(max(case.repeats, 1)):
        data = prepare(case, bars)
        gc.collect()
        began = time.process_time()
        found = run(case, data)
        spent.append(time.process_time() - began)
    return {
        "trades": [list(each) for each in found.trades],
        "final_equity": found.final_equity,
        "total_return": found.final_equity / case.capital - 1,
        "max_drawdown": found.max_drawdown,
        "sharpe": found.sharpe,
        "sharpe_is": found.sharpe_is,
        "equity": None if found.equity is None or not case.with_equity else found.equity.tolist(),
        **spent_of(spent),
    }


def spent_of(cpu_s: list[float]) -> dict[str, Any]:
    """CPU seconds of the runs, their median, and the largest memory of this process so far."""
    return {
        "cpu_s": statistics.median(cpu_s),
        "cpu_s_each": cpu_s,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "python": platform.python_version(),
    }


def drive(version: str, answer: Callable[[Case, Bars], dict[str, Any]]) -> None:
    """The program of a driver: reads the jobs, answers each, writes the answers.

    Args:
        version: the peer's name and version, for the answers.
        answer: runs one case over its bars.
    """
    jobs = [Case.of(each) for each in json.loads(Path(sys.argv[1]).read_text())]
    loaded: dict[str, Bars] = {}
    answers: list[dict[str, Any]] = []
    for case in jobs:
        bars = loaded.setdefault(case.bars, load_bars(case.bars))
        try:
            answers.append({"peer": version, **answer(case, bars)})
        except Refused as reason:
            answers.append({"peer": version, "refused": str(reason)})
    Path(sys.argv[2]).write_text(json.dumps(answers))
    sys.stdout.flush()
    # Some packages leave threads behind that end the interpreter badly.
    os._exit(0)


def as_job(case: Case) -> dict[str, Any]:
    """The case as a line of the jobs file."""
    return asdict(case)
