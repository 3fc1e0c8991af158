"""Assumptions are checked, and each is stated in a sentence."""

from decimal import Decimal
from typing import Any

import pytest

from headwater.core.errors import RequestError
from headwater.trading.paper_assumptions import (
    ExitRule,
    FillAssumptions,
    LimitFill,
    LiquidationPrice,
    MarketTiming,
    SlippageModel,
    check_assumptions,
)

D = Decimal


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"slippage": SlippageModel.FIXED_BPS, "slippage_amount": D(-1)}, "slippage_amount"),
        ({"slippage_amount": D(1)}, "slippage_amount"),
        ({"volume_fraction": D(0)}, "volume_fraction"),
        ({"volume_fraction": D(2)}, "volume_fraction"),
        ({"queue_ahead": D(-1)}, "queue_ahead"),
    ],
)
def test_what_is_out_of_range_is_named(fields: dict[str, Any], field: str) -> None:
    with pytest.raises(RequestError) as raised:
        check_assumptions(FillAssumptions(**fields))
    assert raised.value.field == field


def test_each_choice_changes_the_text() -> None:
    plain = FillAssumptions().texts()
    others = [
        *[FillAssumptions(timing=one) for one in MarketTiming],
        *[FillAssumptions(limit_fill=one) for one in LimitFill],
        *[FillAssumptions(slippage=one, slippage_amount=D(7)) for one in SlippageModel],
        *[FillAssumptions(liquidation_price=one) for one in LiquidationPrice],
        FillAssumptions(volume_fraction=D("0.1")),
        FillAssumptions(is_zero_volume_tradable=True),
        FillAssumptions(exits=ExitRule.STOP_FIRST),
    ]
    texts = [one.texts() for one in others]
    assert len(set(texts)) == len(others) - 3  # four groups hold the default once more
    assert all(len(one) == len(plain) for one in texts)
    assert "takers fill 7 bps worse than the market" in texts[6]
