"""Clocks: monotonic time never goes back, virtual wall time follows it."""

import pytest

from headwater.core.clock import ManualClock, SourceClock, SystemClock


def test_manual_clock_moves_both_times() -> None:
    clock = ManualClock(1_000_000_000)
    clock.advance(1.5)
    assert (clock.now_ns(), clock.now_ms(), clock.monotonic()) == (2_500_000_000, 2_500, 1.5)
    with pytest.raises(ValueError, match="never goes back"):
        clock.advance(-1)


def test_source_clock_runs_at_its_own_speed() -> None:
    base = ManualClock()
    clock = SourceClock(base.monotonic, 5_000_000_000, speed=10)
    base.advance(2)
    assert (clock.monotonic(), clock.now_ms()) == (20.0, 25_000)


def test_system_clock_reads_the_machine() -> None:
    clock = SystemClock()
    assert clock.monotonic() <= clock.monotonic()
    assert abs(clock.now_ms() * 1_000_000 - clock.now_ns()) < 60_000_000_000
