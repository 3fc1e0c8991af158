from itertools import pairwise
from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.analytics.cross_validation import (
    BarRange,
    Split,
    combinatorial_splits,
    purged_folds,
    walk_forward_windows,
)
from headwater.core.errors import RequestError


def _bars(ranges: tuple[BarRange, ...]) -> list[int]:
    return [bar for part in ranges for bar in range(part.start, part.end)]


def _check_apart(split: Split, bars: int, purge: int, embargo: int) -> None:
    tested = _bars(split.test)
    near = {bar for at in tested for bar in range(at - purge, at + purge + embargo + 1)}
    # Neither more nor less is left out.
    assert _bars(split.train) == [bar for bar in range(bars) if bar not in near]
    for ranges in (split.train, split.test):
        assert all(part.start < part.end for part in ranges)
        assert all(a.end < b.start for a, b in pairwise(ranges))


def test_worked_by_hand() -> None:
    # Ten bars in three folds: 0–2, 3–5, 6–9; a purge of one bar, one more after.
    first, second, third = purged_folds(10, 3, purge_bars=1, embargo_bars=1)
    assert first.test == (BarRange(start=0, end=3),)
    assert first.train == (BarRange(start=5, end=10),)
    assert second.test == (BarRange(start=3, end=6),)
    assert second.train == (BarRange(start=0, end=2), BarRange(start=8, end=10))
    assert third.train == (BarRange(start=0, end=5),)


@given(
    bars=st.integers(2, 120),
    folds=st.integers(2, 10),
    purge=st.integers(0, 5),
    embargo=st.integers(0, 5),
)
def test_every_bar_is_tested_once_and_no_near_bar_is_learned_from(
    bars: int, folds: int, purge: int, embargo: int
) -> None:
    try:
        splits = purged_folds(bars, folds, purge_bars=purge, embargo_bars=embargo)
    except RequestError:
        assert folds > bars or 2 * (bars // folds) + 2 * purge + embargo >= bars - 2 * purge
        return
    assert [bar for split in splits for bar in _bars(split.test)] == list(range(bars))
    for split in splits:
        _check_apart(split, bars, purge, embargo)


@given(
    folds=st.integers(2, 7),
    chosen=st.integers(1, 6),
    purge=st.integers(0, 2),
    embargo=st.integers(0, 2),
    extra=st.integers(0, 9),
)
def test_every_choice_of_folds_is_tested_once(
    folds: int, chosen: int, purge: int, embargo: int, extra: int
) -> None:
    bars = folds * 12 + extra
    if chosen >= folds:
        return
    splits = combinatorial_splits(
        bars, folds, test_folds=chosen, purge_bars=purge, embargo_bars=embargo
    )
    assert len({split.test for split in splits}) == len(splits) == comb(folds, chosen)
    times = [0] * bars
    for split in splits:
        _check_apart(split, bars, purge, embargo)
        for bar in _bars(split.test):
            times[bar] += 1
    assert set(times) == {comb(folds - 1, chosen - 1)}


@given(
    bars=st.integers(2, 200),
    learn=st.integers(1, 60),
    step=st.integers(1, 40),
    embargo=st.integers(0, 10),
    anchored=st.booleans(),
)
def test_walking_forward_learns_from_the_past_only(
    bars: int, learn: int, step: int, embargo: int, anchored: bool
) -> None:
    if learn + embargo >= bars:
        with pytest.raises(RequestError, match="bars"):
            walk_forward_windows(bars, train_bars=learn, test_bars=step, embargo_bars=embargo)
        return
    splits = walk_forward_windows(
        bars, train_bars=learn, test_bars=step, embargo_bars=embargo, anchored=anchored
    )
    tested = [bar for split in splits for bar in _bars(split.test)]
    assert tested == list(range(learn + embargo, bars))
    for at, split in enumerate(splits):
        (train,), (test,) = split.train, split.test
        assert train.end + embargo == test.start
        assert train.end - train.start == learn + (at * step if anchored else 0)


@pytest.mark.parametrize(
    ("bars", "folds", "test_folds", "purge"),
    [(10, 11, 1, 0), (10, 1, 1, 0), (10, 3, 3, 0), (10, 2, 1, 9), (10, 3, 1, -1), (99, 50, 9, 0)],
)
def test_numbers_out_of_range_are_refused(
    bars: int, folds: int, test_folds: int, purge: int
) -> None:
    with pytest.raises(RequestError):
        combinatorial_splits(bars, folds, test_folds=test_folds, purge_bars=purge)
    with pytest.raises(RequestError, match="test_bars"):
        walk_forward_windows(1_000_000, train_bars=1, test_bars=1)
