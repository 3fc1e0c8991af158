"""A paper run on live feeds with its exchange as a child; see also `commands/test_paper.py`."""

from decimal import Decimal
from math import inf
from pathlib import Path

import msgspec
import pytest

from headwater.app.paper_session import PaperOrder, run_paper
from headwater.app.settings import load
from headwater.app.simulated import SimulatedExchanges, SimulatorOptions
from headwater.backtest.paper_parity import parity_of, read_recording
from headwater.core.errors import RequestError, UnknownSymbol
from headwater.core.intervals import Interval
from headwater.core.order_kinds import MarginMode
from headwater.strategies.rsi import Rsi

ORDER = PaperOrder(
    strategy="rsi",
    parameters={},
    contracts=(("okx", "BTCUSDT"), ("okx", "ETHUSDT")),
    interval=Interval.M1,
    capital=Decimal(10_000),
    fee_bps=None,
    slippage_bps=Decimal(1),
    leverage=Decimal(2),
    margin_mode=MarginMode.ISOLATED,
    history=50,
    journal=Path("journal"),
    stop_after_s=3.0,
    is_simulated=True,
)


async def test_what_the_run_rests_on_is_the_venues_and_in_the_journal(tmp_path: Path) -> None:
    exchanges = SimulatedExchanges(SimulatorOptions(seed=2, speed=60, venues=("okx",)))
    addresses = await exchanges.start()
    try:
        settings = load(options={}, environ={}).model_copy(update={"venue_addresses": addresses})
        order = msgspec.structs.replace(ORDER, journal=tmp_path / "journal")
        told: list[str] = []
        end = await run_paper(order, Rsi(), settings, told.append)
        unknown = msgspec.structs.replace(
            order, journal=tmp_path / "other", contracts=(("okx", "NOTHINGUSDT"),)
        )
        with pytest.raises(UnknownSymbol):
            await run_paper(unknown, Rsi(), settings, told.append)
        high = msgspec.structs.replace(order, journal=tmp_path / "other", leverage=Decimal(1_000))
        with pytest.raises(RequestError, match="leverage"):
            await run_paper(high, Rsi(), settings, told.append)
    finally:
        await exchanges.stop()
    assert (end.reason, end.dropped) == ("stopped", 0)
    recording = read_recording(order.journal)
    header = recording.header
    assert [len(rows) for rows in header.past] == [50, 50]
    # OKX: 2 and 5 bps.
    assert {(one.fees.maker, one.fees.taker) for one in header.contracts} == {
        (Decimal("0.0002"), Decimal("0.0005"))
    }
    assert {one.margin_mode for one in header.contracts} == {MarginMode.ISOLATED}
    assert [line.split(":")[1] for line in told[:2]] == ["BTCUSDT", "ETHUSDT"]
    assert "margin tiers of okx" in told[0]
    traded = header.traded()
    for contract in traded:
        rates = [tier.maintenance_rate for tier in contract.tiers]
        assert len(rates) > 1
        assert rates == sorted(rates)
        assert rates[0] > 0.0
        assert 0.0 < contract.tiers[-1].notional_cap < inf
        assert contract.leverage <= contract.max_leverage == contract.tiers[0].leverage_max
    assert recording.end == end
    assert recording.heard == end.heard > 50
    assert parity_of(recording, lambda name, given: Rsi(given)).is_equal
    assert not (tmp_path / "other").exists()
