"""Prices of one symbol on several exchanges are one market's price."""

from collections.abc import Sequence
from itertools import zip_longest

import pytest

from headwater.core.intervals import Interval
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
    """But for moments within a cascade; without ties they do not, which is why those are there."""
    apart, tied = exchanges("a", "b", "c", "d"), exchanges("a", "b", "c", "d")
    ties = SimulatedExchange.tie(tied)
    spreads_apart, spreads_tied = [], []
    for second in range(1, 121):
        for venue in (*apart, *tied):
            venue.advance_to(START_MS + second * 1000)
        if second > 30:
            for symbol in SYMBOLS:
                spreads_apart.append(spread_of(apart, symbol))
                spreads_tied.append(spread_of(tied, symbol))
    usual = int(0.95 * len(spreads_tied))
    assert sorted(spreads_tied)[usual] < 2 * FEES < sorted(spreads_apart)[usual]
    assert max(spreads_tied) < 10 * FEES
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


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_venues_share_the_past_as_they_share_the_price(symbol: str) -> None:
    """Candles of five days side by side: prices of one market, volumes of two venues."""
    first, second = exchanges("binance", "bybit")
    for interval in (Interval.M1, Interval.M15, Interval.H1, Interval.D1):
        mine = first.candles(symbol, interval, limit=500)
        other = second.candles(symbol, interval, limit=500)
        assert [row.timestamp_ms for row in mine] == [row.timestamp_ms for row in other]
        for one, two in zip(mine, other, strict=True):
            assert one.close == pytest.approx(two.close, rel=0.01), interval
        assert [row.volume for row in mine] != [row.volume for row in other]
