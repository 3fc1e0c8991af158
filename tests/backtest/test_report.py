"""The report as text: what it says of every kind of run, and that nothing in it can break out."""

import json
import re
from html import escape
from pathlib import Path

import msgspec
import pytest
from tests.backtest.report_runs import HOSTILE, Never, Once, ruined, run, walk

from headwater.analytics.metric_definitions import METRIC_DEFINITIONS
from headwater.backtest.assumptions import Assumptions
from headwater.backtest.report import report_html
from headwater.backtest.report_metrics import metric_label
from headwater.backtest.report_page import MODULES
from headwater.backtest.result import BacktestResult

NOWHERE = Path("no-modules-here")


def data_of(page: str) -> dict[str, object]:
    """What the script of the page reads."""
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    read = json.loads(found[1])
    assert isinstance(read, dict)
    return read


def test_every_part_of_a_run_is_told() -> None:
    result = run(stop_loss=0.02, take_profit=0.03)
    page = report_html(result, modules=NOWHERE)
    for text in result.assumptions.told().values():
        assert escape(text) in page
    assert result.look_ahead.how in page
    for name in METRIC_DEFINITIONS:
        if name not in {"sharpe", "worst_drawdowns", "ruined_bar"}:
            assert escape(metric_label(name)) in page
    for head in ("Equity", "Price and trades", "Returns by month", "Parameters", "Data"):
        assert head in page
    assert "alternating on BTCUSDT" in page
    assert "stop_loss" in page


def test_hostile_names_stay_text() -> None:
    result = run(note=HOSTILE)
    hostile = msgspec.structs.replace(result.assumptions, exchange=HOSTILE)
    named = BacktestResult(**{**result.__dict__, "strategy": HOSTILE, "symbol": HOSTILE})
    named = BacktestResult(**{**named.__dict__, "assumptions": hostile})
    page = report_html(named, title=HOSTILE, modules=NOWHERE)
    assert "<img" not in page
    assert page.count("</script>") == page.count("<script")
    assert "&lt;/script&gt;" in page


def test_the_page_asks_nobody_for_anything() -> None:
    page = report_html(run(), modules=NOWHERE)
    assert "default-src 'none'" in page
    assert "unsafe" not in page
    assert re.findall(r"(?:src|href)=[\"'](?!#)[^\"']*", page) == []


def test_a_run_without_trades_says_so() -> None:
    page = report_html(run(Never), modules=NOWHERE)
    assert "There was no trade." in page
    assert data_of(page)["trades"] is None
    assert "never below its highest" in page


def test_one_trade_is_one_row() -> None:
    page = report_html(run(Once), modules=NOWHERE)
    assert page.count("<tr>", page.index('<table id="trades"')) >= 1
    trades = data_of(page)["trades"]
    assert isinstance(trades, dict)
    assert trades["side"] == ["long"]
    assert trades["reason"] == ["signal"]


def test_ruin_is_told_loudly() -> None:
    # Prices rise by 400/59 a bar. Sold at bar 5 at 133.90: 74.65 units, 19,990 of cash after the
    # fee; bought back they cost that at 267.81, which the close of bar 25 (269.49) is beyond.
    result = ruined()
    page = report_html(result, modules=NOWHERE)
    assert result.outcome.insolvent_bar == 25
    assert 'role="alert">INSOLVENT: the account was ruined in bar 25' in page
    assert "34 bars were not traded" in page


def test_a_pending_decision_and_ambiguous_bars_are_listed() -> None:
    # 495 bars: the entry decided at bar 494 has none left.
    result = run(bars=walk(495), stop_loss=0.0005, take_profit=0.0005)
    page = report_html(result, modules=NOWHERE)
    assert len(result.outcome.pending) == 1
    assert "Pending decisions" in page
    assert result.outcome.ambiguous_bars
    assert "Ambiguous bars" in page


def test_refused_orders_are_listed_with_their_reason() -> None:
    result = run(assumptions=Assumptions(min_notional=20_000.0, quantity_step=0.001))
    assert result.outcome.refused
    page = report_html(result, modules=NOWHERE)
    assert "Refused orders" in page
    assert result.outcome.refused[0].reason in page


def test_without_the_library_the_page_says_so_and_draws_lines() -> None:
    page = report_html(run(), modules=NOWHERE)
    assert "The chart library was not installed" in page
    assert page.count("<polyline") == 3


@pytest.mark.skipif(not list(MODULES.glob("lightweight-charts-*")), reason="no modules: `npm ci`")
def test_with_the_library_the_page_contains_it() -> None:
    page = report_html(run())
    assert "The chart library was not installed" not in page
    assert "globalThis.charts=" in page


def test_a_long_run_makes_a_file_of_a_few_megabytes() -> None:
    """Two hundred thousand bars with twenty thousand trades: all that a million could show."""
    page = report_html(run(bars=200_000), modules=NOWHERE)
    assert len(page.encode()) < 4_000_000
    data = data_of(page)
    assert isinstance(data["trades"], dict)
    assert len(data["trades"]["side"]) == 20_000
    assert isinstance(data["equity"], dict)
    assert len(data["equity"]["time_s"]) <= 5_000
    (price,) = data["prices"]
    assert (price["place"], price["contract"]) == ("price", "")
    assert 0 < len(price["candles"]["time_s"]) <= 5_000
