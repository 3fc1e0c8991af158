"""Each difference that a case can keep is real: kept, the outcome is another."""

from dataclasses import replace
from pathlib import Path

import pytest
from benchmarks.peers.asking import is_ready
from benchmarks.peers.differences import DIFFERENCES, switchable
from tests.peers import oracle
from tests.peers.cases import REVERSION, SMA, Named
from tests.peers.comparing import answers, key, unlike
from tests.peers.series import SERIES

pytestmark = pytest.mark.timeout(600)

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "guides" / "peers.md"

SHOWN: dict[tuple[str, str], Named] = {
    ("backtesting", "whole-units"): ("minutes", SMA),
    ("backtesting", "crossover-ties"): ("ties", SMA),
    ("backtesting", "first-bar"): ("first", replace(REVERSION, entry_threshold=1.5)),
    ("backtesting", "late-close-fees"): ("hours", replace(SMA, fill="close")),
    ("backtesting", "last-close-lost"): ("last", replace(SMA, fill="close")),
    ("backtesting", "brackets-from-close"): (
        "wild",
        replace(SMA, stop_loss=0.05, take_profit=0.1),
    ),
    ("vectorbt", "crossed-above"): ("ties", SMA),
    ("vectorbt", "stops-from-next-bar"): ("wild", replace(SMA, stop_loss=0.02)),
}
"""A series and a case in which it matters."""


def test_every_switch_is_shown() -> None:
    named = {(each.peer, each.name) for each in DIFFERENCES if each.name}
    assert set(SHOWN) == named


def test_the_guide_has_the_table_of_all_differences() -> None:
    text = GUIDE.read_text("utf-8")
    table = [line for line in text.splitlines() if line.startswith("|")][2:]
    switches = [f"`{each.name}`" if each.name else "" for each in DIFFERENCES]
    assert table == [
        f"| {each.peer} | {switch} | {each.theirs} | {each.ours} | {each.switch} |"
        for each, switch in zip(DIFFERENCES, switches, strict=True)
    ]


@pytest.mark.parametrize("peer", ["backtesting", "vectorbt"])
def test_a_difference_that_is_kept_changes_the_outcome(
    peer: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    if not is_ready(peer):
        pytest.skip(f"{peer} is not installed: make bench-peers")
    shown = [(SHOWN[peer, each.name], each.name) for each in switchable(peer)]
    bridged = [case for case, _ in shown]
    kept = [(series, replace(case, keep=(name,))) for (series, case), name in shown]
    found = answers(peer, tmp_path_factory.mktemp("kept"), [*bridged, *kept])
    for series, case in bridged:
        wanted = oracle.run(case, SERIES[series]())
        assert unlike(wanted, found[key(series, case)][1], case.capital) == []
    for series, case in kept:
        wanted = oracle.run(case, SERIES[series]())
        assert unlike(wanted, found[key(series, case)][1], case.capital), case.keep
