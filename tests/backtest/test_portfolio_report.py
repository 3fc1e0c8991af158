"""The report of several contracts as text."""

import json
import re
from html import escape
from pathlib import Path
from typing import Any

import pytest
from tests.backtest.portfolio_runs import crossing
from tests.backtest.report_runs import HOSTILE

from headwater.backtest import report_series
from headwater.backtest.portfolio_contracts import exposures
from headwater.backtest.portfolio_report import portfolio_report_html

NOWHERE = Path("no-modules-here")


def data_of(page: str) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    read: dict[str, Any] = json.loads(found[1])
    return read


def test_every_part_of_a_run_is_told() -> None:
    result = crossing(stop_loss=0.02)
    page = portfolio_report_html(result, modules=NOWHERE)
    for text in (*result.told().values(), result.look_ahead):
        assert escape(text) in page
    for head in (
        "Equity",
        "Prices and trades",
        "Exposure by contract",
        "Returns by month",
        "Drawdowns",
        "Data",
    ):
        assert f">{head}" in page
    assert "sma_cross on x:BTCUSDT, y:BTCUSDT" in page
    assert page.count("<h3>x:BTCUSDT</h3>") == page.count("<h3>") / 2 == 2
    assert re.findall(r"(?:src|href)=[\"'](?!#)[^\"']*", page) == []


def test_the_charts_have_a_line_a_contract_and_the_trades_their_contract() -> None:
    result = crossing()
    data = data_of(portfolio_report_html(result, modules=NOWHERE))
    assert [one["name"] for one in data["exposures"]] == ["x:BTCUSDT", "y:BTCUSDT"]
    both = [
        abs(one) + abs(other)
        for one, other in zip(*(line["exposure"] for line in data["exposures"]), strict=True)
    ]
    assert data["equity"]["exposure"] == pytest.approx(both, rel=1e-3)
    assert set(data["trades"]["contract"]) == {"x:BTCUSDT", "y:BTCUSDT"}
    assert len(data["trades"]["side"]) == len(result.trades)
    assert data["equity"]["time_s"][0] == result.opened_ms[0] / 1000


def test_the_exposures_of_many_contracts_stay_small(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if eight contracts of 300 hours were 64 of years: 100 points each, no extreme lost."""
    monkeypatch.setattr(report_series, "POINTS_SHARED", 800)
    result = crossing(pairs=4)
    data = data_of(portfolio_report_html(result, modules=NOWHERE))
    for line, whole in zip(data["exposures"], exposures(result), strict=True):
        assert len(line["time_s"]) == len(line["exposure"]) <= 100
        assert line["time_s"] == sorted(line["time_s"])
        assert max(line["exposure"]) == pytest.approx(whole.max(), rel=1e-3)
        assert min(line["exposure"]) == pytest.approx(whole.min(), rel=1e-3)
    for price in data["prices"]:
        assert len(price["candles"]["time_s"]) <= 100
    assert len(data["equity"]["time_s"]) == len(result.opened_ms)


def test_every_contract_has_a_price_chart_with_the_bars_that_it_had() -> None:
    result = crossing(stop_loss=0.02)
    data = data_of(portfolio_report_html(result, modules=NOWHERE))
    assert [one["place"] for one in data["prices"]] == ["price-0", "price-1"]
    assert [one["contract"] for one in data["prices"]] == ["x:BTCUSDT", "y:BTCUSDT"]
    for price, stream in zip(data["prices"], result.streams, strict=True):
        bars = stream.all_bars()
        assert price["candles"]["close"] == pytest.approx(bars.close.tolist(), rel=1e-7)
        assert price["candles"]["time_s"][0] == bars.timestamp_ms[0] / 1000
    assert data["bracket"] == {"stop_loss": 0.02, "take_profit": None}


def test_the_title_names_the_first_contracts_and_counts_the_others() -> None:
    page = portfolio_report_html(crossing(pairs=3), modules=NOWHERE)
    title = "sma_cross on x:BTCUSDT, y:BTCUSDT, x:C1USDT, y:C1USDT and 2 more"
    assert f"<title>{title}</title>" in page
    assert f"<title>{title}" not in portfolio_report_html(crossing(pairs=2), modules=NOWHERE)
    assert "<title>Mine</title>" in portfolio_report_html(crossing(), "Mine", modules=NOWHERE)


def test_hostile_names_stay_text() -> None:
    result = crossing()
    named = type(result)(**{**result.__dict__, "strategy": HOSTILE})
    page = portfolio_report_html(named, modules=NOWHERE)
    assert "<img" not in page
    assert page.count("</script>") == page.count("<script")


def test_what_is_open_and_what_was_refused_is_listed() -> None:
    """A leg of 1 / 2 is worth less than 5: every entry is refused. With cash a stop is open."""
    page = portfolio_report_html(crossing(cash=1, min_notional="5"), modules=NOWHERE)
    assert "Refused orders" in page
    assert "There was no trade." in page
    page = portfolio_report_html(crossing(stop_loss=0.02), modules=NOWHERE)
    assert "Orders open at the end" in page
