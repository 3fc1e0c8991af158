"""Information gain: golden value, and the laws that make it honest."""

import math

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.analytics.skill_samples import baselines_of, ones, window, windows_of

from headwater.analytics.arrays import FloatArray
from headwater.analytics.skill_cells import tabulate
from headwater.analytics.skill_gain import (
    DAY_MS,
    WINDOW_SHARE_MAX,
    DayGain,
    Gain,
    capped_gain,
    daily_gains,
    event_gain,
    largest_gain,
    usd_gain,
)
from headwater.analytics.skill_windows import Window


def gain_of(windows: list[Window], baselines: list[FloatArray]) -> float:
    value = usd_gain(tabulate(windows, baselines)).value
    assert value is not None
    return value


def with_mass(windows: list[Window], masses: list[FloatArray]) -> list[Window]:
    return [
        msgspec.structs.replace(one, forecast=msgspec.structs.replace(one.forecast, mass_usd=mass))
        for one, mass in zip(windows, masses, strict=True)
    ]


def test_golden_value() -> None:
    """Two windows over a flat baseline of two cells.

    First: F = 3 : 1, so p = 0.95·¾ + 0.025 = 0.7375 and 0.2625; y = 60 and 20 USD in 1 and 2
    liquidations. Bits: 60·log2 1.475 + 20·log2 0.525 = 33.6425 − 18.5919 = 15.0506.
    Second: F = 1 : 0, p = 0.975 and 0.025; y = 0 and 20 in one: 20·log2 0.05 = −86.4386.
    Per USD (15.0506 − 86.4386) / 100 = −0.71388. Per event: (log2 1.475 + 2·log2 0.525 +
    log2 0.05) / 4 = (0.560709 − 1.859191 − 4.321928) / 4 = −1.405103.
    """
    windows = [
        window([[3.0], [1.0]], [[60.0], [20.0]], events=[[1], [2]]),
        window([[1.0], [0.0]], [[0.0], [20.0]], events=[[0], [1]], issued_ms=1),
    ]
    table = tabulate(windows, ones(windows))
    assert usd_gain(table).value == pytest.approx(-0.71388, abs=2e-5)
    assert event_gain(table).value == pytest.approx(-1.405103, abs=1e-5)
    # Two windows are too few for a cap of 1 %: each counts half.
    assert capped_gain(table).value == pytest.approx((15.0506 / 80 - 86.4386 / 20) / 2, abs=1e-4)


@given(st.data())
def test_the_baseline_as_a_map_gains_exactly_nothing(data: st.DataObject) -> None:
    windows = data.draw(windows_of())
    baselines = data.draw(baselines_of(windows))
    table = tabulate(with_mass(windows, baselines), baselines)
    assert usd_gain(table).value == 0.0
    assert capped_gain(table).value == 0.0
    assert event_gain(table).value == 0.0


@given(st.data())
def test_the_outcome_as_a_map_gains_all_there_is_but_for_the_smoothing(
    data: st.DataObject,
) -> None:
    """As p ≥ 0.95·y / Σy, at most log2(1 / 0.95) = 0.074 bits are missing; never below nothing.

    With p = (1 − ε)·q + ε·b, Σ q·log2(p/b) ≥ (1 − ε)·Σ q·log2(q/b) ≥ 0, as log2 is concave.
    """
    windows = data.draw(windows_of())
    baselines = data.draw(baselines_of(windows))
    known = with_mass(windows, [one.realised_usd for one in windows])
    gain, most = gain_of(known, baselines), largest_gain(tabulate(known, baselines))
    assert most is not None
    assert most + math.log2(0.95) - 1e-9 <= gain <= most + 1e-9
    assert gain >= 0.95 * most - 1e-9 >= -1e-9


@given(st.data())
def test_no_map_gains_more_than_the_outcome_itself(data: st.DataObject) -> None:
    windows = data.draw(windows_of())
    baselines = data.draw(baselines_of(windows))
    most = largest_gain(tabulate(windows, baselines))
    assert most is not None
    assert gain_of(windows, baselines) <= most + 1e-9


@given(st.data())
def test_a_map_that_is_empty_where_price_went_gains_exactly_nothing(data: st.DataObject) -> None:
    windows = data.draw(windows_of())
    baselines = data.draw(baselines_of(windows))
    empty = with_mass(windows, [np.where(one.reached, 0.0, 7.0) for one in windows])
    assert gain_of(empty, baselines) == 0.0


@given(st.data(), st.floats(1e-6, 1e6))
def test_the_scale_of_a_map_changes_nothing(data: st.DataObject, factor: float) -> None:
    windows = data.draw(windows_of())
    baselines = data.draw(baselines_of(windows))
    scaled = with_mass(windows, [one.forecast.mass_usd * factor for one in windows])
    assert gain_of(scaled, baselines) == pytest.approx(gain_of(windows, baselines), abs=1e-9)


