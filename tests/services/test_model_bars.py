"""Bars out of storage: steps, what is unknown, and which bars a span means."""

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import numpy as np
import pytest
from tests.services.map_market import DAY_MS, MINUTE_MS, T0, put_minute
from tests.storage.ready_tables import with_tables

from headwater.core.clock import ManualClock
from headwater.core.errors import RequestError
from headwater.core.intervals import Interval
from headwater.core.records import Candle
from headwater.services.model_bars import ModelBars, VenueBars, plan_of, step_of
from headwater.storage import step_columns
from headwater.storage.base import ColumnsQuery
from headwater.storage.store import Store

HOUR_MS = 60 * MINUTE_MS


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    clock = ManualClock(T0 * 1_000_000)
    async with Store(with_tables(tmp_path / "made.sqlite3"), clock) as opened:
        yield opened


async def read(store: Store, interval: Interval, minutes: int) -> VenueBars:
    end_ms = T0 + minutes * MINUTE_MS
    await store.flush()
    plan = plan_of(interval, T0, end_ms, end_ms)
    (found,) = await ModelBars(store).read(("bybit",), "BTCUSDT", plan)
    return found


def test_a_span_means_whole_closed_bars_and_a_past_of_its_day() -> None:
    """Begun at 10:07 of a day the first bar opened at 10:00; the model began a week before the day.

    The bar of now has not ended.
    """
    start_ms = T0 + 10 * HOUR_MS + 7 * MINUTE_MS
    plan = plan_of(Interval.M15, start_ms, start_ms + DAY_MS, T0 + 11 * HOUR_MS + 1)
    assert plan.start_ms == T0 + 10 * HOUR_MS
    assert plan.end_ms == T0 + 11 * HOUR_MS
    assert plan.model_start_ms == T0 - 7 * DAY_MS
    assert (plan.shown_from, plan.bars_count, plan.steps_per_bar) == (712, 716, 15)
    later = plan_of(Interval.M15, start_ms + HOUR_MS, start_ms + DAY_MS, T0 + 12 * HOUR_MS)
    assert later.model_start_ms == plan.model_start_ms
    empty = plan_of(Interval.M15, start_ms, start_ms + DAY_MS, T0)
    assert empty.end_ms == empty.start_ms


def test_steps_grow_with_the_bar() -> None:
    steps = [step_of(one) for one in (Interval.M1, Interval.H1, Interval.H2, Interval.H8)]
    assert steps == [Interval.M1, Interval.M1, Interval.M15, Interval.M15]
    assert step_of(Interval.D1) is Interval.H1


@pytest.mark.parametrize("interval", [Interval.D2, Interval.W1, Interval.MONTH1])
def test_bars_that_a_day_does_not_hold_are_refused(interval: Interval) -> None:
    with pytest.raises(RequestError, match="interval"):
        plan_of(interval, T0, T0 + DAY_MS, T0 + DAY_MS)


async def test_what_is_unknown_stays_unknown(store: Store) -> None:
    """Minute 1 has no mark price; bar 1 has no minute at all, and the price of bar 0.

    Open interest is the last reading of bar 0. Two of 45 steps have a mark price.
    """
    put_minute(store, 0, 1000.0, mark=(990.0, 1010.0), interest=5.0)
    put_minute(store, 1, 1001.0, mark=None, volume=3.0, interest=6.0)
    put_minute(store, 30, 1002.0, mark=(1002.0, 1003.0))
    found = await read(store, Interval.M15, 45)
    bars = found.bars
    assert bars.price.tolist() == [1000.0, 1000.0, 1002.0]
    assert bars.open_interest[0] == 6.0
    assert np.isnan(bars.open_interest[1:]).all()
    assert bars.mark_low[0, 0] == 990.0
    assert np.isnan(bars.mark_low[0, 1:]).all()
    assert bars.entry_volume.sum(axis=1).tolist() == [4.0, 0.0, 1.0]
    assert found.shown_from == 0
    assert found.priced_share == pytest.approx(2.0 / 3.0)
    assert found.marked_share == pytest.approx(2.0 / 45.0)
    assert found.interest_share == pytest.approx(1.0 / 3.0)


