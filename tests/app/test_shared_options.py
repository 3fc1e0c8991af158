"""What the commands that run strategies are all told."""

from pathlib import Path

import pytest

from headwater.app.contracts_asked import AskedContract
from headwater.app.shared_options import RunOptions
from headwater.core.errors import ConfigError

NAMES = ["binance:BTCUSDT=a.csv", "bybit:BTCUSDT=b.csv"]


def test_a_command_of_one_contract_refuses_several() -> None:
    options = RunOptions(strategy="sma_cross", data=NAMES)
    assert len(options.contracts()) == 2
    with pytest.raises(ConfigError, match=r"--data: 2 contracts.*headwater backtest"):
        options.one_contract()
    stored = RunOptions(strategy="sma_cross", symbol="BTCUSDT", exchange="binance,bybit")
    with pytest.raises(ConfigError, match="--symbol: 2 contracts"):
        stored.one_contract()


def test_costs_and_terms_are_those_of_the_options() -> None:
    options = RunOptions(
        strategy="sma_cross", fee_bps=7.0, slippage_bps=2.0, leverage=3.0, quantity_step=0.1
    )
    found = options.costs(AskedContract(data=None, symbol="", exchange=""))
    assert found.fee_rate == pytest.approx(7e-4)
    assert found.slippage_rate == pytest.approx(2e-4)
    assert (found.leverage, found.quantity_step) == (3.0, 0.1)


def test_inputs_are_those_of_the_contract_within_the_options(tmp_path: Path) -> None:
    file = tmp_path / "days.csv"
    rows = [f"{1_704_067_200 + at * 86_400},1,2,1,1,1" for at in range(10)]
    file.write_text("\n".join(["timestamp,open,high,low,close,volume", *rows]) + "\n")
    options = RunOptions(strategy="sma_cross", start="2024-01-04", end="2024-01-06")
    contract = AskedContract(data=file, symbol="BTCUSDT", exchange="binance")
    found = options.inputs(contract).bars
    assert (len(found), found.symbol) == (3, "BTCUSDT")
