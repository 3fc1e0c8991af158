"""Past liquidations over HTTP, from a real database."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.api.fake_source import NOW_MS
from tests.api.served import Platform
from tests.services.test_liquidation_history import forced
from tests.storage.ready_tables import with_tables

from headwater.core.clock import ManualClock
from headwater.core.records import Liquidation
from headwater.storage.store import Store

MINUTE_MS = 60_000
HEATMAP = "/liquidations/heatmap-timeseries?symbol=BTCUSDT"


def at(
    before_ms: int, price: float, *, is_long: bool = True, exchange: str = "bybit"
) -> Liquidation:
    """One that happened so long before now."""
    made = forced(0, price, is_long=is_long, exchange=exchange)
    moment_ms = NOW_MS - before_ms
    return msgspec.structs.replace(
        made, timestamp_ms=moment_ms, received_ns=(moment_ms + 200) * 1_000_000
    )


@pytest.fixture
async def stored(tmp_path: Path) -> AsyncIterator[Platform]:
    """Three venues; four liquidations in the last hour."""
    clock = ManualClock(NOW_MS * 1_000_000)
    async with Store(with_tables(tmp_path / "made.sqlite3"), clock) as store:
        for event in (
            at(50 * MINUTE_MS, 67_100.0),
            at(50 * MINUTE_MS - 10, 67_190.0, is_long=False),
            at(20 * MINUTE_MS, 67_250.0, exchange="binance"),
            at(3_000, 67_300.0),
        ):
            store.put(event)
        venues = ("binance", "bybit", "okx")
        async with Platform(clock=clock, venues=venues, store=store).served() as served:
            yield served


async def rows_of(platform: Platform, target: str) -> list[dict[str, Any]]:
    reply = await platform.get(target)
    assert reply.status == 200, reply
    rows = reply.json()
    assert isinstance(rows, list)
    return rows


async def map_of(platform: Platform, target: str) -> Any:
    reply = await platform.get(target)
    assert reply.status == 200, reply
    return reply.json()


async def test_l_r7_history_is_newest_first_and_narrowed(stored: Platform) -> None:
    rows = await rows_of(stored, "/liquidations/history?symbol=btc-usdt&limit=2")
    assert [(row["price"], row["side"], row["position_side"]) for row in rows] == [
        (67_300.0, "sell", "long"),
        (67_250.0, "sell", "long"),
    ]
    only = await rows_of(stored, "/liquidations/history?symbol=BTCUSDT&exchanges=Binance")
    assert [(row["exchange"], row["is_floor"]) for row in only] == [("binance", True)]
    assert await rows_of(stored, "/liquidations/history?symbol=BTCUSDT&min_value_usd=1e6") == []


async def test_l_r7_sums_are_oldest_first_and_per_side(stored: Platform) -> None:
    rows = await rows_of(stored, "/liquidations/history?symbol=BTCUSDT&aggregate=15m")
    assert [(row["side"], row["total_volume"], row["num_levels"]) for row in rows[:2]] == [
        ("buy", 67_190.0, 1),
        ("sell", 67_100.0, 1),
    ]
    assert rows[0]["avg_price"] == 67_190.0
    large = await rows_of(
        stored, "/liquidations/history?symbol=BTCUSDT&aggregate=15m&min_value_usd=67200"
    )
    assert sum(row["total_volume"] for row in large) == 67_250.0 + 67_300.0


@pytest.mark.parametrize(
    ("asked", "used"), [("33.333333333333336", 33.33333333), ("1e-8", 1e-8), ("0.1", 0.1)]
)
async def test_a_bucket_has_eight_decimal_places(stored: Platform, asked: str, used: float) -> None:
    answer = await map_of(stored, f"{HEATMAP}&price_bin_size={asked}")
    assert answer["meta"]["price_bin_size"] == used
    assert answer["meta"]["total_consumed"] == 67_100.0 + 67_190.0 + 67_250.0 + 67_300.0


async def test_volume_counts_both_sides(stored: Platform) -> None:
    rows = await rows_of(stored, "/liquidations/volume?symbol=BTCUSDT&interval=5m")
    assert (rows[0]["buy_volume"], rows[0]["sell_volume"]) == (67_190.0, 67_100.0)
    assert rows[0]["total_volume"] == 134_290.0
    assert sum(row["sell_count"] for row in rows) == 3
    assert len(rows) == 10, "empty bars are there"


async def test_l_r3_the_map_sums_to_the_volume_and_l_d1_the_filter_filters(
    stored: Platform,
) -> None:
    body = await map_of(stored, f"{HEATMAP}&interval=5m&price_bin_size=100")
    meta = body["meta"]
    assert (meta["model"], meta["price_bin_size"], meta["late_count"]) == ("realised", 100.0, 0)
    assert meta["price_range"] == {"min": 67_100.0, "max": 67_400.0}
    assert meta["total_long_volume"] == 67_100.0 + 67_250.0 + 67_300.0
    assert meta["total_short_volume"] == 67_190.0
    assert meta["exchanges"] == ["binance", "bybit", "okx"]
    assert body["data"][0]["levels"] == [
        {"price": 67_100.0, "long_density": 67_100.0, "short_density": 67_190.0}
    ]
    assert body["data"][0]["is_closed"] is True
    assert body["data"][-1]["is_closed"] is False
    only = await map_of(stored, f"{HEATMAP}&interval=5m&price_bin_size=100&exchanges=binance")
    assert only["meta"]["total_consumed"] == 67_250.0
    assert only["meta"]["exchanges"] == ["binance"]


async def test_l_d11_money_is_counted_once_and_in_money(stored: Platform) -> None:
    body = await map_of(stored, f"{HEATMAP}&interval=5m&price_bin_size=100")
    columns = body["data"]
    total = sum(level["long_density"] for column in columns for level in column["levels"])
    assert body["meta"]["total_long_volume"] == total
    assert body["meta"]["total_consumed"] == sum(one["positions_consumed"] for one in columns)


async def test_l_r3_a_time_window_chooses_the_bars(stored: Platform) -> None:
    body = await map_of(stored, f"{HEATMAP}&time_window=14d")
    assert body["meta"]["interval"] == "2h"
    assert body["meta"]["price_bin_size"] > 0, "chosen from the candles"
    minutes = await map_of(stored, f"{HEATMAP}&interval=1m")
    assert minutes["meta"]["total_snapshots"] == 3, "as far back as minutes go, not refused"
    empty = await map_of(stored, "/liquidations/heatmap-timeseries?symbol=ETHUSDT&price_bin_size=1")
    assert (empty["data"], empty["meta"]["total_consumed"]) == ([], 0.0)
    assert empty["meta"]["price_range"] is None


@pytest.mark.parametrize(
    ("target", "status", "field"),
    [
        ("history", 422, "symbol"),
        ("history?symbol=NOPE", 404, "symbol"),
        ("history?symbol=BTCUSDT&limit=0", 422, "limit"),
        ("history?symbol=BTCUSDT&min_value_usd=-1", 422, "min_value_usd"),
        ("history?symbol=BTCUSDT&min_value_usd=NaN", 422, "min_value_usd"),
        ("history?symbol=BTCUSDT&aggregate=7m", 422, "aggregate"),
        ("history?symbol=BTCUSDT&exchanges=kraken", 422, "exchanges"),
        ("history?symbol=BTCUSDT&start_time=9&end_time=3", 422, "end_time"),
        ("history?symbol=BTCUSDT&start_time=9999-12-31", 422, "start_time"),
        ("history?symbol=BTCUSDT&aggregate=1m&start_time=0", 422, "aggregate"),
        ("history?symbol=BTCUSDT&whale=1", 422, "whale"),
        ("volume?symbol=BTCUSDT&interval=2m", 422, "interval"),
        ("volume?symbol=BTCUSDT&interval=1m&start_time=0", 422, "interval"),
        ("heatmap-timeseries?symbol=BTCUSDT&price_bin_size=0", 422, "price_bin_size"),
        ("volume?symbol=BTCUSDT&start_time=9999-12-31", 422, "start_time"),
        ("heatmap-timeseries?symbol=BTCUSDT&price_bin_size=inf", 422, "price_bin_size"),
        ("heatmap-timeseries?symbol=BTCUSDT&price_bin_size=1_0", 422, "price_bin_size"),
        ("heatmap-timeseries?symbol=BTCUSDT&price_bin_size=1001", 422, "price_bin_size"),
        ("heatmap-timeseries?symbol=BTCUSDT&time_window=2d", 422, "time_window"),
        ("heatmap-timeseries?symbol=BTCUSDT&start_time=tomorrow", 422, "start_time"),
    ],
)
async def test_bad_input_is_told_by_its_name(
    stored: Platform, target: str, status: int, field: str
) -> None:
    reply = await stored.get(f"/liquidations/{target}")
    assert reply.status == status, reply
    body: Any = reply.json()
    assert body["errors"][0]["field"] == field


async def test_where_nothing_is_stored_the_reason_is_told(platform: Platform) -> None:
    reply = await platform.get("/liquidations/history?symbol=BTCUSDT")
    assert reply.status == 404
    body: Any = reply.json()
    assert "stores nothing" in body["detail"]


@pytest.mark.parametrize("interval", ["1m", "1M", "3M"])
@pytest.mark.parametrize("start", [0, 253_400_000_000_000])
async def test_the_end_of_all_times_can_be_asked_for(
    stored: Platform, interval: str, start: int
) -> None:
    """It failed where an exclusive end or a month would lie in the year 10000."""
    query = f"symbol=BTCUSDT&interval={interval}&start_time={start}&end_time=253402300799999"
    for path in ("/liquidations/volume?", "/liquidations/heatmap-timeseries?price_bin_size=1&"):
        assert (await stored.get(path + query)).status in (200, 422)
    window = f"{HEATMAP}&time_window=48h&end_time=253402300799999&price_bin_size=1"
    assert (await map_of(stored, window))["data"] == []


async def test_an_error_shows_what_was_sent_or_that_nothing_was(stored: Platform) -> None:
    """Not the exclusive end that is made of it, and not a value for a parameter left out."""
    reply = await stored.get(
        "/liquidations/history?symbol=BTCUSDT&start_time=1731000000900&end_time=1731000000300"
    )
    problem: Any = reply.json()
    assert (problem["errors"][0]["field"], problem["errors"][0]["value"]) == (
        "end_time",
        "1731000000300",
    )
    problem = (await stored.get("/liquidations/history")).json()
    assert problem["errors"] == [
        {"field": "symbol", "message": "missing", "value": "", "allowed": ["has to be given"]}
    ]
    assert problem["detail"] == "symbol: has to be given"