async def test_bars_begin_with_the_first_price(store: Store) -> None:
    put_minute(store, 40, 1000.0)
    found = await read(store, Interval.M15, 45)
    assert found.bars.opened_ms.tolist() == [T0 + 30 * MINUTE_MS]
    assert found.shown_from == 0
    put_minute(store, -30, 999.0)
    earlier = await read(store, Interval.M15, 45)
    assert len(earlier.bars) == 5
    assert earlier.shown_from == 2


async def test_long_steps_are_folded_where_they_are_not_stored(store: Store) -> None:
    """A bar of two hours in steps of 15 minutes: the first of minutes, its price the last mark's.

    Typical prices 1000 (volume 1) and 1004 (volume 3) make 1003.
    """
    put_minute(store, 0, 1000.0, mark=(995.0, 1000.0))
    put_minute(store, 14, 1004.0, mark=(1001.0, 1006.0), volume=3.0, interest=7.0)
    found = await read(store, Interval.H2, 120)
    bars = found.bars
    assert bars.mark_low.shape == (1, 8)
    assert (bars.mark_low[0, 0], bars.mark_high[0, 0]) == (995.0, 1006.0)
    assert (bars.entry_price[0, 0], bars.entry_volume[0, 0]) == (1003.0, 4.0)
    assert (bars.price[0], bars.open_interest[0]) == (1004.0, 7.0)


async def test_only_steps_that_are_not_stored_are_made_of_minutes(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the four hours, quarters are stored but for one of the second and one of the third bar.

    Their minutes say 1004, the stored quarters 1000; so do the ends of bars, where prices come
    from. The first and the last bar are not asked for as minutes at all.
    """
    for quarter in range(16):
        put_minute(store, 15 * quarter, 1004.0, mark=None)
        if quarter not in (5, 11):
            put_quarter(store, quarter, 1000.0)
    asked: list[tuple[int, int]] = []
    fold = step_columns.traded_folded

    def watched(
        exchange: str, symbol: str, step_ms: int, start_ms: int, end_ms: int
    ) -> ColumnsQuery:
        asked.append(((start_ms - T0) // HOUR_MS, (end_ms - T0) // HOUR_MS))
        return fold(exchange, symbol, step_ms, start_ms, end_ms)

    monkeypatch.setattr(step_columns, "traded_folded", watched)
    await store.flush()
    plan = plan_of(Interval.H2, T0, T0 + 4 * HOUR_MS, T0 + 4 * HOUR_MS, warm_up_ms=0)
    plan = msgspec.structs.replace(plan, interval=Interval.H1, model_start_ms=T0, start_ms=T0)
    (found,) = await ModelBars(store).read(("bybit",), "BTCUSDT", plan)
    expected = np.full((4, 4), 1000.0)
    expected[1, 1] = expected[2, 3] = 1004.0
    assert found.bars.entry_price.tolist() == expected.tolist()
    assert found.bars.price.tolist() == [1000.0, 1000.0, 1004.0, 1000.0]
    assert asked == [(1, 3)]


def put_quarter(store: Store, number: int, price: float) -> None:
    """Stores a candle of 15 minutes."""
    at_ms = T0 + number * 15 * MINUTE_MS
    store.put(
        Candle(
            exchange="bybit",
            symbol="BTCUSDT",
            native_symbol="BTCUSDT",
            timestamp_ms=at_ms,
            received_ns=at_ms * 1_000_000,
            interval=Interval.M15,
            open=price,
            high=price,
            low=price,
            close=price,
            volume=1.0,
            quote_volume=None,
            trades_count=None,
            is_closed=True,
        )
    )


async def test_a_plan_without_bars_reads_nothing(store: Store) -> None:
    put_minute(store, 0)
    plan = msgspec.structs.replace(plan_of(Interval.M15, T0, T0 + HOUR_MS, T0), end_ms=T0)
    (found,) = await ModelBars(store).read(("bybit",), "BTCUSDT", plan)
    assert len(found.bars) == 0
    assert (found.priced_share, found.marked_share, found.interest_share) == (0.0, 0.0, 0.0)
