"""Past liquidations from a real database: one series for what is stored and what just happened."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.storage.ready_tables import with_tables

from headwater.analytics.liquidation_heatmap import LiquidationHeatmap
from headwater.analytics.liquidation_volume import LiquidationVolumes
from headwater.analytics.price_buckets import PriceBuckets
from headwater.core.clock import ManualClock
from headwater.core.enums import PositionSide, PriceKind, Side
from headwater.core.errors import RequestError
from headwater.core.intervals import Interval
from headwater.core.records import Liquidation
from headwater.services.liquidation_history import GRACE_MS, LiquidationHistory, Wanted
from headwater.storage.maintenance import PACK_AFTER_MS
from headwater.storage.store import Store

MINUTE_MS = 60_000
START_MS = 28_850_000 * MINUTE_MS
"""The beginning of a minute."""
BUCKETS = PriceBuckets(units=100, places=0)


def forced(
    offset_ms: int,
    price: float = 67_150.0,
    *,
    is_long: bool = True,
    exchange: str = "bybit",
    delay_ms: int = 500,
) -> Liquidation:
    """One base unit closed by force, told `delay_ms` later."""
    return Liquidation(
        exchange=exchange,
        symbol="BTCUSDT",
        native_symbol="BTCUSDT",
        timestamp_ms=START_MS + offset_ms,
        received_ns=(START_MS + offset_ms + delay_ms) * 1_000_000,
        side=Side.SELL if is_long else Side.BUY,
        position_side=PositionSide.LONG if is_long else PositionSide.SHORT,
        price=price,
        quantity=1.0,
        value=price,
        price_kind=PriceKind.BANKRUPTCY,
        order_id=None,
        is_floor=exchange != "bybit",
    )


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[tuple[Store, LiquidationHistory, ManualClock]]:
    """A store with its history; the clock stands an hour after the start."""
    clock = ManualClock((START_MS + 60 * MINUTE_MS) * 1_000_000)
    async with Store(with_tables(folder / "made.sqlite3"), clock) as store:
        yield store, LiquidationHistory(store, clock), clock


def wanted(minutes: int = 10, exchanges: frozenset[str] | None = None) -> Wanted:
    """The first minutes."""
    end_ms = START_MS + minutes * MINUTE_MS
    return Wanted(symbol="BTCUSDT", start_ms=START_MS, end_ms=end_ms, exchanges=exchanges)


async def test_what_just_happened_is_in_the_answer(tmp_path: Path) -> None:
    async with opened(tmp_path) as (store, history, _):
        for offset in (0, 1_000, 90_000):
            store.put(forced(offset))
        store.put(forced(500, exchange="binance"))
        rows = await history.newest(wanted(), limit=3)
        assert [row.timestamp_ms - START_MS for row in rows] == [90_000, 1_000, 500]
        only = await history.newest(wanted(exchanges=frozenset({"binance"})), limit=10)
        assert [row.exchange for row in only] == ["binance"]
        assert await history.newest(wanted(), limit=10, value_min_usd=70_000.0) == []


async def test_buckets_too_fine_for_a_price_are_refused(tmp_path: Path) -> None:
    async with opened(tmp_path) as (store, history, _):
        store.put(forced(0))
        fine = PriceBuckets(units=1, places=12)
        with pytest.raises(RequestError, match="price_bin_size"):
            await history.heatmap(wanted(), Interval.M1, fine)


async def test_volume_counts_what_is_large_enough(tmp_path: Path) -> None:
    async with opened(tmp_path) as (store, history, _):
        store.put(forced(0, 100.0))
        store.put(forced(1_000, 300.0))
        (row,) = await history.volumes(wanted(), Interval.M1, value_min_usd=300.0)
        assert (row.sell_usd, row.sell_count) == (300.0, 1)


async def test_volume_by_time_has_both_sides_and_the_empty_bars_between(tmp_path: Path) -> None:
    async with opened(tmp_path) as (store, history, _):
        store.put(forced(0, 100.0))
        store.put(forced(1, 200.0, is_long=False))
        store.put(forced(2 * MINUTE_MS, 50.0, exchange="okx"))
        rows = await history.volumes(wanted(), Interval.M1)
        assert [(row.sell_usd, row.buy_usd, row.is_floor) for row in rows] == [
            (100.0, 200.0, False),
            (0.0, 0.0, False),
            (50.0, 0.0, True),
        ]


async def test_the_map_and_the_volume_are_the_same_money(tmp_path: Path) -> None:
    async with opened(tmp_path) as (store, history, _):
        for number in range(200):
            store.put(forced(number * 2_900, 67_000.0 + number * 7.3, is_long=number % 3 > 0))
        volumes = await history.volumes(wanted(), Interval.M1)
        heatmap = await history.heatmap(wanted(), Interval.M1, BUCKETS)
        columns = heatmap.columns
        assert [(one.long_usd, one.short_usd) for one in columns] == [
            (row.sell_usd, row.buy_usd) for row in volumes
        ]
        assert all(one.is_closed for one in columns)
        assert heatmap.buckets.lower_edge(columns[0].cells[0].bucket_index) == 67_000.0


async def test_what_was_told_after_the_bar_was_frozen_changes_no_column(tmp_path: Path) -> None:
    async with opened(tmp_path) as (store, history, clock):
        store.put(forced(0))
        before = (await history.heatmap(wanted(), Interval.M1, BUCKETS)).columns
        store.put(forced(10, 68_000.0, delay_ms=MINUTE_MS + GRACE_MS + 10))
        heatmap = await history.heatmap(wanted(), Interval.M1, BUCKETS)
        assert heatmap.columns == before
        assert (heatmap.late.count, heatmap.late.long_usd) == (1, 68_000.0)
        now_ms = clock.now_ms()
        recent = Wanted(symbol="BTCUSDT", start_ms=now_ms - 5_000, end_ms=now_ms + 1)
        just = msgspec.structs.replace(
            forced(0), timestamp_ms=now_ms - 10, received_ns=clock.now_ns()
        )
        store.put(just)
        (column,) = (await history.heatmap(recent, Interval.M1, BUCKETS)).columns
        assert not column.is_closed, "its bar is not over for long enough"


async def test_a_span_with_too_many_bars_is_refused_by_name(tmp_path: Path) -> None:
    async with opened(tmp_path) as (_, history, _):
        with pytest.raises(RequestError) as failed:
            await history.volumes(wanted(minutes=100_000), Interval.M1)
        assert failed.value.field == "interval"


DAY_MS = 86_400_000
DAYS = st.lists(
    st.builds(
        forced,
        st.integers(-3 * DAY_MS, 0),
        st.floats(1.0, 1e5),
        is_long=st.booleans(),
        exchange=st.sampled_from(["bybit", "okx"]),
        delay_ms=st.sampled_from([10, 100_000]),
    ),
    max_size=30,
    unique_by=lambda one: (one.exchange, one.timestamp_ms, one.price),
)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(DAYS, DAYS, st.integers(-3 * DAY_MS, -1), st.sampled_from([Interval.M15, Interval.D1]))
async def test_packed_days_and_rows_answer_as_single_events_do(
    tmp_path_factory: pytest.TempPathFactory,
    packed: list[Liquidation],
    since: list[Liquidation],
    start: int,
    interval: Interval,
) -> None:
    """Some days packed, some changed afterwards, today as rows: the digits of the live way."""
    span = Wanted(symbol="BTCUSDT", start_ms=START_MS + start, end_ms=START_MS + 1)
    database = with_tables(tmp_path_factory.mktemp("made") / "made.sqlite3")
    clock = ManualClock((START_MS + 60 * MINUTE_MS) * 1_000_000)
    async with Store(database, clock) as store:
        for one in packed:
            store.put(one)
    async with Store(database, clock) as store:
        while not store.health.packed and any(
            one.timestamp_ms // DAY_MS < (clock.now_ms() - PACK_AFTER_MS) // DAY_MS
            for one in packed
        ):
            await store.flush()
        for one in since:
            store.put(one)
        history = LiquidationHistory(store, clock)
        volumes = await history.volumes(span, interval)
        heatmap = await history.heatmap(span, interval, BUCKETS)
    kept = {(one.exchange, one.timestamp_ms, one.price, one.side): one for one in since + packed}
    events = [one for one in kept.values() if span.start_ms <= one.timestamp_ms < span.end_ms]
    live = LiquidationVolumes("BTCUSDT", interval)
    live.add(events)
    assert list(volumes) == live.buckets()
    closed_ms = clock.now_ms() - GRACE_MS
    wanted_map = LiquidationHeatmap("BTCUSDT", interval, BUCKETS)
    wanted_map.add(one for one in events if not too_late(one, interval))
    wanted_map.close_until(closed_ms)
    wanted_map.add(one for one in events if too_late(one, interval))
    assert list(heatmap.columns) == wanted_map.columns()
    assert heatmap.late == wanted_map.late()


def too_late(one: Liquidation, interval: Interval) -> bool:
    """Received more than the grace after the end of its bar."""
    ends_ms = interval.closes_at_ms(interval.opens_at_ms(one.timestamp_ms))
    return one.received_ns // 1_000_000 > ends_ms + GRACE_MS


async def test_an_empty_span_has_no_volume(tmp_path: Path) -> None:
    async with opened(tmp_path) as (_, history, _):
        span = Wanted(symbol="BTCUSDT", start_ms=START_MS, end_ms=START_MS)
        assert await history.volumes(span, Interval.M1) == ()
