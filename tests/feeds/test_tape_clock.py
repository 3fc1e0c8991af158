"""A tape's own time."""

from headwater.feeds.tape_clock import TapeClock


def test_time_stands_where_the_tape_stands_and_never_goes_back() -> None:
    clock = TapeClock()
    assert (clock.now_ns(), clock.monotonic()) == (0, 0.0)
    clock.move_to(5_000_000_000)
    clock.move_to(7_500_000_000)
    clock.move_to(6_000_000_000)
    assert clock.now_ns() == 7_500_000_000
    assert clock.now_ms() == 7_500
    assert clock.monotonic() == 2.5
