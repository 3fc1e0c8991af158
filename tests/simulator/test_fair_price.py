"""The latent price: repeatable, coupled by the common factor, pushed by orders."""

import math
import random

from headwater.simulator.fair_price import STEPS_PER_SECOND, CommonFactor, FairPrice
from headwater.simulator.listings import LISTINGS


def _path(seed: int, common: float = 0.0, seconds: int = 60) -> list[float]:
    fair, ticks = FairPrice(random.Random(seed), LISTINGS[0], 680_000.0), []
    for _ in range(seconds):
        fair.second()
        for _ in range(STEPS_PER_SECOND):
            fair.step(common)
            ticks.append(fair.ticks)
    return ticks


def test_the_same_seed_gives_the_same_path() -> None:
    """Randomness is only what was passed in."""
    assert _path(3) == _path(3) != _path(4)


def test_the_common_factor_moves_by_beta() -> None:
    """A common return of 1 bp a step adds beta times that to the log price."""
    moved, still = _path(3, common=1e-4, seconds=1)[-1], _path(3, seconds=1)[-1]
    expected = LISTINGS[0].beta * 1e-4 * STEPS_PER_SECOND
    assert math.isclose(math.log(moved / still), expected, rel_tol=1e-3)


def test_a_push_lasts() -> None:
    """Impact shifts the price by the log return."""
    fair = FairPrice(random.Random(1), LISTINGS[0], 100.0)
    fair.push(0.01)
    assert math.isclose(fair.ticks, 100.0 * math.exp(0.01))


def test_a_quarter_of_an_hour_stays_plausible() -> None:
    """Neither frozen nor wild: the range of 15 minutes lies between 0.02 % and 10 %."""
    for seed in range(5):
        path = _path(seed, seconds=900)
        assert 0.0002 < max(path) / min(path) - 1 < 0.1


def test_the_common_factor_is_centred() -> None:
    """Returns of both signs, of the size of a step's volatility."""
    factor, returns = CommonFactor(random.Random(5)), []
    for _ in range(200):
        factor.second()
        returns += [factor.step() for _ in range(STEPS_PER_SECOND)]
    assert min(returns) < 0 < max(returns)
    assert abs(sum(returns)) < 0.02
