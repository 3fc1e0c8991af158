"""Answers of the peers to all cases, asked once for a module, and what "equal" means."""

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.peers.asking import ask
from benchmarks.peers.case import Bars, Case, as_job
from tests.peers.cases import CASES, Named, named
from tests.peers.oracle import Found
from tests.peers.series import SERIES

TOLERANCE = 1e-9
"""Relative, of prices and equity; of profits and drawdowns relative to the capital."""

Answer = dict[str, Any]


def answers(
    peer: str, folder: Path, cases: Sequence[Named] = CASES
) -> dict[str, tuple[Case, Answer]]:
    """What the peer gives for each case, by the case's id (and what it keeps)."""
    for name in {series for series, _ in cases}:
        path = folder / f"{name}.npz"
        if not path.exists():
            SERIES[name]().save(path)
    ready = [
        (key(series, case), replace(case, bars=str(folder / f"{series}.npz"), with_equity=True))
        for series, case in cases
    ]
    found = ask(peer, [as_job(case) for _, case in ready])
    return {name: (case, one) for (name, case), one in zip(ready, found, strict=True)}


def key(series: str, case: Case) -> str:
    """The id of a case with what it keeps."""
    return "+".join([named(series, case), *case.keep])


def unlike(wanted: Found, got: Answer, capital: float) -> list[str]:
    """What differs between the oracle and an answer with the same fields, in words; empty if none.

    Of a ruined account only the time before is compared, since every package goes its own way then.
    """
    end = len(wanted.equity) - 1 if wanted.insolvent else len(wanted.equity)
    trades = [each for each in wanted.trades if each.exit_bar is not None and each.exit_bar < end]
    theirs = [each for each in got["trades"] if each[2] is not None and each[2] < end]
    said = _trades_unlike(trades, theirs, capital)
    if not wanted.insolvent:
        held = [list(each[:4]) for each in wanted.trades if each.exit_bar is None]
        also = [each[:4] for each in got["trades"] if each[2] is None]
        if not (len(held) == len(also) and all(map(_same_entry, held, also))):
            said.append(f"open: {held} and {also}")
        for name in ("final_equity", "max_drawdown"):
            ours, other = getattr(wanted, name), got[name]
            if not math.isclose(ours, other, rel_tol=TOLERANCE, abs_tol=TOLERANCE):
                said.append(f"{name}: {ours} and {other}")
        total = wanted.final_equity / capital - 1
        if not math.isclose(total, got["total_return"], rel_tol=TOLERANCE, abs_tol=TOLERANCE):
            said.append(f"total_return: {total} and {got['total_return']}")
    for bar, (ours, other) in enumerate(zip(wanted.equity[:end], got["equity"], strict=False)):
        if not math.isclose(ours, other, rel_tol=TOLERANCE):
            said.append(f"equity of bar {bar}: {ours} and {other}")
            break
    return said


def _same_entry(ours: Sequence[Any], theirs: Sequence[Any]) -> bool:
    same_place = list(ours[:3]) == list(theirs[:3])
    return same_place and math.isclose(ours[3], theirs[3], rel_tol=TOLERANCE)


def _trades_unlike(
    ours: Sequence[Sequence[Any]], theirs: Sequence[Sequence[Any]], capital: float
) -> list[str]:
    if len(ours) != len(theirs):
        return [f"{len(ours)} and {len(theirs)} closed trades"]
    for number, (one, other) in enumerate(zip(ours, theirs, strict=True)):
        same = (
            _same_entry(one, other)
            and math.isclose(one[4], other[4], rel_tol=TOLERANCE)
            and abs(one[5] - other[5]) <= TOLERANCE * capital
        )
        if not same:
            return [f"trade {number}: {tuple(one)} and {tuple(other)}"]
    return []


def sharpe_by_bars(equity: Sequence[float], capital: float, bars: Bars) -> float:
    """Mean bar return over deviation (n − 1), times the root of bars in 365 days.

    The first return is of the first close against the capital.
    """
    before = [capital, *equity[:-1]]
    returns = [now / then - 1 for now, then in zip(equity, before, strict=True)]
    mean = math.fsum(returns) / len(returns)
    variance = math.fsum((each - mean) ** 2 for each in returns) / (len(returns) - 1)
    year = 365 * 86_400_000 / bars.interval_ms
    return mean / math.sqrt(variance) * math.sqrt(year)
