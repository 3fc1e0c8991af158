"""The oracle against backtesting.py and vectorbt: every trade and the whole curve, to 1e-9.

The peers run in their own environments (`make bench-peers`); without them these tests are skipped,
the oracle's own and ours against it are not.
"""

import math

import pytest
from benchmarks.peers.asking import is_ready
from tests.peers import oracle
from tests.peers.cases import CASES, named
from tests.peers.comparing import Answer, answers, key, sharpe_by_bars, unlike
from tests.peers.series import SERIES

pytestmark = pytest.mark.timeout(900)

COMPARED = ("backtesting", "vectorbt")

RUINED = {
    "ties-sma10x30-both-next-open-10bps",
    "ties-sma10x30-both-close-10bps",
    "ties-sma10x30-both-next-open-0bps",
    "ties-sma10x30-both-close-10bps-stop0.02",
    "ties-sma10x30-both-close-10bps-stop0.02-target0.03",
}
"""A price that doubles overnight ruins who is short with all he has."""


@pytest.fixture(scope="module", params=COMPARED)
def answered(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Answer]:
    peer: str = request.param
    if not is_ready(peer):
        pytest.skip(f"{peer} is not installed: make bench-peers")
    found = answers(peer, tmp_path_factory.mktemp(peer))
    return {name: answer for name, (_, answer) in found.items()}


def test_the_peer_gives_what_the_oracle_gives(answered: dict[str, Answer]) -> None:
    unequal: dict[str, list[str]] = {}
    compared = 0
    for series, case in CASES:
        answer = answered[key(series, case)]
        if "refused" in answer:
            assert case.slippage_bps
            continue
        compared += 1
        wanted = oracle.run(case, SERIES[series]())
        if said := unlike(wanted, answer, case.capital):
            unequal[named(series, case)] = said
    assert unequal == {}
    assert compared >= 100


def test_sharpe_by_bars_is_that_of_vectorbt(answered: dict[str, Answer]) -> None:
    compared = 0
    for series, case in CASES:
        answer = answered[key(series, case)]
        if "vectorbt" not in answer["peer"] or answer["sharpe"] is None:
            continue
        if named(series, case) in RUINED:
            continue
        bars = SERIES[series]()
        wanted = sharpe_by_bars(oracle.run(case, bars).equity, case.capital, bars)
        assert math.isclose(wanted, answer["sharpe"], rel_tol=1e-7), named(series, case)
        compared += 1
    if not compared:
        pytest.skip("another definition: see benchmarks/peers/differences.py")
    assert compared > 50
