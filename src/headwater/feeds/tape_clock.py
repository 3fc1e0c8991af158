"""Tells a tape's own time, so that graces and ages are measured as they were when it was made."""


class TapeClock:
    """Stands where the tape stands; never goes back, though a tape's lines may.

    Wall time is the newest receive time met, monotonic time what passed since the first one.
    """

    def __init__(self) -> None:
        self._first_ns: int | None = None
        self._now_ns = 0

    def move_to(self, received_ns: int) -> None:
        """The tape has come to a line of this receive time."""
        if self._first_ns is None:
            self._first_ns = received_ns
        self._now_ns = max(self._now_ns, received_ns)

    def now_ns(self) -> int:
        """Wall time of the tape, nanoseconds since the epoch; 0 before its first line."""
        return self._now_ns

    def now_ms(self) -> int:
        """Wall time of the tape, whole milliseconds since the epoch."""
        return self._now_ns // 1_000_000

    def monotonic(self) -> float:
        """Seconds of tape played."""
        return 0.0 if self._first_ns is None else (self._now_ns - self._first_ns) / 1e9
