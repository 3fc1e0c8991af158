"""Delays are drawn evenly below a bound that doubles to a ceiling and starts over late."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.transport.backoff import FullJitterBackoff


@given(
    st.integers(0, 2**32),
    st.floats(0.01, 10.0),
    st.floats(1.0, 1_000.0),
    st.floats(0.0, 600.0),
)
def test_delays_stay_below_a_doubling_bound(
    seed: int, base_s: float, ratio: float, not_before_s: float
) -> None:
    """The n-th delay lies in [Retry-After, Retry-After + min(ceiling, base × 2ⁿ)]."""
    ceiling_s = base_s * ratio
    backoff = FullJitterBackoff(base_s, ceiling_s, random.Random(seed))
    for attempt in range(40):
        bound_s = min(ceiling_s, base_s * 2**attempt)
        assert backoff.bound_s == pytest.approx(bound_s)
        assert not_before_s <= backoff.next_delay(not_before_s) <= not_before_s + bound_s * 1.000001


def test_jitter_is_full_and_seeded() -> None:
    """Delays at the ceiling fill the whole range evenly, and a seed repeats them."""
    one, two = (FullJitterBackoff(1.0, 8.0, random.Random(7)) for _ in range(2))
    delays = [one.next_delay() for _ in range(4_000)]
    assert delays == [two.next_delay() for _ in range(4_000)]
    settled = delays[3:]
    assert min(settled) < 0.1
    assert max(settled) > 7.9
    assert sum(settled) / len(settled) == pytest.approx(4.0, abs=0.2)


def test_bound_starts_over_only_after_a_healthy_spell() -> None:
    """59 s of data change nothing, 60 s do, and a failure in between begins the count anew."""
    backoff = FullJitterBackoff(1.0, 64.0, random.Random(1))
    for _ in range(6):
        backoff.next_delay()
    for second in range(60):
        backoff.note_healthy(100.0 + second)
    assert backoff.bound_s == 64.0
    backoff.next_delay()
    backoff.note_healthy(161.0)
    assert backoff.bound_s == 64.0, "the failure ended the spell"
    backoff.note_healthy(221.0)
    assert backoff.bound_s == 1.0


@pytest.mark.parametrize(("base_s", "ceiling_s"), [(0.0, 1.0), (-1.0, 1.0), (2.0, 1.0)])
def test_bounds_that_make_no_sense_are_refused(base_s: float, ceiling_s: float) -> None:
    """The mistake shows where it is made."""
    with pytest.raises(ValueError, match="base"):
        FullJitterBackoff(base_s, ceiling_s, random.Random(1))
