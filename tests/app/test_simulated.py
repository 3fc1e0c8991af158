"""The simulated exchanges as a child process."""

import json
from pathlib import Path

import aiohttp
import pytest

from headwater.app.simulated import SimulatedExchanges, SimulatorFailed, SimulatorOptions


async def test_starts_answers_and_stops() -> None:
    exchanges = SimulatedExchanges(SimulatorOptions(seed=3, symbols=("SOLUSDT", "BTCUSDT")))
    addresses = await exchanges.start()
    try:
        assert set(addresses["binance"].streams) == {"public", "market"}
        rest = addresses["binance"].rest
        async with aiohttp.ClientSession() as session:
            async with session.get(rest + "/fapi/v1/time") as reply:
                assert reply.status == 200
                assert (await reply.json())["serverTime"] > 1_600_000_000_000
            async with session.get(rest + "/fapi/v1/exchangeInfo") as reply:
                listed = {one["symbol"] for one in (await reply.json())["symbols"]}
                assert listed == {"BTCUSDT", "SOLUSDT"}
    finally:
        await exchanges.stop()
        await exchanges.stop()
    assert await exchanges.wait() == 0


async def test_a_child_that_cannot_start_is_named(tmp_path: Path) -> None:
    plan = tmp_path / "faults.json"
    plan.write_text(json.dumps({"no_such_fault": 1}))
    exchanges = SimulatedExchanges(SimulatorOptions(faults=str(plan)))
    with pytest.raises(SimulatorFailed, match="exit code"):
        await exchanges.start()
    await exchanges.stop()
