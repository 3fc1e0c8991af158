"""Mark price, premium and funding."""

import random
from itertools import pairwise

import pytest

from headwater.simulator.candles import CandleRow
from headwater.simulator.marks import MAX_FUNDING_ROWS, MarkPricer, Premium, funding_rate

HOUR_MS = 3_600_000
START_MS = 1_760_000_000_000
MINUTE = CandleRow(START_MS - START_MS % 60_000, 1_000, 1_000, 1_000, 1_000, 0, 0, 0, 0)


def _pricer(interval_h: int = 8, premium: float = 0.0) -> MarkPricer:
    return MarkPricer(random.Random(1), interval_h, START_MS, 0, 1_000.0, premium, MINUTE)


@pytest.mark.parametrize(
    ("premium", "hours", "rate"),
    [
        (0.0, 8, 0.0001),  # interest alone
        (0.0004, 8, 0.0001),  # inside the clamp the interest wins
        (0.0010, 8, 0.0005),  # 0.001 + max(0.0001 - 0.001, -0.0005)
        (-0.0010, 8, -0.0005),
        (0.0010, 4, 0.00025),  # half the interval, half the rate
        (0.5, 8, 0.02),  # capped
    ],
)
def test_golden_funding(premium: float, hours: int, rate: float) -> None:
    """F = (P + clamp(I - P, ±0.05 %)) / (8 / hours)."""
    assert funding_rate(premium, hours) == pytest.approx(rate, abs=1e-9)


def test_settlement_comes_once_at_the_boundary() -> None:
    """At the full interval the running estimate becomes a settlement, and the next is due later."""
    pricer = _pricer(4)
    due = pricer.next_funding_ms
    assert due % (4 * HOUR_MS) == 0
    assert pricer.settle(due - 1) is None
    estimate = pricer.estimate
    assert pricer.settle(due) == (due, estimate)
    assert pricer.settle(due) is None
    assert pricer.next_funding_ms == due + 4 * HOUR_MS
    times = [row.funding_time_ms for row in pricer.settlements]
    assert {b - a for a, b in pairwise(times)} == {4 * HOUR_MS}


def test_settlements_are_bounded() -> None:
    """The oldest are forgotten."""
    pricer = _pricer(8)
    for _ in range(MAX_FUNDING_ROWS + 5):
        pricer.settle(pricer.next_funding_ms)
    assert len(pricer.settlements) == MAX_FUNDING_ROWS


def test_the_mark_is_the_median_of_three() -> None:
    """One wild last trade moves nothing; the mark follows the smoothed basis."""
    pricer = _pricer()
    now = START_MS
    for _ in range(4_000):
        now += 50
        pricer.step(now, 1_000.0, 1_002.0, 1_500)
    assert 1_000.0 < pricer.mark < 1_003.0
    calm = pricer.mark
    pricer.step(now, 1_000.0, 1_002.0, 1)
    assert abs(pricer.mark - calm) < 3.0


def test_a_lasting_premium_moves_the_estimate() -> None:
    """Samples of a rich contract raise the rate above the interest."""
    pricer = _pricer()
    pricer.step(START_MS, 1_000.0, 1_003.0, 1_003)
    for _ in range(20_000):
        pricer.second(1_003.0)
    assert pricer.estimate > 0.002


def test_the_premium_is_small_and_slow() -> None:
    """It stays within some basis points and never jumps."""
    premium = Premium(random.Random(9))
    values = []
    for _ in range(5_000):
        premium.second(0.0)
        values.append(premium.value)
    assert max(abs(value) for value in values) < 0.003
    steps = [abs(b - a) for a, b in pairwise(values)]
    assert max(steps) < 0.0003
