"""Forecasts written down: when, how often, and of nothing that happens later."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.services.test_liquidation_history import forced
from tests.storage.ready_tables import with_tables
from tests.virtual_time import run_in_virtual_time

from headwater.analytics.liquidation_baselines import (
    TradedVolume,
    by_distance,
    by_recent,
    by_volume,
    uniform,
)
from headwater.analytics.price_buckets import grid_between
from headwater.analytics.price_map import PriceMap
from headwater.core.clock import ManualClock, SourceClock
from headwater.core.errors import StorageUnavailable, VenueUnavailable
from headwater.core.records import Liquidation
from headwater.services.forecasts import (
    CELLS,
    HORIZONS_MS,
    HOUR_MS,
    MAPS_MAX,
    SYMBOLS_MAX,
    ForecastPlan,
    ForecastService,
    IssuedMap,
    forecasts_of,
)
from headwater.storage.base import Span
from headwater.storage.forecasts import StoredForecast, between
from headwater.storage.store import Store

START_MS = 500_000 * HOUR_MS + 600_000
"""Ten minutes past a full hour."""
FIRST_MS = 500_001 * HOUR_MS
GRID = grid_between(Decimal(10), 50_000.0, 80_000.0)
BTC = ForecastPlan(symbols=("BTCUSDT",))


def issued(model: str = "b0", price: float = 67_000.0) -> IssuedMap:
    made = uniform(GRID, 67_000.0)
    return IssuedMap(
        model=model, version="1", parameters="{}", exchange="bybit", price=price, map=made
    )


class Written:
    """Takes forecasts; fails as often as it is told."""

    def __init__(self, failures: int = 0) -> None:
        self.rows: list[StoredForecast] = []
        self.failures = failures

    async def put(self, rows: Sequence[StoredForecast]) -> int:
        if self.failures:
            self.failures -= 1
            raise StorageUnavailable("made", "away")
        self.rows += rows
        return len(rows)

    @property
    def hours(self) -> list[int]:
        """Times of issue, each once, in hours after the first."""
        return [(one - FIRST_MS) // HOUR_MS for one in sorted({one.issued_ms for one in self.rows})]


async def one_map(symbol: str, issued_ms: int) -> Sequence[IssuedMap]:
    del symbol, issued_ms
    return [issued()]


def virtual(work: Callable[[SourceClock], Coroutine[Any, Any, None]]) -> None:
    """Runs on a loop that skips waiting, with the clock at ten past."""
    run_in_virtual_time(work, START_MS * 1_000_000)


def test_every_full_hour_from_the_next_one_for_each_horizon() -> None:
    written = Written()

    async def work(clock: SourceClock) -> None:
        service = ForecastService(one_map, written.put, clock, BTC)
        before = service.health
        assert before.next_issue_ms is None
        task = asyncio.create_task(service.run())
        await asyncio.sleep(50 * 60 + 19)
        assert written.rows == []
        assert service.health.next_issue_ms == FIRST_MS
        await asyncio.sleep(3 * 3600)
        task.cancel()
        assert service.health.last_issued_ms == FIRST_MS + 2 * HOUR_MS
        assert service.health.next_issue_ms == FIRST_MS + 3 * HOUR_MS
        assert (service.health.stored, service.health.missed) == (9, 0)

    virtual(work)
    assert written.hours == [0, 1, 2]
    assert tuple(one.horizon_ms for one in written.rows[:3]) == HORIZONS_MS


def test_an_hour_that_went_by_is_missed_and_never_made_up() -> None:
    """The maps of the first hour take 2 h 10 min, as on a machine that slept: two hours are lost.

    Issue 0 ends at 2:10:20. Hour 1 and hour 2 are older than five minutes by then.
    """
    written = Written()
    asked: list[int] = []

    async def slow(symbol: str, issued_ms: int) -> Sequence[IssuedMap]:
        asked.append(issued_ms)
        if len(asked) == 1:
            await asyncio.sleep(130 * 60)
        return await one_map(symbol, issued_ms)

    async def work(clock: SourceClock) -> None:
        service = ForecastService(slow, written.put, clock, BTC)
        task = asyncio.create_task(service.run())
        await asyncio.sleep(5 * 3600)
        task.cancel()
        assert service.health.missed == 2

    virtual(work)
    assert written.hours == [0, 3, 4]
    assert asked == sorted(set(asked))


def test_a_database_that_is_away_for_a_moment_costs_nothing_and_for_longer_the_hour() -> None:
    written = Written(failures=2)

    async def work(clock: SourceClock) -> None:
        service = ForecastService(one_map, written.put, clock, BTC)
        assert await service.issue(clock.now_ms()) == 3
        assert service.health.failed == 0
        written.failures = 3
        assert await service.issue(clock.now_ms()) == 0
        assert (service.health.failed, service.health.stored) == (1, 3)
        assert "away" in service.health.problem

    virtual(work)


def test_a_database_too_busy_for_the_maps_is_asked_again() -> None:
    """Long questions of users may fill its queue just at the full hour."""
    written, refusals = Written(), 2

    async def busy(symbol: str, issued_ms: int) -> Sequence[IssuedMap]:
        nonlocal refusals
        refusals -= 1
        if refusals >= 0:
            raise StorageUnavailable("made", "16 long questions wait")
        return await one_map(symbol, issued_ms)

    async def work(clock: SourceClock) -> None:
        nonlocal refusals
        service = ForecastService(busy, written.put, clock, BTC)
        assert await service.issue(clock.now_ms()) == 3
        assert service.health.failed == 0
        refusals = 3
        assert await service.issue(clock.now_ms()) == 0
        assert "16 long questions" in service.health.problem

    virtual(work)


async def test_trouble_with_one_symbol_or_map_stops_no_other() -> None:
    async def some(symbol: str, issued_ms: int) -> Sequence[IssuedMap]:
        if symbol == "ETHUSDT":
            raise VenueUnavailable("bybit", "away")
        return [issued("bad", price=0.0), *await one_map(symbol, issued_ms)]

    written = Written()
    plan = ForecastPlan(symbols=("ETHUSDT", "BTCUSDT"))
    service = ForecastService(some, written.put, ManualClock(), plan)
    assert await service.issue(FIRST_MS) == 3
    assert {(one.symbol, one.model) for one in written.rows} == {("BTCUSDT", "b0")}
    assert service.health.failed == 2
    assert "bad 1: price=0.0" in service.health.problem


async def test_a_flood_of_maps_is_cut_and_counted() -> None:
    async def flood(symbol: str, issued_ms: int) -> Sequence[IssuedMap]:
        del symbol, issued_ms
        return [issued(f"m{number}") for number in range(MAPS_MAX + 1)]

    written = Written()
    service = ForecastService(flood, written.put, ManualClock(), BTC)
    assert await service.issue(FIRST_MS) == MAPS_MAX * len(HORIZONS_MS)
    assert service.health.failed == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"symbols": tuple(map(str, range(SYMBOLS_MAX + 1)))},
        {"settle_ms": 400_000},
        {"late_max_ms": HOUR_MS},
        {"period_ms": 0},
        {"horizons_ms": (0,)},
    ],
)
def test_a_plan_that_cannot_be_kept_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"at most|must be"):
        msgspec.structs.replace(BTC, **changes)


@pytest.mark.parametrize("error", [IndexError("5 of 4"), KeyError("okx"), ZeroDivisionError()])
async def test_a_model_that_breaks_costs_its_hour_alone(error: Exception) -> None:
    async def broken(symbol: str, issued_ms: int) -> Sequence[IssuedMap]:
        del symbol, issued_ms
        raise error

    written = Written()
    service = ForecastService(broken, written.put, ManualClock(FIRST_MS * 1_000_000), BTC)
    assert await service.issue(FIRST_MS) == 0
    assert (service.health.failed, service.health.problem.startswith("BTCUSDT: ")) == (1, True)
    assert service.health.problem != "BTCUSDT: "


async def test_what_was_written_first_stays(tmp_path: Path) -> None:
    clock = ManualClock(START_MS * 1_000_000)
    async with Store(with_tables(tmp_path / "made.sqlite3"), clock) as store:
        service = ForecastService(one_map, store.put_durable, clock, BTC)
        assert await service.issue(FIRST_MS) == 3
        assert await service.issue(FIRST_MS) == 0
        found = await store.fetch(between("b0", "1", "bybit", "BTCUSDT", Span()))
        assert len(found) == 3


def test_cells_keep_the_mass_of_a_map() -> None:
    """A map of 3 USD in [99, 99.1) and 5 USD in [100.5, 100.6) around a price of 100.

    Longs: 0.9 % to 1 % below, cells 18 and 19 of 0.05 %, 1.5 USD each. Shorts: 0.5 % to 0.6 %
    above, cells 10 and 11, 2.5 USD each.
    """
    grid = grid_between(Decimal("0.1"), 90.0, 110.0)
    long, short = np.zeros(grid.count), np.zeros(grid.count)
    long[grid.positions(np.array([99.05]))[0]] = 3.0
    short[grid.positions(np.array([100.55]))[0]] = 5.0
    made = msgspec.structs.replace(issued(price=100.0), map=PriceMap.of(grid, long, short))
    (row,) = forecasts_of(made, "BTCUSDT", FIRST_MS, (HOUR_MS,))
    assert len(row.long_mass) == len(row.short_mass) == CELLS
    assert row.long_mass[18:20] == pytest.approx((1.5, 1.5))
    assert row.short_mass[10:12] == pytest.approx((2.5, 2.5))
    assert sum(row.long_mass) == pytest.approx(3.0)
    assert sum(row.short_mass) == pytest.approx(5.0)


_events = st.lists(
    st.builds(
        forced,
        st.integers(-9 * 86_400_000, 9 * 86_400_000),
        st.floats(55_000.0, 75_000.0),
        is_long=st.booleans(),
    ),
    max_size=30,
)


def baselines_at(events: Sequence[Liquidation], issued_ms: int) -> list[IssuedMap]:
    """Those baselines that are made of what happened, from whatever is known."""
    volumes = [
        TradedVolume(timestamp_ms=one.timestamp_ms, price=one.price, volume=one.quantity)
        for one in events
    ]
    maps = {
        "b1": by_distance(GRID, 67_000.0, events, lambda _: 66_000.0, issued_ms),
        "b2": by_volume(GRID, 67_000.0, volumes, issued_ms),
        "b3": by_recent(GRID, 67_000.0, events, issued_ms),
    }
    return [msgspec.structs.replace(issued(name), map=one) for name, one in maps.items()]


@given(past=_events, later=_events)
def test_a_forecast_is_unchanged_by_whatever_happens_at_its_time_or_later(
    past: list[Liquidation], later: list[Liquidation]
) -> None:
    """What is stored of a time of issue is the same, byte for byte, with any data of then or later.

    That it cannot be changed or deleted afterwards is shown in
    `tests/storage/test_forecasts.py::test_the_database_refuses_to_change_or_delete`.
    """
    issued_ms = FIRST_MS
    shifted = [
        msgspec.structs.replace(one, timestamp_ms=issued_ms + abs(one.timestamp_ms - issued_ms))
        for one in later
    ]

    def rows(events: Sequence[Liquidation]) -> list[StoredForecast]:
        return [
            row
            for one in baselines_at(events, issued_ms)
            for row in forecasts_of(one, "BTCUSDT", issued_ms, HORIZONS_MS)
        ]

    assert rows([*past, *shifted]) == rows([one for one in past if one.timestamp_ms < issued_ms])
