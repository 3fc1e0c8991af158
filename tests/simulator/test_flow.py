"""The crowd: bursts, positions from fills, forced closes within bankruptcy."""

import random

from headwater.simulator.fair_price import FairPrice
from headwater.simulator.flow import Crowd, power_law
from headwater.simulator.makers import MakerLadder
from headwater.simulator.matching import MatchingEngine
from headwater.simulator.more_listings import LISTING_BY_SYMBOL
from headwater.simulator.positions import PositionBook

BTC = LISTING_BY_SYMBOL["BTCUSDT"]


class _Stage:
    """A book with makers and a crowd."""

    def __init__(self, rate: float = 1.0) -> None:
        self.engine = MatchingEngine("BTCUSDT")
        self.fair = FairPrice(random.Random(1), BTC, 680_000.0)
        self.positions = PositionBook(BTC)
        self.ladder = MakerLadder(random.Random(2), self.engine, BTC, 680_000.0, 300, 1.0)
        self.crowd = Crowd(random.Random(3), self.engine, BTC, self.positions, self.fair, rate)

    def run(self, steps: int) -> list[int]:
        counts = []
        for index in range(steps):
            before = len(self.engine.prints)
            self.crowd.step(index * 50)
            self.ladder.step()
            counts.append(len(self.engine.prints) - before)
        return counts


def test_orders_come_in_bursts() -> None:
    """Orders per second vary more than independent arrivals would (variance over mean > 1.3)."""
    stage = _Stage()
    counts = stage.run(6_000)
    seconds = [sum(counts[i : i + 20]) for i in range(0, len(counts), 20)]
    mean = sum(seconds) / len(seconds)
    variance = sum((n - mean) ** 2 for n in seconds) / len(seconds)
    assert 2.0 < mean < 20.0
    assert variance > 1.3 * mean


def test_rate_multiplies_activity() -> None:
    """Four times the rate gives several times the prints."""
    assert sum(_Stage(4.0).run(1_000)) > 2 * sum(_Stage(1.0).run(1_000)) > 0


def test_positions_come_from_fills_and_stamps_rise() -> None:
    """The crowd opens positions at traded prices; times inside a step ascend."""
    stage = _Stage()
    stage.run(2_000)
    assert len(stage.positions) > 20
    prices = [made.price for made in stage.engine.prints]
    for position in stage.positions._positions:
        assert min(prices) <= position.entry <= max(prices)
    stamps = [made.stamp_ms for made in stage.engine.prints]
    assert stamps == sorted(stamps)
    assert stage.engine.executions == []


def test_a_forced_close_never_trades_beyond_bankruptcy() -> None:
    """The order is limited there; what it cannot sell the fund takes, and the position ends."""
    stage = _Stage()
    position = stage.positions.open(True, 10**9, 680_000.0, 100)
    assert position is not None
    before = stage.fair.ticks
    placed = stage.crowd.close_by_force(position)
    assert 0 < placed.filled < 10**9
    assert min(made.price for made in stage.engine.prints) >= position.bankruptcy
    assert {made.is_buy for made in stage.engine.prints} == {False}
    assert len(stage.positions) == 0
    assert stage.positions.long_lots == 0
    assert stage.fair.ticks < before


def test_power_law_stays_in_its_bounds() -> None:
    """Between the smallest and the cap, mostly small."""
    rng = random.Random(4)
    draws = sorted(power_law(rng, 10.0, 1.35, 50.0) for _ in range(5_000))
    assert draws[0] >= 10.0
    assert draws[-1] <= 500.0
    assert draws[2_500] < 20.0
