"""Liquidated volume for a chart (O-R2) over HTTP: names, texts, spans and refusals."""

from pathlib import Path
from typing import Any

import pytest
from tests.api.fake_source import NOW_MS
from tests.api.routes.test_liquidations import MINUTE_MS, at, stored
from tests.api.served import Platform
from tests.storage.ready_tables import with_tables

from headwater.api.schemas.terminal.liquidation_volume import DAYS_MAX
from headwater.core.clock import ManualClock
from headwater.storage.store import Store

__all__ = ["stored"]

PATH = "/api/v1/liquidation-volume/BTCUSDT"
DAY_MS = 86_400_000


async def answer(platform: Platform, target: str) -> Any:
    reply = await platform.get(target)
    assert reply.status == 200, reply
    return reply.json()


async def test_o_r2_a_bucket_as_a_chart_draws_it(stored: Platform) -> None:
    """50 minutes ago: a long of 67,100 USD and a short of 67,190 USD at Bybit, so +90."""
    found = await answer(stored, f"{PATH}/5m?exchange=all")
    opened_ms = NOW_MS - 50 * MINUTE_MS
    opened_ms -= opened_ms % (5 * MINUTE_MS)
    assert found["data"][0] == {
        "time": opened_ms // 1_000,
        "timestamp": opened_ms,
        "buyVolume": 67_190.0,
        "sellVolume": 67_100.0,
        "totalVolume": 134_290.0,
        "deltaVolume": 90.0,
        "buyVolumeFormatted": "67.19K",
        "sellVolumeFormatted": "67.10K",
        "totalVolumeFormatted": "134.29K",
        "deltaVolumeFormatted": "90.00",
        "count": 2,
        "isFloor": False,
        "source": "own",
        "maValue": 90.0,
        "maValueFormatted": "90.00",
    }
    times = [row["timestamp"] for row in found["data"]]
    assert times == list(range(times[0], times[-1] + 1, 5 * MINUTE_MS)), "zeros between"
    assert (found["symbol"], found["timeframe"]) == ("BTCUSDT", "5m")
    assert found["exchanges"] == ["binance", "bybit", "okx"]
    assert (found["startTime"], found["endTime"]) == (NOW_MS - DAY_MS, NOW_MS)


async def test_o_r2_one_venue_by_any_spelling_and_a_lower_bound_is_marked(stored: Platform) -> None:
    found = await answer(stored, f"{PATH.replace('BTCUSDT', 'btc-usdt')}/1h?exchange=Binance")
    (row,) = found["data"]
    assert (row["sellVolume"], row["isFloor"], row["sellVolumeFormatted"]) == (
        67_250.0,
        True,
        "≥67.25K",
    )
    assert found["exchanges"] == ["binance"]
    assert await answer(stored, f"{PATH}/1h") == found, "the venue where none is named (issue 5)"


async def test_o_r2_the_running_bucket_goes_on(tmp_path: Path) -> None:
    """What came after the first answer is added to the same bucket (O-S12)."""
    clock = ManualClock(NOW_MS * 1_000_000)
    async with (
        Store(with_tables(tmp_path / "made.sqlite3"), clock) as store,
        Platform(clock=clock, store=store).served() as platform,
    ):
        assert (await answer(platform, f"{PATH}/1d?exchange=all"))["data"] == []
        totals = {}
        for before_ms, usd in ((1_000, 100.0), (500, 50.0)):
            store.put(at(before_ms, usd))
            platform.advance(10.0)
            (row,) = (await answer(platform, f"{PATH}/1d?exchange=all"))["data"]
            totals[row["totalVolume"]] = row["timestamp"]
        assert list(totals) == [100.0, 150.0]
        assert len(set(totals.values())) == 1


@pytest.mark.parametrize(
    ("timeframe", "days"),
    [("1m", 1), ("5m", 3), ("15m", 7), ("30m", 14), ("1h", 30), ("4h", 90), ("1d", 365)],
)
async def test_o_r2_a_timeframe_has_a_longest_span(
    stored: Platform, timeframe: str, days: int
) -> None:
    longest = f"{PATH}/{timeframe}?start_time={NOW_MS - days * DAY_MS}&end_time={NOW_MS}"
    assert (await stored.get(longest)).status == 200
    reply = await stored.get(longest.replace(str(NOW_MS), str(NOW_MS + 1)))
    assert reply.status == 422
    assert f"at most {days} days before end_time for {timeframe}".encode() in reply.body
    assert len(DAYS_MAX) == 7


@pytest.mark.parametrize(
    ("target", "status", "field"),
    [
        (f"{PATH}/3m", 422, "timeframe"),
        (f"{PATH}/1M", 422, "timeframe"),
        (f"{PATH}/1m?start_time={NOW_MS}&end_time={NOW_MS}", 422, "start_time"),
        (f"{PATH}/1m?start_time={NOW_MS + 10}", 422, "start_time"),
        (f"{PATH}/1m?start_time=now", 422, "start_time"),
        (f"{PATH}/1m?exchange=ftx", 404, "exchange"),
        (f"{PATH}/1m?exchange=", 422, "exchange"),
        (f"{PATH}/1m?limit=5", 422, "limit"),
        ("/api/v1/liquidation-volume/NOPEUSDT/1m", 404, "symbol"),
        ("/api/v1/liquidation-volume/NOPEUSDT/1m?exchange=all", 404, "symbol"),
    ],
)
async def test_o_r2_what_cannot_be_meant_is_refused_by_name(
    stored: Platform, target: str, status: int, field: str
) -> None:
    reply = await stored.get(target)
    problem = reply.json()
    assert isinstance(problem, dict)
    assert (reply.status, problem["errors"][0]["field"]) == (status, field)
    assert problem["errors"][0]["allowed"]