@given(st.data(), st.floats(0.0, 1.0))
def test_cells_cut_into_halves_change_nothing(data: st.DataObject, part: float) -> None:
    """Map and baseline halve evenly; the realised USD may lie in either half."""
    windows = data.draw(windows_of())
    baselines = data.draw(baselines_of(windows))
    halves = []
    for one in windows:
        usd = np.repeat(one.realised_usd, 2, axis=1)
        usd[:, 0::2] *= part
        usd[:, 1::2] *= 1.0 - part
        halves.append(
            window(
                np.repeat(one.forecast.mass_usd / 2.0, 2, axis=1),
                usd,
                reached=np.repeat(one.reached, 2, axis=1),
                issued_ms=one.forecast.issued_ms,
            )
        )
    cut = [np.repeat(base / 2.0, 2, axis=1) for base in baselines]
    assert gain_of(halves, cut) == pytest.approx(gain_of(windows, baselines), rel=1e-6, abs=1e-9)


def test_one_cell_cut_into_halves_changes_nothing() -> None:
    """The first cell of three alone: F 4 → 2 + 2, b 2 → 1 + 1, y 10 → 3 + 7."""
    whole = window([[4.0, 1.0, 2.0], [0.0] * 3], [[10.0, 0.0, 6.0], [0.0] * 3],
                   reached=[[True] * 3, [False] * 3])  # fmt: skip
    cut = window([[2.0, 2.0, 1.0, 2.0], [0.0] * 4], [[3.0, 7.0, 0.0, 6.0], [0.0] * 4],
                 reached=[[True] * 4, [False] * 4])  # fmt: skip
    base, base_cut = np.array([[2.0, 3.0, 1.0], [1.0] * 3]), np.array([[1.0, 1, 3, 1], [1.0] * 4])
    assert gain_of([whole], [base]) == pytest.approx(gain_of([cut], [base_cut]), rel=1e-12)


@given(st.lists(st.one_of(st.just(0.0), st.floats(1e-3, 1e6)), min_size=1, max_size=300))
def test_no_window_outweighs_the_cap(usd: list[float]) -> None:
    """Above 100 windows none has more than 1 % of the weight; below all weigh the same."""
    windows = [
        window([[1.0], [2.0]], [[amount], [0.0]], issued_ms=n) for n, amount in enumerate(usd)
    ]
    weight = capped_gain(tabulate(windows, ones(windows))).weight
    some = np.array(usd) > 0.0
    assert bool((weight[~some] == 0.0).all())
    if some.sum() >= 1.0 / WINDOW_SHARE_MAX:
        assert weight.max() <= WINDOW_SHARE_MAX * weight.sum() * (1.0 + 1e-9)
        order = np.argsort(usd)
        assert bool((np.diff(weight[order]) >= 0.0).all())
    else:
        assert set(weight[some].tolist()) <= {1.0}


def test_what_is_small_keeps_its_weight_under_the_cap() -> None:
    """200 windows of 1 USD and one of 1,000: the cap is c = 1 % of (200 + c), 2.0202 USD."""
    usd = [1.0] * 200 + [1000.0]
    windows = [
        window([[1.0], [2.0]], [[amount], [0.0]], issued_ms=n) for n, amount in enumerate(usd)
    ]
    weight = capped_gain(tabulate(windows, ones(windows))).weight
    assert weight[:200].tolist() == [1.0] * 200
    assert weight[200] == pytest.approx(2.0 / 0.99)


def test_where_nothing_happened_there_is_no_gain() -> None:
    table = tabulate([window([[1.0], [2.0]], [[0.0], [0.0]])], [np.ones((2, 1))])
    assert usd_gain(table).value is None
    assert capped_gain(table).value is None
    assert largest_gain(table) is None
    assert Gain(bits=np.array([]), weight=np.array([])).value is None


def test_days_by_hand() -> None:
    """Day 0: 3 bits on 4 USD; day 2: −1 on 2; day 5: nothing happened."""
    gain = Gain(bits=np.array([1.0, 2.0, -1.0, 0.0]), weight=np.array([1.0, 3.0, 2.0, 0.0]))
    issued_ms = np.array([0, DAY_MS - 1, 2 * DAY_MS, 5 * DAY_MS], dtype=np.int64)
    assert daily_gains(gain, issued_ms) == (
        DayGain(day_ms=0, bits=0.75, weight=4.0),
        DayGain(day_ms=2 * DAY_MS, bits=-0.5, weight=2.0),
        DayGain(day_ms=5 * DAY_MS, bits=None, weight=0.0),
    )
