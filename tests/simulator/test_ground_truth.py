"""What tests may ask of the simulation."""

from headwater.simulator.exchange import SimulatedExchange

START_MS = 1_760_000_000_000


def test_ranges_totals_and_copies() -> None:
    """A range of prints is exact; totals are a copy; the whole book is the whole book."""
    exchange = SimulatedExchange(seed=1, start_ms=START_MS, symbols=["LTCUSDT"])
    truth = exchange.truth
    prints = exchange.prints("LTCUSDT", limit=10)
    numbers = [made.trade.sequence or 0 for made in prints]
    assert truth.prints("LTCUSDT", numbers[2], numbers[5]) == prints[2:6]
    assert truth.prints("LTCUSDT", numbers[5], numbers[2]) == []
    assert truth.prints("LTCUSDT", numbers[-1] + 1, numbers[-1] + 9) == []
    assert truth.print_of_fill("LTCUSDT", prints[3].first_fill_id) == prints[3]
    before = truth.totals("LTCUSDT")
    exchange.advance_to(START_MS + 30_000)
    assert (before.prints, before.deltas) == (0, 0)
    assert truth.totals("LTCUSDT").deltas > 100
    assert truth.book("LTCUSDT") == exchange.book("LTCUSDT", 10**6)
    assert truth.forced_closes("LTCUSDT") == truth.forced_closes()
