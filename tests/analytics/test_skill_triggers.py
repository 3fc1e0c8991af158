"""The marks that triggered liquidations, found from told prices and bars."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.analytics.skill_observation import LiquidationEvents, MarkPath
from headwater.analytics.skill_triggers import (
    LIQUIDATIONS_MIN,
    SHIFT_STEP,
    at_triggers,
    told_shift,
)

BAR_MS = 60_000


def market(
    seed: int, shift: float, count: int, spread: float
) -> tuple[LiquidationEvents, MarkPath, "np.ndarray[tuple[int], np.dtype[np.float64]]"]:
    """Liquidations told beyond their trigger by a share, one a bar, and their true triggers.

    Bars reach up to `spread` beyond the trigger on both sides, by lot.
    """
    rng = np.random.default_rng(seed)
    trigger = 100.0 * np.exp(np.cumsum(rng.normal(0.0, 0.001, size=count)))
    is_long = rng.random(count) < 0.5
    told = trigger / (1.0 + np.where(is_long, shift, -shift))
    at_ms = np.arange(1, count + 1, dtype=np.int64) * BAR_MS
    marks = MarkPath(
        at_ms=at_ms,
        low=trigger * (1.0 - rng.uniform(0.0, spread, size=count)),
        high=trigger * (1.0 + rng.uniform(0.0, spread, size=count)),
    )
    events = LiquidationEvents(at_ms=at_ms - 7, price=told, usd=np.ones(count), is_long=is_long)
    return events, marks, trigger


@given(st.integers(0, 1_000), st.sampled_from([0.0, 0.0025, 0.005, 0.0123]))
def test_the_shift_of_a_venue_is_found_and_its_triggers_with_it(seed: int, shift: float) -> None:
    """Bars up to 0.8 % wide; triggers are found to a fifth of a cell of 0.1 % in the mean."""
    events, marks, trigger = market(seed, shift, 300, 0.004)
    found = at_triggers(events, marks)
    assert np.abs(found.price / trigger - 1.0).mean() < 0.0002
    assert bool(np.all((found.price >= marks.low) & (found.price <= marks.high)))
    assert found.usd is events.usd


def test_the_shift_by_hand() -> None:
    """Fifteen bars from 100.2 to 101 and fifteen from 100.505 to 100.535, longs told at 100.

    The wide ones allow 0.2 to 1 %, the narrow ones 0.505 to 0.535 %. All allow the steps of 0.50,
    0.51, 0.52 and 0.53 %, which reach from 0.50 to 0.54 %: their middle is 0.52 %. Of shorts with
    mirrored bars it is the same.
    """
    low = np.tile([100.2, 100.505], 15)
    high = np.tile([101.0, 100.535], 15)
    told, longs = np.full(30, 100.0), np.ones(30, dtype=bool)
    assert told_shift(told, longs, low, high) == pytest.approx(0.0052)
    assert told_shift(told, ~longs, 200.0 - high, 200.0 - low) == pytest.approx(0.0052)


def test_few_liquidations_are_taken_as_told_and_brought_into_their_bars() -> None:
    events, marks, _ = market(1, 0.005, LIQUIDATIONS_MIN - 1, 0.001)
    found = at_triggers(events, marks)
    assert found.price.tolist() == np.clip(events.price, marks.low, marks.high).tolist()


def test_after_the_last_bar_prices_stay_as_they_are_told() -> None:
    events, marks, _ = market(1, 0.005, 50, 0.001)
    short = MarkPath(at_ms=marks.at_ms[:40], low=marks.low[:40], high=marks.high[:40])
    assert at_triggers(events, short).price[40:].tolist() == events.price[40:].tolist()
    nothing = MarkPath(at_ms=marks.at_ms[:0], low=marks.low[:0], high=marks.high[:0])
    assert at_triggers(events, nothing).price.tolist() == events.price.tolist()


def test_samples_are_the_triggers_themselves() -> None:
    events, marks, _ = market(2, 0.005, 60, 0.001)
    samples = MarkPath(at_ms=marks.at_ms, low=marks.low, high=marks.low)
    assert at_triggers(events, samples).price.tolist() == marks.low.tolist()


def test_prices_that_no_shift_brings_into_a_bar_are_brought_there_all_the_same() -> None:
    """Told at half the price: no shift that is looked at fits, so none is assumed."""
    events, marks, _ = market(3, 0.005, 60, 0.001)
    longs = LiquidationEvents(
        at_ms=events.at_ms,
        price=marks.low / 2.0,
        usd=events.usd,
        is_long=np.ones(60, dtype=bool),
    )
    assert told_shift(longs.price, longs.is_long, marks.low, marks.high) == 0.0
    assert at_triggers(longs, marks).price.tolist() == marks.low.tolist()
    assert SHIFT_STEP == 0.0001
