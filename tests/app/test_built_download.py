"""Candles of an interval that the venue lacks: folded over pages as the market itself has them."""

import msgspec
import pytest
from tests.app.staged_download import Stage, staged

from headwater.api.schemas.market import OhlcView
from headwater.app.fetch_request import FetchRequest, Kind
from headwater.app.row_files import Reached
from headwater.core.intervals import Interval


async def candles(stage: Stage, request: FetchRequest) -> list[OhlcView]:
    return [row for row in await stage.rows(request) if isinstance(row, OhlcView)]


@pytest.mark.parametrize(
    ("name", "interval", "part", "count"),
    [
        ("okx", Interval.H8, Interval.H4, 150),
        ("bybit", Interval.D3, Interval.D1, 90),
        ("hyperliquid", Interval.MONTH3, Interval.MONTH1, 8),
    ],
)
async def test_built_candles_are_the_markets_own(
    name: str, interval: Interval, part: Interval, count: int
) -> None:
    async with staged(name) as stage:
        now_ms = stage.market.now_ms()
        truth = stage.market.candles("BTCUSDT", interval, limit=count + 1)[:-1]
        newest = await candles(stage, stage.request(Kind.CANDLES, interval, limit=count))
        assert [(row.open, row.high, row.low, row.close) for row in newest] == [
            (one.open, one.high, one.low, one.close) for one in truth
        ]
        assert [row.volume for row in newest] == pytest.approx([one.volume for one in truth])
        assert {row.built_from for row in newest} == {part}

        since = stage.request(
            Kind.CANDLES, interval, since_ms=truth[0].timestamp_ms, until_ms=now_ms
        )
        assert await candles(stage, since) == newest
        first = await candles(stage, msgspec.structs.replace(since, limit=3))
        reached = Reached(moment_ms=truth[2].timestamp_ms)
        rest = await candles(stage, msgspec.structs.replace(since, reached=reached))
        assert first + rest == newest
        between = msgspec.structs.replace(since, since_ms=truth[0].timestamp_ms + 1)
        assert await candles(stage, between) == newest[1:], "one that opened before is not wanted"
