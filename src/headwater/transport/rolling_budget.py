"""How much of a budget counts at a moment. Pure: times are handed in.

A taken weight counts for one whole window after it was taken. To keep memory bounded whatever
the capacity, weights taken within the same 1/64 of a window are kept as one, which expires with
the last of them: the count errs to the safe side by less than 2 % of a window.
"""

from collections import deque

_SLOTS = 64
_EDGE_GUARD_S = 0.5


class RollingBudget:
    """Weight taken within the last window.

    Args:
        limit: most that may count at any moment.
        window_s: the venue's window, seconds.
        pad_s: how much longer than that a taken weight counts.
    """

    def __init__(self, limit: int, window_s: float, pad_s: float = 0.0) -> None:
        if limit < 1 or window_s <= 0:
            raise ValueError(f"limit={limit}, window_s={window_s}: want ≥ 1 and > 0")
        self.limit = limit
        self._window_s = window_s
        self._pad_s = pad_s
        self._slots: deque[tuple[int, int]] = deque()  # slot number and its weight, oldest first
        self._own = 0
        self._others = 0
        self._others_until = float("-inf")

    def copy(self) -> "RollingBudget":
        """An independent copy, for looking ahead."""
        other = RollingBudget(self.limit, self._window_s, self._pad_s)
        other._slots = self._slots.copy()
        other._own = self._own
        other._others = self._others
        other._others_until = self._others_until
        return other

    def used(self, now: float) -> int:
        """Weight that counts at `now`."""
        while self._slots and self._ends(self._slots[0][0]) <= now:
            self._own -= self._slots.popleft()[1]
        return self._own + (self._others if now < self._others_until else 0)

    def free_at(self, now: float, weight: int) -> float:
        """Earliest time from `now` on when `weight` (≤ `limit`) may be taken."""
        if weight > self.limit:
            raise ValueError(f"weight {weight} exceeds the whole budget of {self.limit}")
        excess = self.used(now) + weight - self.limit
        if excess <= 0:
            return now
        others_end = self._others_until if now < self._others_until else float("inf")
        for slot, taken in self._slots:
            end = self._ends(slot)
            if others_end <= end:
                excess -= self._others
                if excess <= 0:
                    return others_end
                others_end = float("inf")
            excess -= taken
            if excess <= 0:
                return end
        return others_end

    def take(self, now: float, weight: int) -> None:
        """Counts `weight` from `now` on. Times must not go back."""
        slot = self._slot(now)
        if self._slots and self._slots[-1][0] == slot:
            self._slots[-1] = (slot, self._slots[-1][1] + weight)
        elif weight:
            self._slots.append((slot, weight))
        self._own += weight

    def give_back(self, taken_at: float, weight: int) -> None:
        """Undoes a `take` whose request was never sent; nothing when it expired already."""
        slot = self._slot(taken_at)
        for index, (number, taken) in enumerate(self._slots):
            if number == slot:
                self._slots[index] = (slot, taken - weight)
                self._own -= weight
                return

    def observe(self, total: int, window_began: float) -> None:
        """The venue counts `total` in its fixed window, which began at `window_began`.

        What exceeds our own count of that window is others', and counts until its end, give or
        take a clock that is a little off. Within one window it never sinks: a lower `total` was
        counted before requests of ours that are still under way.
        """
        began = self._slot(window_began)
        own = sum(weight for slot, weight in self._slots if slot >= began)
        others = max(0, total - own)
        until = window_began + self._window_s + _EDGE_GUARD_S
        same_window = until < self._others_until + self._window_s / 2
        if others > self._others or not same_window:
            self._others = others
            self._others_until = until

    def _slot(self, at: float) -> int:
        return int(at * _SLOTS // self._window_s)

    def _ends(self, slot: int) -> float:
        """When the last weight of `slot` stops to count."""
        return (slot + 1) * self._window_s / _SLOTS + self._window_s + self._pad_s
