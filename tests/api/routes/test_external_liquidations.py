"""Past liquidations of an external service over HTTP (O-S9, O-S20): marked, and never a failure."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from tests.api.fake_source import NOW_MS
from tests.api.routes.test_liquidations import MINUTE_MS, at
from tests.api.served import Platform
from tests.feeds.external_service import ExternalService, client, http_reply, order_row
from tests.storage.ready_tables import with_tables

from headwater.core.clock import ManualClock
from headwater.core.intervals import Interval
from headwater.feeds.external_liquidations import ExternalLiquidations
from headwater.storage.store import Store

BEFORE_MS = NOW_MS - 200 * MINUTE_MS
HISTORY = "/liquidations/history?symbol=BTCUSDT"
VOLUME = "/liquidations/volume?symbol=BTCUSDT&interval=1h"
CHART = "/api/v1/liquidation-volume/BTCUSDT/1h?exchange=all"

Served = tuple[Platform, ExternalService]


@asynccontextmanager
async def serving(folder: Path, timeout_s: float = 10.0) -> AsyncIterator[Served]:
    """Our own first of 67,100 USD an hour ago; the service told of one before, and of that one."""
    clock = ManualClock(NOW_MS * 1_000_000)
    rows = [order_row(BEFORE_MS, 60_000.0, "BUY", 0.5), order_row(NOW_MS - MINUTE_MS, 1.0)]
    async with (
        client(clock) as http,
        Store(with_tables(folder / "made.sqlite3"), clock) as store,
        ExternalService(rows).served() as service,
    ):
        store.put(at(60 * MINUTE_MS, 67_100.0))
        external = ExternalLiquidations(service.base_url, http, clock, timeout_s=timeout_s)
        platform = Platform(
            clock=clock, venues=("binance", "bybit"), store=store, external=external
        )
        async with platform.served():
            yield platform, service


async def body_of(platform: Platform, target: str) -> Any:
    reply = await platform.get(target)
    assert reply.status == 200, reply
    assert "x-data-incomplete" not in reply.headers
    return reply.json()


async def test_o_s20_single_ones_are_marked(tmp_path: Path) -> None:
    async with serving(tmp_path) as (platform, _):
        own, before = await body_of(platform, HISTORY)
        assert (own["source"], own["exchange"], own["price"]) == ("own", "bybit", 67_100.0)
        assert before["source"] == before["exchange"] == "external"
        assert (before["side"], before["position_side"]) == ("buy", "short")
        assert (before["price"], before["quantity"], before["value"]) == (60_000.0, 0.5, 30_000.0)
        assert (before["price_kind"], before["is_floor"]) == ("average", True)
        (only,) = await body_of(platform, f"{HISTORY}&exchanges=binance,bybit")
        assert only["source"] == "own", "the service names no venue"


async def test_o_s20_sums_are_marked_and_one_series(tmp_path: Path) -> None:
    async with serving(tmp_path) as (platform, service):
        rows = await body_of(platform, f"{HISTORY}&aggregate=1h")
        assert [(row["source"], row["total_volume"], row["num_levels"]) for row in rows] == [
            ("external", 30_000.0, None),
            ("own", 67_100.0, 1),
        ]
        rows = await body_of(platform, VOLUME)
        hours = (Interval.H1.opens_at_ms(NOW_MS - 60 * MINUTE_MS) - BEFORE_MS) / 3_600_000
        assert [row["source"] for row in rows] == ["external"] * (int(hours) + 1) + ["own"]
        assert (rows[0]["buy_volume"], rows[0]["buy_quantity"], rows[0]["buy_count"]) == (
            30_000.0,
            None,
            None,
        )
        assert len(service.asked) == 1, "one question for both"


async def test_o_s20_the_chart(tmp_path: Path) -> None:
    async with serving(tmp_path) as (platform, _):
        found = await body_of(platform, CHART)
        first, *_, last = found["data"]
        assert (first["source"], first["buyVolumeFormatted"], first["count"]) == (
            "external",
            "≥30.00K",
            None,
        )
        assert (last["source"], last["totalVolume"], last["count"]) == ("own", 67_100.0, 1)
        assert found["exchanges"] == ["binance", "bybit", "external"]
        times = [row["timestamp"] for row in found["data"]]
        assert times == list(range(times[0], times[-1] + 1, 3_600_000))
        named = await body_of(platform, CHART.replace("all", "bybit"))
        assert named["exchanges"] == ["bybit"]


def _silent(service: ExternalService) -> None:
    service.is_silent = True


def _broken(service: ExternalService) -> None:
    service.reply = http_reply(b"", HTTPStatus.BAD_GATEWAY)


def _nonsense(service: ExternalService) -> None:
    service.reply = http_reply(b'{"rows": "s3cret"}')


@pytest.mark.parametrize(
    ("fault", "words"),
    [(_silent, "no reply in 0.05 s"), (_broken, "502"), (_nonsense, "the reply means nothing")],
)
async def test_o_s9_its_failure_is_never_ours(
    tmp_path: Path, fault: Callable[[ExternalService], None], words: str
) -> None:
    async with serving(tmp_path, timeout_s=0.05) as (platform, service):
        fault(service)
        for target in (HISTORY, f"{HISTORY}&aggregate=1h", VOLUME, CHART):
            reply = await platform.get(target)
            assert reply.status == 200
            told = reply.headers["x-data-incomplete"]
            assert told.startswith("what the external service knows of before our own first")
            assert words in told
            assert b"67100" in reply.body, "our own go out"
            assert b'"external"' not in reply.body
        health = (await platform.get("/health")).json()
        assert isinstance(health, dict)
        assert health["status"] == "healthy"
        assert health["components"]["external_liquidations"]["status"] == "degraded"
        metrics = (await platform.get("/metrics")).body.decode()
        assert "headwater_external_liquidations_healthy 0.0" in metrics
        assert "s3cret" not in metrics + str(health)
