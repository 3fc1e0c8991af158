"""The fade of a cascade, by hand."""

from typing import Any

import numpy as np
import pytest
from tests.strategies.samples import bars_of

from headwater.core.errors import RequestError
from headwater.strategies.bars import Bars
from headwater.strategies.liquidation_fade import LiquidationFade

USUAL = [10.0] * 5
FALLING = [100.0, 100.0, 100.0, 100.0, 100.0, 90.0, 90.0, 90.0, 90.0, 90.0]


def _made(**changes: Any) -> LiquidationFade:
    return LiquidationFade(
        {"lookback_period": 5, "multiple": 3, "min_usd": 20, "hold_bars": 2} | changes
    )


def _bars(longs: list[float], closes: list[float] = FALLING) -> Bars:
    rest = [0.0] * (len(closes) - len(longs))
    return bars_of(
        closes,
        extras={
            "liquidated_long_usd": longs + rest,
            "liquidated_short_usd": [0.0] * len(closes),
        },
    )


def test_it_buys_the_bar_of_the_cascade_and_leaves_when_it_has_ebbed() -> None:
    # Usual are 10 USD a bar: 30 is three times as much; two bars later it is over.
    signals = _made().generate_signals(_bars([*USUAL, 30.0]))
    assert np.flatnonzero(signals.enter_long).tolist() == [5]
    assert np.flatnonzero(signals.exit_long).tolist() == [7, 8, 9]
    assert not _made().generate_signals(_bars([*USUAL, 29.0])).enter_long.any()
    assert not _made(min_usd=31).generate_signals(_bars([*USUAL, 30.0])).enter_long.any()


def test_a_further_cascade_prolongs_it() -> None:
    # Bar 6: usual is (4 × 10 + 30) / 5 = 14, three times 42.
    closes = [*FALLING[:6], 80.0, 80.0, 80.0, 80.0]
    signals = _made().generate_signals(_bars([*USUAL, 30.0, 42.0], closes))
    assert np.flatnonzero(signals.enter_long).tolist() == [5, 6]
    assert np.flatnonzero(signals.exit_long).tolist() == [8, 9]


def test_a_rising_bar_is_no_cascade_of_longs_and_the_mirror_is_one_of_shorts() -> None:
    rising = [100.0] * 5 + [110.0] * 5
    assert not _made().generate_signals(_bars([*USUAL, 30.0], rising)).enter_long.any()
    shorts = bars_of(
        rising,
        extras={
            "liquidated_long_usd": [0.0] * 10,
            "liquidated_short_usd": [*USUAL, 30.0, 0, 0, 0, 0],
        },
    )
    signals = _made(direction="both").generate_signals(shorts)
    assert np.flatnonzero(signals.enter_short).tolist() == [5]
    assert np.flatnonzero(signals.exit_short).tolist() == [7, 8, 9]


def test_what_is_not_known_is_no_reason_to_act() -> None:
    # Without bar 3 nobody knows what is usual.
    unknown = [10.0, 10.0, 10.0, float("nan"), 10.0, 1_000.0]
    assert not _made().generate_signals(_bars(unknown)).enter_long.any()
    assert not _made().generate_signals(_bars([*USUAL, float("nan")])).enter_long.any()
    # A market without liquidations has no cascade, even with bounds of 0.
    assert not _made(min_usd=0).generate_signals(_bars([])).enter_long.any()


def test_the_columns_must_be_there() -> None:
    with pytest.raises(RequestError, match="also liquidated_long_usd"):
        _made().generate_signals(bars_of([100.0] * 9))
    with pytest.raises(RequestError, match="hold_bars='0': at least 1"):
        _made(hold_bars=0)
