"""The page of a comparison: unlike runs are said loudly, first; equity where there is one."""

import json
import re
from pathlib import Path

from tests.backtest.report_runs import HOSTILE, ruined, run

from headwater.backtest.comparison import compared
from headwater.backtest.comparison_page import comparison_html
from headwater.backtest.summary import summary

NOWHERE = Path("no-modules-here")


def test_unlike_runs_are_said_loudly_before_the_figures() -> None:
    runs = {"a": summary(run()), HOSTILE: summary(ruined())}
    page = comparison_html(compared(runs), runs, modules=NOWHERE)
    assert page.index("THESE RUNS ARE NOT ALIKE") < page.index("<h2>Figures")
    assert "INSOLVENT" in page
    assert "<img" not in page
    assert "made without --equity" in page


def test_alike_runs_are_drawn_as_multiples_of_their_capital() -> None:
    runs = {
        "a": summary(run(), with_equity=True),
        "b": summary(run(stop_loss=0.01), with_equity=True),
    }
    page = comparison_html(compared(runs), runs, modules=NOWHERE)
    assert "NOT ALIKE" not in page
    found = re.search(r'id="data">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    lines = json.loads(found[1])["lines"]
    assert [one["name"] for one in lines] == ["a", "b"]
    assert lines[0]["equity"][0] == 1.0
    assert len(lines[0]["time_s"]) == 500
    assert lines[0]["time_s"][1] - lines[0]["time_s"][0] == 3600
