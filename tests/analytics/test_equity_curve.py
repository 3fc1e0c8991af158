import numpy as np
import pytest

from headwater.analytics.equity_curve import bars_per_year, read_equity, read_times
from headwater.core.errors import RequestError


def test_a_curve_ends_with_the_bar_of_ruin() -> None:
    curve, ruin = read_equity([90.0, 0.0, 50.0, -3.0], 100.0)
    assert curve.tolist() == [90.0, 0.0]
    assert ruin == 1
    assert read_equity([90.0, 1e-9], 100.0)[1] is None
    assert read_equity([], 100.0)[1] is None


@pytest.mark.parametrize(
    ("equity", "capital", "field"),
    [
        ([1.0, np.nan], 1.0, "equity[1]"),
        ([np.inf], 1.0, "equity[0]"),
        ([[1.0]], 1.0, "equity"),
        (["x"], 1.0, "equity"),
        ([1.0], 0.0, "capital"),
        ([1.0], np.nan, "capital"),
    ],
)
def test_a_curve_that_cannot_be_is_refused(equity: object, capital: float, field: str) -> None:
    with pytest.raises(RequestError) as refused:
        read_equity(equity, capital)  # type: ignore[arg-type]
    assert refused.value.field == field


@pytest.mark.parametrize("times", [[1, 1], [2, 1], [1], [1.5, 2.5]])
def test_times_rise(times: list[float]) -> None:
    with pytest.raises(RequestError, match="timestamps_ms"):
        read_times(times, 2)


def test_a_year_has_365_days() -> None:
    assert bars_per_year(3_600_000) == 8_760.0
    with pytest.raises(RequestError, match="interval_ms"):
        bars_per_year(0)
