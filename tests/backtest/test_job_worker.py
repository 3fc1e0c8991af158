"""A worker reads what its request names: candles, settled funding, smaller candles."""

from pathlib import Path

import msgspec
import pytest
from tests.backtest.job_samples import make_jobs, open_store, request, running, until
from tests.backtest.stored_hours import FUNDED, HOUR, PARAMETERS, START, halves, hours, payments

from headwater.backtest.run_inputs import FundingSource
from headwater.core.intervals import Interval


@pytest.mark.timeout(180)
async def test_stored_funding_is_paid_unless_it_is_not_wanted(tmp_path: Path) -> None:
    path = tmp_path / "jobs.sqlite3"
    asked = request(
        parameters=PARAMETERS,
        fee_rate=0.0,
        timeframe=Interval.H1,
        start_ms=START,
        end_ms=START + 6 * HOUR,
    )
    wishes = (
        asked,
        msgspec.structs.replace(asked, funding=FundingSource.NONE, detail_interval=Interval.M30),
        msgspec.structs.replace(
            asked, funding=FundingSource.STORED, end_ms=START + 3 * HOUR, exchange="binance"
        ),
    )
    async with open_store(path) as store:
        for record in (*hours(), *halves(), *payments()):
            store.put(record)
        await store.flush()
        async with running(make_jobs(store, path)) as jobs:
            started = [await jobs.submit(one) for one in wishes]
            ended = [await until(jobs, one.backtest_id) for one in started]
            paid, plain = [
                msgspec.json.decode(await jobs.result(one.backtest_id)) for one in ended[:2]
            ]
    assert paid["final_equity"] == pytest.approx(FUNDED, rel=1e-12)
    assert paid["assumptions"]["funding"].startswith("3 payments at their times, as binance")
    assert plain["final_equity"] == pytest.approx(10_000 / 12 * 8, rel=1e-12)
    assert "30m bars (there for 1 of 6 bars)" in plain["assumptions"]["intrabar"]
    # Of hours 0 to 2 no payment is stored, and it was demanded.
    assert "headwater fetch funding" in ended[2].error
