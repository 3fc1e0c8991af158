"""Closed, open, half-open: who passes when."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.core.clock import ManualClock
from headwater.core.errors import (
    PlatformError,
    RateLimited,
    VenueRejected,
    VenueTimeout,
    VenueUnavailable,
)
from headwater.transport.breaker import BreakerState, CircuitBreaker


def opened(clock: ManualClock) -> CircuitBreaker:
    """A breaker that has just opened for 30 s."""
    breaker = CircuitBreaker(clock, failures=3, open_s=30.0)
    for _ in range(3):
        assert breaker.before_call()
        breaker.on_failure()
    return breaker


def state_of(breaker: CircuitBreaker) -> BreakerState:
    """Read anew: the clock changes it behind the type checker's back."""
    return breaker.state


def test_opens_after_failures_in_a_row_only() -> None:
    """A success in between starts the count again."""
    breaker = CircuitBreaker(ManualClock(), failures=3, open_s=30.0)
    for fails in (True, True, False, True, True):
        assert breaker.before_call()
        breaker.on_outcome(VenueTimeout("binance", "late") if fails else None)
    assert state_of(breaker) is BreakerState.CLOSED
    breaker.on_failure()
    assert state_of(breaker) is BreakerState.OPEN
    assert not breaker.before_call()


def test_half_open_lets_one_probe_through_and_closes_on_its_success() -> None:
    """After open_s: one call, not two; its success lets everyone pass."""
    clock = ManualClock()
    breaker = opened(clock)
    clock.advance(29.0)
    assert not breaker.before_call()
    assert breaker.retry_in_s == pytest.approx(1.0)
    clock.advance(1.0)
    assert state_of(breaker) is BreakerState.HALF_OPEN
    assert breaker.retry_in_s == 0.0
    assert breaker.before_call()
    assert not breaker.before_call()
    assert breaker.retry_in_s == pytest.approx(30.0)
    breaker.on_success()
    assert state_of(breaker) is BreakerState.CLOSED
    assert breaker.before_call()
    assert breaker.before_call()


def test_failed_probe_opens_again() -> None:
    """For the whole time."""
    clock = ManualClock()
    breaker = opened(clock)
    clock.advance(30.0)
    assert breaker.before_call()
    breaker.on_failure()
    assert state_of(breaker) is BreakerState.OPEN
    assert breaker.retry_in_s == pytest.approx(30.0)


def test_probe_that_never_reports_back_gives_way() -> None:
    """A cancelled probe frees its place at once, a forgotten one after open_s."""
    clock = ManualClock()
    breaker = opened(clock)
    clock.advance(30.0)
    assert breaker.before_call()
    breaker.on_no_verdict()
    assert breaker.before_call()
    assert not breaker.before_call()
    clock.advance(30.0)
    assert breaker.before_call()


@pytest.mark.parametrize(
    ("error", "counts"),
    [
        (RateLimited("binance", "later"), False),
        (VenueRejected("binance", "no"), False),
        (PlatformError("ours"), False),
        (VenueUnavailable("binance", "502"), True),
        (VenueTimeout("binance", "late"), True),
    ],
)
def test_only_silence_and_breakage_count(error: PlatformError, counts: bool) -> None:
    """429 and refusals come from a venue that is alive."""
    breaker = CircuitBreaker(ManualClock(), failures=1, open_s=30.0)
    breaker.on_outcome(error)
    assert (breaker.state is BreakerState.OPEN) is counts


@given(st.lists(st.sampled_from(["call", "ok", "fail", "none", "tick", "wait"]), max_size=80))
def test_never_stuck(steps: list[str]) -> None:
    """Whatever happened, after open_s without news a call passes."""
    clock = ManualClock()
    breaker = CircuitBreaker(clock, failures=2, open_s=10.0)
    for step in steps:
        if step == "call":
            assert breaker.before_call() is False or breaker.state is not BreakerState.OPEN
        elif step == "ok":
            breaker.on_success()
        elif step == "fail":
            breaker.on_failure()
        elif step == "none":
            breaker.on_no_verdict()
        else:
            clock.advance(1.0 if step == "tick" else 9.5)
        assert 0.0 <= breaker.retry_in_s <= 10.0
        assert (breaker.retry_in_s > 0) <= (breaker.state is not BreakerState.CLOSED)
    clock.advance(breaker.retry_in_s + 1e-6)
    assert breaker.before_call()


def test_settings_that_make_no_sense_are_refused() -> None:
    """The mistake shows where it is made."""
    with pytest.raises(ValueError, match="failures=0"):
        CircuitBreaker(ManualClock(), failures=0, open_s=1.0)
