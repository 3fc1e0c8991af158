"""The maps of a time of issue, from a real database, and that nothing later is in them."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.services.skill_market import DAY_MS, START_MS, candles_of, hours_of, liquidations_of
from tests.storage.ready_tables import with_tables
from tests.storage.samples import mark_candle, open_interest

from headwater.core.clock import ManualClock
from headwater.core.errors import RequestError
from headwater.core.margin_tiers import MarginTiers
from headwater.services.forecasts import (
    CELL_WIDTH_SHARE,
    HORIZONS_MS,
    HOUR_MS,
    ForecastPlan,
    ForecastService,
    IssuedMap,
)
from headwater.services.issued_maps import ALL, IssuedMaps
from headwater.services.liquidation_maps import LiquidationMaps
from headwater.services.map_question import LiquidationMap, MapModel, MapQuestion
from headwater.storage.base import Span
from headwater.storage.forecasts import between
from headwater.storage.store import Store

DAYS = 2
ISSUED_MS = START_MS + DAYS * DAY_MS
LATER_MS = ISSUED_MS + 6 * HOUR_MS


class NoTiers:
    """A venue that publishes none."""

    async def margin_tiers(self, exchange: str, symbol: str) -> MarginTiers | None:
        del exchange, symbol
        return None


def records_between(start_ms: int, end_ms: int, seed: int) -> list[Any]:
    """What a venue told in a span: minutes, marks, liquidations, open interest."""
    made: list[Any] = []
    hours = hours_of((end_ms - START_MS) // DAY_MS + 1, seed)
    for number, hour in enumerate(hours):
        if not start_ms <= hour.opened_ms < end_ms:
            continue
        made += candles_of(hour)
        made += liquidations_of(hour)
        for minute in range(60):
            at_ms = hour.opened_ms + minute * 60_000
            shared = {"exchange": "bybit", "symbol": "BTCUSDT", "native_symbol": "BTCUSDT"}
            bar = candles_of(hour)[minute] if minute in (7, 31, 59) else None
            made.append(
                mark_candle(
                    at_ms,
                    **shared,
                    open=100.0,
                    close=100.0,
                    high=100.0 if bar is None else bar.high,
                    low=100.0 if bar is None else bar.low,
                )
            )
            usd = 1e6 + 1e4 * ((number * 60 + minute) * (seed + 7) % 13)
            made.append(open_interest(at_ms, **shared, open_interest=usd / 100.0, value=usd))
    return made


@asynccontextmanager
async def opened(folder: Path, records: Sequence[Any]) -> AsyncIterator[tuple[Store, IssuedMaps]]:
    clock = ManualClock((LATER_MS + DAY_MS) * 1_000_000)
    async with Store(with_tables(folder / "made.sqlite3"), clock) as store:
        for record in records:
            store.put(record)
        await store.flush()
        maps = LiquidationMaps(store, clock, NoTiers(), ("bybit",))
        yield store, IssuedMaps(maps.make, {ALL: ("bybit",)})


async def test_every_model_that_knows_anything_is_issued(tmp_path: Path) -> None:
    async with opened(tmp_path, records_between(START_MS, ISSUED_MS, 1)) as (_, maps):
        found = await maps("BTCUSDT", ISSUED_MS)
        assert await maps("ETHUSDT", ISSUED_MS) == []
        with pytest.raises(RequestError, match="the end of a bar"):
            await maps("BTCUSDT", ISSUED_MS + 1)
    by_model = {one.model: one for one in found}
    # No wallet is known, and two days are too few for the empirical model.
    assert set(by_model) == {"b0", "b1", "b2", "b3", "b4", "estimated"}
    assert {one.exchange for one in found} == {ALL}
    assert by_model["estimated"].price == pytest.approx(100.0)
    parameters = msgspec.json.decode(by_model["estimated"].parameters)
    assert parameters["venues"] == ["bybit"]
    assert parameters["bin_size"] == 0.1, "about one cell of 0.1 %"
    assert sum(weight for _, weight, _ in parameters["leverages"]) == pytest.approx(1.0)


async def test_they_become_rows_of_the_database(tmp_path: Path) -> None:
    async with opened(tmp_path, records_between(START_MS, ISSUED_MS, 1)) as (store, maps):
        plan = ForecastPlan(symbols=("BTCUSDT",))
        service = ForecastService(maps, store.put_durable, ManualClock(), plan)
        assert await service.issue(ISSUED_MS) == 6 * len(HORIZONS_MS)
        assert service.health.failed == 0
        (row,) = await store.fetch(
            between("estimated", "1", ALL, "BTCUSDT", Span(), horizon_ms=HOUR_MS)
        )
    assert (row.issued_ms, row.cell_width_share) == (ISSUED_MS, CELL_WIDTH_SHARE)
    assert sum(row.long_mass) > 0.0
    assert sum(row.short_mass) > 0.0


@settings(max_examples=4, deadline=None)
@given(seed=st.integers(2, 99))
async def test_data_of_the_time_of_issue_or_later_changes_no_map(
    tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    """Asked when six more hours are stored, of any market, every map is the same, byte for byte."""

    async def issued(folder: Path, records: Sequence[Any]) -> Sequence[IssuedMap]:
        async with opened(folder, records) as (_, maps):
            return await maps("BTCUSDT", ISSUED_MS)

    past = records_between(START_MS, ISSUED_MS, 1)
    later = records_between(ISSUED_MS, LATER_MS, seed)
    assert min(one.timestamp_ms for one in later) == ISSUED_MS
    before = await issued(tmp_path_factory.mktemp("before"), past)
    after = await issued(tmp_path_factory.mktemp("after"), [*past, *later])
    assert before == after


async def test_a_grid_too_long_for_narrow_buckets_has_the_models_own(tmp_path: Path) -> None:
    async with opened(tmp_path, records_between(START_MS, ISSUED_MS, 1)) as (store, _):
        maps = LiquidationMaps(store, ManualClock(LATER_MS * 1_000_000), NoTiers(), ("bybit",))

        async def make(question: MapQuestion) -> LiquidationMap:
            if question.buckets is not None:
                raise RequestError("price_bin_size", question.buckets.width, "more")
            return await maps.make(question)

        coarse = IssuedMaps(make, {ALL: ("bybit",)}, (MapModel.B0, MapModel.ESTIMATED))
        found = await coarse("BTCUSDT", ISSUED_MS)
    assert [one.model for one in found] == ["b0", "estimated"]
    assert found[1].map.grid.buckets.width == 0.25


async def test_other_trouble_is_told() -> None:
    async def refuse(question: MapQuestion) -> LiquidationMap:
        raise RequestError("interval", question.interval.value, "a longer one")

    with pytest.raises(RequestError, match="interval"):
        await IssuedMaps(refuse, {ALL: ("bybit",)})("BTCUSDT", ISSUED_MS)


async def test_a_map_that_does_not_reach_the_time_of_issue_is_none(tmp_path: Path) -> None:
    async with opened(tmp_path, records_between(START_MS, ISSUED_MS, 1)) as (store, _):
        clock = ManualClock((ISSUED_MS + 20_000) * 1_000_000)
        maps = LiquidationMaps(store, clock, NoTiers(), ("bybit",))
        late = IssuedMaps(maps.make, {ALL: ("bybit",)}, (MapModel.B0,))
        (one,) = await late("BTCUSDT", ISSUED_MS)
        assert one.model == "b0"
        assert await late("BTCUSDT", ISSUED_MS + HOUR_MS) == [], "its bar is not closed"
