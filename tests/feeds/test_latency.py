"""The histogram of latencies: right to within a bin, of the last minute only, of fixed size."""

import math

from hypothesis import given
from hypothesis import strategies as st

from headwater.feeds.latency import SLICE_S, SLICES, LatencyWindow


def test_percentiles_worked_by_hand() -> None:
    """Ninety at 10 ms, ten at 100 ms: the half is at 10, of twenty nineteen are below 100.

    log2 10 = 3.3219, × 8 = 26.6: bin 27 from 2^(26/8) = 9.51 to 10.37, middle 2^(26.5/8) = 9.9.
    log2 100 × 8 = 53.2: bin 54, middle 2^(53.5/8) = 103.1.
    """
    window = LatencyWindow()
    for number in range(100):
        window.add(10.0 if number < 90 else 100.0, 5.0)
    assert window.percentiles(5.0, 0.5, 0.9, 0.95) == (100, [9.9, 9.9, 103.1])


def test_below_a_millisecond_and_below_zero_are_half_a_millisecond() -> None:
    window = LatencyWindow()
    for latency in (-5.0, 0.0, 0.99):
        window.add(latency, 0.0)
    assert window.percentiles(0.0, 0.5, 0.95) == (3, [0.5, 0.5])


def test_what_is_later_than_all_bins_is_in_the_last() -> None:
    window = LatencyWindow()
    window.add(1e9, 0.0)
    count, (found,) = window.percentiles(0.0, 0.5)
    assert count == 1
    assert 120_000 < found < 131_073


def test_a_minute_later_nothing_is_left() -> None:
    window = LatencyWindow()
    window.add(10.0, 3.0)
    window.add(20.0, 3.0 + SLICE_S)
    assert window.percentiles(3.0 + (SLICES - 1) * SLICE_S, 0.5)[0] == 2
    assert window.percentiles(3.0 + SLICES * SLICE_S, 0.5)[0] == 1
    assert window.percentiles(4.0 + (SLICES + 1) * SLICE_S, 0.5) == (0, [])
    # The place of the oldest slice is used again for the newest.
    window.add(30.0, 3.0 + SLICES * SLICE_S)
    assert window.percentiles(3.0 + SLICES * SLICE_S, 0.5)[0] == 2


@given(st.lists(st.floats(1.0, 1e5), min_size=1, max_size=200), st.floats(0.05, 1.0))
def test_it_is_right_to_within_half_a_bin(latencies: list[float], share: float) -> None:
    window = LatencyWindow()
    for latency in latencies:
        window.add(latency, 0.0)
    _, (found,) = window.percentiles(0.0, share)
    exact = sorted(latencies)[math.ceil(share * len(latencies)) - 1]
    assert abs(math.log2(found / exact)) <= 1 / 16 + 0.08  # besides the rounding to a decimal
