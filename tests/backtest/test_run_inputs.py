"""What a run goes over, in words; payments and smaller bars of another time or size."""

from typing import Any

import numpy as np
import pytest

from headwater.backtest.assumptions import Assumptions
from headwater.backtest.funding import FundingColumns
from headwater.backtest.run_inputs import RunInputs, check_detail, detail_told, funding_told, within
from headwater.core.errors import RequestError
from headwater.strategies.bars import Bars

START = 1_704_067_200_000  # 2024-01-01T00:00:00Z
HOUR = 3_600_000


def bars(count: int, *, first: int = START, step: int = HOUR) -> Bars:
    ones: Any = np.ones(count)
    columns = dict.fromkeys(("open", "high", "low", "close", "volume"), ones)
    return Bars(np.arange(count) * step + first, columns, interval_ms=step)


def paid(*hours: float, mark: float | None = None) -> FundingColumns:
    times = [START + round(hour * HOUR) for hour in hours]
    marks = None if mark is None else [mark] * len(times)
    return FundingColumns.of(times, [0.0001] * len(times), marks)


def test_payments_outside_the_bars_are_left_out() -> None:
    """Bars from 0 to 24 h: 24 h is the next bar's."""
    found = within(paid(-8, 0, 8, 23.9, 24, mark=7.0), bars(24))
    assert found is not None
    assert ((found.timestamp_ms - START) / HOUR).tolist() == [0.0, 8.0, 23.9]
    assert found.mark_price is not None
    assert found.mark_price.tolist() == [7.0] * 3
    assert within(paid(-8, 24), bars(24)) is None
    assert within(paid(1), bars(24)[:0]) is None


def test_payments_are_told_with_what_may_be_missing() -> None:
    whole = funding_told(paid(0, 8, 16), bars(24), "of x.csv")
    assert whole == (
        "3 payments at their times, of x.csv, 2024-01-01T00:00:00Z to 2024-01-01T16:00:00Z, "
        "of the value at the bar's open"
    )
    assert "mark price" in funding_told(paid(0, 8, 16, mark=1.0), bars(24), "")
    assert funding_told(paid(3), bars(24), "x").startswith("1 payment at")
    # Of 0, 8, 16, 32, 40 … one pause is of 16 hours; none to the end at 48.
    assert "1 pauses" in funding_told(paid(0, 8, 16, 32, 40), bars(48), "x")
    # Nothing before 24 and nothing after 40, of 72 hours.
    assert "2 pauses" in funding_told(paid(24, 32, 40), bars(72), "x")


def test_smaller_bars_are_told_with_how_far_they_reach() -> None:
    half = bars(10, first=START + HOUR, step=HOUR // 4)
    assert detail_told(half, bars(24)) == "15m bars (there for 3 of 24 bars)"
    odd = bars(4, step=1_500)
    assert detail_told(odd, bars(24)).startswith("1500 ms bars")
    stated = RunInputs(bars=bars(24), detail=half).stated(Assumptions())
    assert "unless 15m bars" in stated.told()["intrabar"]


@pytest.mark.parametrize(
    ("detail", "match"),
    [
        (bars(24), "detail='1h'.*shorter than 1h"),
        (bars(24, step=24 * HOUR), "detail='1d'"),
        (bars(24, step=7 * 60_000), "detail='7m'.*fit into"),
        (bars(24, first=START + 24 * HOUR, step=60_000), "of the time from 2024-01-01T00"),
    ],
)
def test_smaller_bars_must_tell_something(detail: Bars, match: str) -> None:
    with pytest.raises(RequestError, match=match):
        check_detail(detail, bars(24))
