"""Prices of one symbol on several exchanges are one market's price."""

from collections.abc import Sequence
from itertools import zip_longest

import pytest

from headwater.core.records import Record, Trade
from headwater.simulator.arbitrage import FEES, Arbitrage
from headwater.simulator.exchange import SimulatedExchange

START_MS = 1_790_000_000_000
SYMBOLS = ("BTCUSDT", "XRPUSDT")


def exchanges(*names: str, start_ms: int = START_MS) -> list[SimulatedExchange]:
    """Exchanges of one seed, not tied."""
    return [
        SimulatedExchange(seed=5, start_ms=start_ms, exchange=name, symbols=SYMBOLS)
        for name in names
    ]


def spread_of(venues: Sequence[SimulatedExchange], symbol: str) -> float:
    """Highest middle over lowest, less one."""
    middles = []
    for venue in venues:
        book = venue.book(symbol, 1)
        middles.append((book.bids[0][0] + book.asks[0][0]) / 2)
    return max(middles) / min(middles) - 1


def test_tied_prices_stay_within_the_cost_of_arbitrage() -> None:
    """And without ties they do not, which is why the ties are there."""
    apart, tied = exchanges("a", "b", "c", "d"), exchanges("a", "b", "c", "d")
    ties = SimulatedExchange.tie(tied)
    worst_apart = worst_tied = 0.0
    for second in range(1, 121):
        for venue in (*apart, *tied):
            venue.advance_to(START_MS + second * 1000)
        if second > 30:
            for symbol in SYMBOLS:
                worst_apart = max(worst_apart, spread_of(apart, symbol))
                worst_tied = max(worst_tied, spread_of(tied, symbol))
    assert worst_tied < 2 * FEES < worst_apart
    assert ties.trades > 0


def test_who_is_asked_first_and_how_often_changes_nothing() -> None:
    """Each exchange's records are the same however the way is cut."""

    def run(order: Sequence[int], steps_ms: Sequence[int]) -> list[list[Record]]:
        venues = exchanges("a", "b", "c")
        SimulatedExchange.tie(venues)
        found: list[list[Record]] = [[], [], []]
        for passed_ms in steps_ms:
            for index in order:
                found[index] += venues[index].advance_to(START_MS + passed_ms)
        return found

    often = run((0, 1, 2), range(50, 5_050, 50))
    seldom = run((2, 0, 1), (1_700, 1_750, 5_000))
    assert often == seldom
    assert all(any(isinstance(record, Trade) for record in records) for records in often)


def test_what_happened_elsewhere_waits_until_it_is_asked_for() -> None:
    first, second = exchanges("a", "b")
    SimulatedExchange.tie((first, second))
    first.advance_to(START_MS + 2_000)
    assert second.now_ms() == START_MS
    late = second.advance_to(START_MS + 2_000)
    assert late
    assert {record.exchange for record in late} == {"b"}
    assert second.advance_to(START_MS + 2_000) == []


def test_an_arbitrage_trade_prints_on_both_venues() -> None:
    """What is bought on the cheap venue is sold on the dear one, in the real books."""
    cheap, dear = exchanges("a", "b")
    ties = SimulatedExchange.tie((cheap, dear))
    market = dear.markets["BTCUSDT"]
    for _ in range(40):
        market.lean(0.0005, 0.0)
        cheap.advance_to(cheap.now_ms() + 50)
    assert ties.trades > 0
    bought = [r for r in cheap.advance_to(START_MS + 3_000) if isinstance(r, Trade)]
    sold = [r for r in dear.advance_to(START_MS + 3_000) if isinstance(r, Trade)]
    assert bought
    assert sold


@pytest.mark.parametrize("late", [50, 1_000])
def test_exchanges_at_different_times_are_not_tied(late: int) -> None:
    venues = [*exchanges("a"), *exchanges("b", start_ms=START_MS + late)]
    with pytest.raises(ValueError, match="2 different times"):
        SimulatedExchange.tie(venues)


def test_one_exchange_alone_is_as_it_was() -> None:
    """A tie of one changes no record."""
    (alone,), (tied,) = exchanges("a"), exchanges("a")
    assert isinstance(SimulatedExchange.tie([tied]), Arbitrage)
    pairs = zip_longest(
        alone.advance_to(START_MS + 3_000), tied.advance_to(START_MS + 3_000), fillvalue=None
    )
    assert all(left == right for left, right in pairs)
