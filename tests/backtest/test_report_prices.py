"""The price charts of a report: how many candles, which names, what is drawn without a script."""

import numpy as np
import pytest
from tests.backtest.report_runs import HOSTILE, START_MS, walk

from headwater.backtest.report_prices import (
    bracket_of,
    price_chart,
    price_section,
    prices_section,
)
from headwater.backtest.report_series import POINTS_MAX, POINTS_SHARED
from headwater.strategies.bars import Bars


def flat(length: int, price: float = 100.0) -> Bars:
    column = np.full(length, price)
    return Bars.from_columns(
        START_MS + np.arange(length) * 60_000,
        dict.fromkeys(("open", "high", "low", "close", "volume"), column),
    )


def test_one_contract_has_all_candles_that_a_screen_can_show() -> None:
    chart = price_chart(walk(300))
    assert (chart.place, chart.contract, chart.places) == ("price", "", 2)
    assert (chart.candles.bars_each, len(chart.candles.time_s)) == (1, 300)
    assert len(price_chart(flat(2 * POINTS_MAX)).candles.time_s) == POINTS_MAX


@pytest.mark.parametrize("charts", [1, 2, 8, 9, 64])
def test_many_contracts_share_a_bounded_number_of_candles(charts: int) -> None:
    bars = flat(20_000)
    made = price_chart(bars, "x:A", 0, charts)
    assert charts * len(made.candles.time_s) <= POINTS_SHARED
    assert len(made.candles.time_s) <= POINTS_MAX
    assert len(made.candles.time_s) > min(POINTS_MAX, POINTS_SHARED / charts) / 2


def test_each_contract_has_its_own_places_name_and_number() -> None:
    bars = [flat(5), flat(5, 0.000123)]
    names = ["x:A", "y:B"]
    charts = tuple(price_chart(one, names[at], at, 2) for at, one in enumerate(bars))
    assert [(one.place, one.places) for one in charts] == [("price-0", 0), ("price-1", 6)]
    text = prices_section(charts)
    for chart in charts:
        assert f"<h3>{chart.contract}</h3>" in text
        assert f'data-chart="{chart.place}"' in text
        assert f'id="{chart.place}-note"' in text
        assert f"Price of {chart.contract} with the entries and exits of the trades" in text
    assert text.count("<polyline") == 2
    assert text.count("Arrows mark entries") == 1


def test_a_candle_of_several_bars_says_so() -> None:
    assert "Each candle stands for 3 bars." in price_section(price_chart(flat(3 * POINTS_MAX)))
    assert "Each candle" not in price_section(price_chart(flat(3)))
    several = prices_section((price_chart(flat(3 * POINTS_MAX), "x:A", 0, 1),))
    assert '<p class="dim">Each candle stands for 3 bars.</p>' in several


def test_without_bars_there_is_nothing_to_draw() -> None:
    empty = price_chart(flat(0), "x:A", 0, 2)
    assert empty.candles.time_s == []
    assert "<polyline" not in prices_section((empty,))


def test_hostile_names_stay_text() -> None:
    text = prices_section((price_chart(flat(3), HOSTILE, 0, 1),))
    assert "<img" not in text
    assert "</script>" not in text


@pytest.mark.parametrize(
    ("value", "distance"), [(0.02, 0.02), (1, 1.0), (None, None), (True, None), ("0.02", None)]
)
def test_a_distance_is_a_number(value: object, distance: float | None) -> None:
    assert bracket_of({"stop_loss": value}) == {"stop_loss": distance, "take_profit": None}
