"""The public prints of one symbol in order, kept in columns so that an hour of them is small."""

from array import array
from bisect import bisect_left
from typing import Final

from headwater.simulator.matching import Print

MAX_PRINTS = 50_000
"""Newest prints kept per symbol; older ones are forgotten, some thousands at a time."""

_TRIM_SLACK: Final = 5_000


class PrintTape:
    """Prints by sequence number, without holes.

    Args:
        first_sequence: number of the first print to come.
        first_fill_id: first single fill of that print.
    """

    __slots__ = ("_fills", "_first_fill_id", "_lots", "_stamps", "_ticks", "first_sequence")

    def __init__(self, first_sequence: int, first_fill_id: int) -> None:
        self.first_sequence = first_sequence
        self._first_fill_id = first_fill_id
        self._stamps = array("q")
        self._ticks = array("q")
        self._lots = array("q")  # negative when the taker sold
        self._fills = array("q")  # last fill of each print

    @property
    def next_sequence(self) -> int:
        """Number of the next print."""
        return self.first_sequence + len(self._stamps)

    @property
    def next_fill_id(self) -> int:
        """First fill of the next print."""
        return self._fills[-1] + 1 if self._fills else self._first_fill_id

    def append(self, made: Print) -> int:
        """Adds a print whose fills follow on the last one's.

        Returns:
            Its sequence number.

        Raises:
            ValueError: a fill is missing or doubled.
        """
        if made.first_fill_id != self.next_fill_id:
            raise ValueError(f"fill {made.first_fill_id}: expected {self.next_fill_id}")
        self._stamps.append(made.stamp_ms)
        self._ticks.append(made.price)
        self._lots.append(made.lots if made.is_buy else -made.lots)
        self._fills.append(made.last_fill_id)
        sequence = self.next_sequence - 1
        if len(self._stamps) > MAX_PRINTS + _TRIM_SLACK:
            self._trim(len(self._stamps) - MAX_PRINTS)
        return sequence

    def at(self, sequence: int) -> Print | None:
        """The print with a sequence number, None when it is forgotten or still to come."""
        index = sequence - self.first_sequence
        if not 0 <= index < len(self._stamps):
            return None
        lots = self._lots[index]
        before = self._fills[index - 1] if index else self._first_fill_id - 1
        return Print(
            self._stamps[index], self._ticks[index], abs(lots), lots > 0, before + 1,
            self._fills[index],
        )  # fmt: skip

    def sequence_of_fill(self, fill_id: int) -> int | None:
        """Sequence number of the print that contains a fill, None when it is not known."""
        if fill_id < self._first_fill_id or not self._fills or fill_id > self._fills[-1]:
            return None
        return self.first_sequence + bisect_left(self._fills, fill_id)

    def _trim(self, count: int) -> None:
        """Forgets the oldest prints."""
        self._first_fill_id = self._fills[count - 1] + 1
        self.first_sequence += count
        for column in (self._stamps, self._ticks, self._lots, self._fills):
            del column[:count]
