"""The only place that reads a clock. Everything else is handed a `Clock`.

Wall time stamps records and answers; monotonic time measures ages and deadlines, so that a step
of the wall clock never makes a feed look stale.
"""

import time
from collections.abc import Callable
from typing import Protocol


class Clock(Protocol):
    """Tells the time. Tests, simulations and back-tests pass their own."""

    def now_ns(self) -> int:
        """Wall time, nanoseconds since the Unix epoch, UTC."""
        ...

    def now_ms(self) -> int:
        """Wall time, whole milliseconds since the Unix epoch, UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds from an arbitrary start; never goes back."""
        ...


class SystemClock:
    """The machine's clocks."""

    now_ns = staticmethod(time.time_ns)  # noqa: TID251 - this is the one reader
    """Wall time, nanoseconds since the Unix epoch, UTC; asked for every message."""

    monotonic = staticmethod(time.monotonic)  # noqa: TID251 - this is the one reader
    """Seconds from an arbitrary start; never goes back."""

    def now_ms(self) -> int:
        """Wall time, whole milliseconds since the Unix epoch, UTC."""
        return time.time_ns() // 1_000_000  # noqa: TID251 - this is the one reader


class SourceClock:
    """A clock driven by any source of monotonic seconds, such as a virtual event loop's.

    Args:
        source: returns monotonic seconds.
        start_ns: wall time when `source` returns what it returns now.
        speed: how many seconds of this clock pass in one second of the source.
    """

    def __init__(self, source: Callable[[], float], start_ns: int, speed: float = 1.0) -> None:
        self._source = source
        self._zero = source()
        self._start_ns = start_ns
        self._speed = speed

    def now_ns(self) -> int:
        """Wall time of the virtual world, nanoseconds since the Unix epoch, UTC."""
        return self._start_ns + int(self.monotonic() * 1_000_000_000)

    def now_ms(self) -> int:
        """Wall time of the virtual world, whole milliseconds since the Unix epoch, UTC."""
        return self.now_ns() // 1_000_000

    def monotonic(self) -> float:
        """Seconds since this clock was made, at its own speed."""
        return (self._source() - self._zero) * self._speed


class ManualClock:
    """A clock that stands still until it is moved.

    Args:
        start_ns: wall time at the start, nanoseconds since the Unix epoch.
    """

    def __init__(self, start_ns: int = 1_700_000_000_000_000_000) -> None:
        self._start_ns = start_ns
        self._elapsed_ns = 0

    def advance(self, seconds: float) -> None:
        """Moves both wall and monotonic time forward by `seconds` (≥ 0)."""
        if seconds < 0:
            raise ValueError(f"seconds={seconds}: monotonic time never goes back")
        self._elapsed_ns += round(seconds * 1_000_000_000)

    def now_ns(self) -> int:
        """Wall time, nanoseconds since the Unix epoch, UTC."""
        return self._start_ns + self._elapsed_ns

    def now_ms(self) -> int:
        """Wall time, whole milliseconds since the Unix epoch, UTC."""
        return self.now_ns() // 1_000_000

    def monotonic(self) -> float:
        """Seconds since the clock was made."""
        return self._elapsed_ns / 1_000_000_000
