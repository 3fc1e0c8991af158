"""What commands are told of the contract, and the name of the option in each refusal."""

from pathlib import Path
from typing import Any

import pytest

from headwater.app.contract_options import ContractWanted, with_contract
from headwater.backtest.assumptions import Assumptions
from headwater.core.errors import ConfigError

ROW = '[{"notional_floor": 0, "maintenance_rate": 0.01, "leverage_max": 20}]'


def told(**given: Any) -> Assumptions:
    return with_contract(Assumptions(fee_rate=0.001), ContractWanted(**given))


def test_nothing_stated_changes_nothing() -> None:
    assert told() == Assumptions(fee_rate=0.001)


def test_options_become_assumptions(tmp_path: Path) -> None:
    file = tmp_path / "tiers.json"
    file.write_text(ROW)
    found = told(
        quantity_step=0.1,
        price_tick=0.5,
        min_notional=5.0,
        tiers=str(file),
        liquidation_fee_bps=50.0,
    )
    assert (found.quantity_step, found.price_tick, found.min_notional) == (0.1, 0.5, 5.0)
    assert found.liquidation_fee_rate == 0.005
    assert [one.maintenance_rate for one in found.tiers] == [0.01]
    assert found.fee_rate == 0.001


def test_tiers_that_ship_are_told_with_their_date(capsys: pytest.CaptureFixture[str]) -> None:
    found = told(tiers="shipped", exchange="Binance", symbol="btc-usdt")
    assert len(found.tiers) == 7
    assert "snapshot of 2024-10" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("given", "match"),
    [
        ({"quantity_step": -1.0}, "--quantity-step"),
        ({"price_tick": float("nan")}, "--price-tick"),
        ({"min_notional": 1e13}, "--min-notional"),
        ({"liquidation_fee_bps": 10.0}, "--liquidation-fee-bps.*without --tiers"),
        (
            {"liquidation_fee_bps": 2_000.0, "tiers": "shipped", "exchange": "binance"},
            "--liquidation-fee-bps",
        ),
        ({"tiers": "shipped", "exchange": "okx", "symbol": "BTCUSDT"}, "--tiers.*a copy ships"),
        ({"tiers": "none.json"}, "--tiers.*No such file"),
    ],
)
def test_what_no_contract_has_names_its_option(given: dict[str, Any], match: str) -> None:
    with pytest.raises(ConfigError, match=match):
        told(**given)
