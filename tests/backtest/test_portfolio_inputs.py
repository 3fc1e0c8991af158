"""Inputs of several contracts become streams, or are refused with their names."""

import pytest
from tests.backtest.drives import HOUR_MS, walk

from headwater.backtest.funding import FundingColumns
from headwater.backtest.portfolio_inputs import CONTRACTS_MAX, ContractInputs, portfolio_streams
from headwater.backtest.run_inputs import RunInputs
from headwater.core.errors import RequestError
from headwater.strategies.bars import Bars


def contract(
    exchange: str, bars: Bars, funding: FundingColumns | None = None, detail: Bars | None = None
) -> ContractInputs:
    inputs = RunInputs(bars=bars, funding=funding, detail=detail)
    return ContractInputs(exchange=exchange, symbol="BTCUSDT", inputs=inputs)


def test_the_streams_have_the_bars_and_payments_in_their_order() -> None:
    bars = walk(1, 40)
    times = bars.timestamp_ms[0] + HOUR_MS * 4 * (1 + bars.timestamp_ms[:5] * 0)
    hours = [0, 4, 8, 12, 24]  # one is missing: the usual distance is 4 hours all the same
    paid = FundingColumns.of([int(times[0]) + one * HOUR_MS for one in hours], [0.0001] * 5)
    one, other = portfolio_streams([contract("y", bars, paid), contract("x", walk(2, 30))])
    assert (one.exchange, other.exchange) == ("y", "x")
    assert one.bars is bars
    assert one.funding is paid
    assert one.funding_interval_h == 4.0
    assert other.funding_interval_h is None


def test_what_cannot_be_run_is_refused() -> None:
    bars = walk(1, 20)
    later = Bars(
        bars.timestamp_ms + 20 * HOUR_MS,
        {name: bars[name] for name in ("open", "high", "low", "close", "volume")},
        symbol="BTCUSDT",
    )
    with pytest.raises(RequestError, match="each contract once"):
        portfolio_streams([contract("x", bars), contract("x", bars)])
    with pytest.raises(RequestError, match="that all of them share"):
        portfolio_streams([contract("x", bars), contract("y", later)])
    with pytest.raises(RequestError, match="x:BTCUSDT, no bar"):
        portfolio_streams([contract("x", bars[:0])])
    for count in (0, CONTRACTS_MAX + 1):
        with pytest.raises(RequestError, match=f"contracts=.{count}."):
            portfolio_streams([contract(f"x{at}", bars) for at in range(count)])
