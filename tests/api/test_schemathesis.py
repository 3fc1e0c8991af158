"""Generated requests against the document: no 5xx, no undocumented status, no wrong body.

Runs schemathesis' own command over the served application with every check it has, and with some
hours of a market in storage, so that routes answer with data and not only with nothing. The one
allowance: whether `end_time` lies before `start_time`, and how many bars a span has, cannot be said
in a schema, so routes with both times may answer 422 to what the schema allows; nor which fields of
a position go together, or what leverage a tier allows, so the routes of margin may too. Which
strategies, parameters and ids there are the schema cannot say either. Symbols are
refreshed once in ten seconds, so that most requests for it are answered with 429.
"""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.api.served import Platform
from tests.api.stored_market import put_market
from tests.feeds.external_service import ExternalService, client, order_row
from tests.storage.ready_tables import with_tables

from headwater.backtest.jobs import JobSettings
from headwater.core.clock import SystemClock
from headwater.feeds.external_liquidations import ExternalLiquidations
from headwater.storage.store import Store

pytestmark = pytest.mark.no_cover  # traced, it takes two to three times as long

CONFIG = """\
[[operations]]
include-path-regex = "ohlc|-hist|margin|liquidation|export|klines|range|cache|v1/candles|oi-vol"
checks.positive_data_acceptance.expected-statuses = ["2xx", "3xx", "404", "422"]

[[operations]]
include-path-regex = "v1/(strategies|backtests)"
checks.positive_data_acceptance.expected-statuses = ["2xx", "404", "409", "422"]

[[operations]]
include-path-regex = "refresh-symbols"
checks.positive_data_acceptance.expected-statuses = ["2xx", "429"]
"""


WITH_DATA = {
    "/liquidations/heatmap-timeseries?symbol=BTCUSDT": b'"levels":[{',
    "/liquidations/heatmap-timeseries?symbol=BTCUSDT&model=estimated": b'"levels":[{',
    "/liquidations/heatmap?symbol=BTCUSDT": b'"price_bucket":',
    "/liquidations/history?symbol=BTCUSDT": b'"side":"sell"',
    "/liquidations/largest": b'"side":"sell"',
    "/liquidations/volume?symbol=BTCUSDT": b'"sell_count":2',
    "/api/v1/liquidation-volume/BTCUSDT/1h?exchange=all": b'"data":[{',
    "/api/v1/candles/BTCUSDT?timeframe=5m": b'"closeFormatted":"',
    "/api/v1/trades/BTCUSDT": b'"priceFormatted":"',
    "/liquidations/clusters?symbol=BTCUSDT": b'"price_level":',
    "/liquidations/levels?symbol=BTCUSDT": b'"price_level":',
    "/liquidations/compare-models?symbol=BTCUSDT": b'"price_level":',
    "/liquidations/skill?symbol=BTCUSDT": b'"model":"estimated"',
    "/gaps": b'"gap_id":1',
    "/api/v1/symbols": b'"uiName":"BTC/USDT"',
    "/data/date-range?symbol=BTCUSDT": b'"start_date":',
    "/export/forecasts?format=json": b'"long_mass":[1000.0',
    "/export/mark_candles?format=ndjson": b'"interval":"1m"',
    "/export/live_spells": b"binance,BTCUSDT",
    "/export/backfills": b"binance,BTCUSDT,candles 1m",
}
"""Routes that answer from storage, with a part of the answer that only data brings."""

PROGRAM = """\
import gc, runpy
gc.set_threshold(50_000, 10, 10)  # else a sixth of its time goes into looking for garbage
runpy.run_module("schemathesis.cli", run_name="__main__")
"""
"""Schemathesis' own command."""


LISTED_SYMBOL = """\
[parameters]
"path.symbol" = "BTCUSDT"
"query.symbol" = "BTCUSDT"
"""


async def run_schemathesis(folder: Path, config_text: str, *options: str) -> int:
    """Runs against a served platform that offers everything; how many requests it made.

    Fails unless every one passed every check.
    """
    config, report = folder / "schemathesis.toml", folder / "report.json"
    config.write_text(config_text)
    clock = SystemClock()
    told = [order_row(clock.now_ms() - hours * 3_600_000, 60_000.0) for hours in range(1, 20)]
    async with (
        Store(with_tables(folder / "made.sqlite3"), clock) as store,
        ExternalService(told).served() as service,
        client(clock) as http,
        Platform(
            clock=clock,
            store=store,
            external=ExternalLiquidations(service.base_url, http, clock),
            lists_symbols=True,
            job_settings=JobSettings(queue_max=100_000),  # nobody does the jobs
        ).served() as platform,
    ):
        platform.source.offer_everything()
        await put_market(store, clock.now_ms())
        for target, part in WITH_DATA.items():
            reply = await platform.get(target)
            assert reply.status == 200, (target, reply)
            assert part in reply.body, (target, reply)
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", PROGRAM, "--config-file", str(config), "run"),
            f"http://127.0.0.1:{platform.port}/openapi.json",
            *("--generation-deterministic", "--no-color", "--report-json-path", str(report)),
            *options,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            cwd=folder,
        )
        output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()
    cases: dict[str, Any] = json.loads(report.read_text())["test_cases"]
    assert cases["with_failures"] == cases["errored"] == 0
    return int(cases["generated"])


@pytest.mark.parametrize(
    ("config", "phases", "examples"),
    [(CONFIG, "fuzzing", 5), (LISTED_SYMBOL + CONFIG, "examples,fuzzing", 8)],
    ids=["any", "listed"],
)
async def test_generated_requests(tmp_path: Path, config: str, phases: str, examples: int) -> None:
    """Most of any symbols are refused alike: more is tried of a listed one."""
    options = ("--phases", phases, "--max-examples", str(examples))
    assert await run_schemathesis(tmp_path, config, *options) >= 60


@pytest.mark.soak
@pytest.mark.timeout(900)
@pytest.mark.parametrize("config", [CONFIG, LISTED_SYMBOL + CONFIG], ids=["any", "listed"])
async def test_thousands_of_generated_requests(tmp_path: Path, config: str) -> None:
    assert await run_schemathesis(tmp_path, config, "--max-examples", "100") >= 5000
