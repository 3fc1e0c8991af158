"""A paper run on live feeds with its exchange as a child; see also `commands/test_paper.py`."""

from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from headwater.app.paper_session import PaperOrder, run_paper
from headwater.app.settings import load
from headwater.app.simulated import SimulatedExchanges, SimulatorOptions
from headwater.backtest.paper_parity import parity_of, read_recording
from headwater.core.errors import UnknownSymbol
from headwater.core.intervals import Interval
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
    history=50,
    journal=Path("journal"),
    stop_after_s=3.0,
    is_simulated=True,
)


async def test_bars_before_the_start_and_the_venues_fees_are_in_the_journal(tmp_path: Path) -> None:
    exchanges = SimulatedExchanges(SimulatorOptions(seed=2, speed=60, venues=("okx",)))
    addresses = await exchanges.start()
    try:
        settings = load(options={}, environ={}).model_copy(update={"venue_addresses": addresses})
        order = msgspec.structs.replace(ORDER, journal=tmp_path / "journal")
        end = await run_paper(order, Rsi(), settings)
        unknown = msgspec.structs.replace(
            order, journal=tmp_path / "other", contracts=(("okx", "NOTHINGUSDT"),)
        )
        with pytest.raises(UnknownSymbol):
            await run_paper(unknown, Rsi(), settings)
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
    assert recording.end == end
    assert recording.heard == end.heard > 50
    assert parity_of(recording, lambda name, given: Rsi(given)).is_equal
    assert not (tmp_path / "other").exists()
