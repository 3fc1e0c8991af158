"""The ladder: deep, never crossed, follows the price, leaves others' orders alone."""

import random

import pytest

from headwater.simulator.makers import MAX_LEVELS, MakerLadder, poisson
from headwater.simulator.matching import MatchingEngine
from headwater.simulator.more_listings import LISTING_BY_SYMBOL

BTC = LISTING_BY_SYMBOL["BTCUSDT"]


def _ladder(levels: int = 250) -> tuple[MakerLadder, MatchingEngine]:
    engine = MatchingEngine("BTCUSDT")
    return MakerLadder(random.Random(7), engine, BTC, 680_000.0, levels, 1.0), engine


@pytest.mark.parametrize("levels", [250, MAX_LEVELS])
def test_it_begins_with_the_levels_asked_for(levels: int) -> None:
    """As many price levels a side as wanted, the touch around the price."""
    _, engine = _ladder(levels)
    assert len(engine.bids.keys) == len(engine.asks.keys) == levels
    assert engine.bids.best is not None
    assert engine.asks.best is not None
    assert 679_990 < engine.bids.best <= 680_000 <= engine.asks.best < 680_010


def test_it_follows_a_run_and_keeps_its_depth() -> None:
    """After a run of 1 % the book is still deep, tight and not crossed."""
    ladder, engine = _ladder()
    fair = 680_000.0
    for _ in range(400):
        fair *= 1.000025
        if ladder.moved(fair):
            ladder.withdraw_stale()
        ladder.step()
    assert engine.bids.best is not None
    assert engine.asks.best is not None
    assert 0 < engine.asks.best - engine.bids.best < 100
    assert abs((engine.asks.best + engine.bids.best) / 2 - fair) < 100
    assert min(len(engine.bids.keys), len(engine.asks.keys)) > 230
    assert len(engine.orders) < 6 * 250


def test_orders_of_others_stay() -> None:
    """A stranger's order that became generous is counted as stale and not withdrawn."""
    ladder, engine = _ladder()
    assert engine.asks.best is not None
    placed = engine.submit("stranger", False, 5, engine.asks.best)
    assert ladder.moved(681_000.0)
    ladder.withdraw_stale()
    assert placed.order_id in engine.orders
    assert ladder.stale_lots(asks=True, levels=3) == 5
    assert ladder.stale_limit(asks=True) == ladder.ask_min - 1
    assert ladder.stale_lots(asks=False, levels=3) == 0


def test_small_drifts_move_no_quotes() -> None:
    """Inside the slack the makers stand still."""
    ladder, _ = _ladder()
    assert not ladder.moved(680_005.0)
    assert ladder.moved(680_100.0)


def test_poisson_has_its_mean() -> None:
    """Mean and zero share of many draws."""
    rng = random.Random(1)
    draws = [poisson(rng, 0.7) for _ in range(20_000)]
    assert abs(sum(draws) / len(draws) - 0.7) < 0.02
    assert abs(draws.count(0) / len(draws) - 0.4966) < 0.015
