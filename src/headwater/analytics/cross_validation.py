"""Which bars to learn from and which to test on, without the one leaking into the other.

A label or an open trade reaches over several bars, so bars near a test range know something of it.
`purge` bars on both sides of a test range are left out of training, and `embargo` more after it,
since what the test range saw lingers (López de Prado 2018, Advances in Financial Machine Learning,
chapters 7 and 12). All ranges are of bar numbers, the end exclusive.
"""

from collections.abc import Iterator
from itertools import combinations
from math import comb
from typing import Final, SupportsIndex

import msgspec

from headwater.analytics.indicator_series import read_window
from headwater.core.errors import RequestError

SPLITS_MAX: Final = 100_000


class BarRange(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """Bars from `start` to before `end`."""

    start: int
    end: int


class Split(msgspec.Struct, frozen=True, kw_only=True):
    """One way to divide the bars.

    Attributes:
        train: ranges to learn from, in order of time, none empty, none touching another.
        test: ranges to test on, in order of time, none touching another.
    """

    train: tuple[BarRange, ...]
    test: tuple[BarRange, ...]


def purged_folds(
    bars: SupportsIndex,
    folds: SupportsIndex,
    *,
    purge_bars: SupportsIndex = 0,
    embargo_bars: SupportsIndex = 0,
) -> list[Split]:
    """Purged k-fold cross-validation: each fold is tested once, with the others as training.

    Args:
        bars: number of bars.
        folds: parts of (as nearly as can be) equal length, 2 to `bars`.
        purge_bars: left out of training on both sides of the test range.
        embargo_bars: left out after it, beyond the purge.

    Returns:
        One split a fold, in order of time.

    Raises:
        RequestError: a number is out of range, or a split has nothing to learn from.
    """
    return combinatorial_splits(
        bars, folds, test_folds=1, purge_bars=purge_bars, embargo_bars=embargo_bars
    )


def combinatorial_splits(
    bars: SupportsIndex,
    folds: SupportsIndex,
    *,
    test_folds: SupportsIndex = 2,
    purge_bars: SupportsIndex = 0,
    embargo_bars: SupportsIndex = 0,
) -> list[Split]:
    """Combinatorial purged cross-validation: every choice of some folds is tested once.

    Args:
        bars: number of bars.
        folds: parts of (as nearly as can be) equal length, 2 to `bars`.
        test_folds: folds of a test, 1 to `folds` − 1.
        purge_bars: left out of training on both sides of every test range.
        embargo_bars: left out after it, beyond the purge.

    Returns:
        C(folds, test_folds) splits, at most 100,000; every fold is in the same number of tests.

    Raises:
        RequestError: a number is out of range, or a split has nothing to learn from.
    """
    length = read_window("bars", bars, least=2)
    parts = read_window("folds", folds, least=2)
    chosen = read_window("test_folds", test_folds)
    purge = read_window("purge_bars", purge_bars, least=0)
    embargo = read_window("embargo_bars", embargo_bars, least=0)
    if parts > length:
        raise RequestError("folds", parts, f"at most the {length} bars")
    if chosen >= parts:
        raise RequestError("test_folds", chosen, f"fewer than folds={parts}")
    if comb(parts, chosen) > SPLITS_MAX:
        raise RequestError("test_folds", chosen, f"at most {SPLITS_MAX} splits")
    edges = [part * length // parts for part in range(parts + 1)]
    splits = []
    for choice in combinations(range(parts), chosen):
        test = tuple(_joined((edges[part], edges[part + 1]) for part in choice))
        train = tuple(_left_over(length, test, purge, embargo))
        if not train:
            raise RequestError("purge_bars", purge, "fewer, for a split has no bar to learn from")
        splits.append(Split(train=train, test=test))
    return splits


def walk_forward_windows(
    bars: SupportsIndex,
    *,
    train_bars: SupportsIndex,
    test_bars: SupportsIndex,
    embargo_bars: SupportsIndex = 0,
    anchored: bool = False,
) -> list[Split]:
    """Walk-forward: learn from the past, test on what follows, move on by the test's length.

    Tests follow each other without a gap; the last one may be shorter.

    Args:
        bars: number of bars.
        train_bars: length of the training range, or of the first one when anchored.
        test_bars: length of a test range.
        embargo_bars: bars between training and test that belong to neither.
        anchored: every training range begins with the first bar and grows.

    Returns:
        The splits in order of time, each with one training and one test range; at most 100,000.

    Raises:
        RequestError: a number is out of range, or there are too few bars for one test bar.
    """
    length = read_window("bars", bars)
    learn, step = read_window("train_bars", train_bars), read_window("test_bars", test_bars)
    embargo = read_window("embargo_bars", embargo_bars, least=0)
    first = learn + embargo
    if first >= length:
        raise RequestError("bars", length, f"more than training and embargo, {first}")
    if (length - first) // step >= SPLITS_MAX:
        raise RequestError("test_bars", step, f"at most {SPLITS_MAX} windows")
    return [
        Split(
            train=(BarRange(start=0 if anchored else start - first, end=start - embargo),),
            test=(BarRange(start=start, end=min(start + step, length)),),
        )
        for start in range(first, length, step)
    ]


def _joined(ranges: Iterator[tuple[int, int]]) -> Iterator[BarRange]:
    """Ranges in order of time, those that touch made one."""
    start, end = next(ranges)
    for next_start, next_end in ranges:
        if next_start > end:
            yield BarRange(start=start, end=end)
            start = next_start
        end = next_end
    yield BarRange(start=start, end=end)


def _left_over(
    length: int, test: tuple[BarRange, ...], purge: int, embargo: int
) -> Iterator[BarRange]:
    """What may be learned from beside the test ranges."""
    free = 0
    for tested in test:
        if tested.start - purge > free:
            yield BarRange(start=free, end=tested.start - purge)
        free = max(free, tested.end + purge + embargo)
    if free < length:
        yield BarRange(start=free, end=length)
