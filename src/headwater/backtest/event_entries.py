"""What happened to orders and account during a run: entries of the venue's log with their numbers.

A run can have hundreds of thousands of them, most of which nobody ever looks at. So numbers stand
in a column of their own: a pair for each entry would be one more object for the garbage collector
to visit, time and again.
"""

from array import array
from collections.abc import Iterator, Sequence
from typing import Final, TypeAlias, TypeGuard, overload

from headwater.core.order_kinds import OrderEventKind
from headwater.trading.paper_state import AccountEntry, OrderEntry

__all__ = ["FILL_KINDS", "Entries", "Numbered", "is_fill"]

Numbered: TypeAlias = tuple[int, OrderEntry | AccountEntry]
"""Number and entry of an event."""

FILL_KINDS: Final = frozenset({OrderEventKind.FILLED, OrderEventKind.PARTIALLY_FILLED})
"""Kinds of order events that are executions."""


def is_fill(entry: OrderEntry | AccountEntry) -> TypeGuard[OrderEntry]:
    """Whether an entry is an execution."""
    return len(entry) == 7 and entry[1] in FILL_KINDS


class Entries(Sequence[Numbered]):
    """Numbered entries, oldest first.

    Attributes:
        fills: those that are executions; none of them is ever dropped.
    """

    __slots__ = ("_entries", "_left", "_numbers", "fills")

    def __init__(self) -> None:
        self.fills: list[Numbered] = []
        self._numbers = array("q")
        self._entries: list[OrderEntry | AccountEntry] = []
        self._left = 0

    def add(
        self,
        first: int,
        fresh: Sequence[OrderEntry | AccountEntry],
        fills: Sequence[tuple[int, OrderEntry]],
    ) -> None:
        """Takes in entries that follow each other.

        Args:
            first: number of the first of them.
            fresh: entries.
            fills: those of them that are executions, with their numbers.
        """
        self._numbers.extend(range(first, first + len(fresh)))
        self._entries += fresh
        self.fills += fills

    def trim(self, most: int) -> int:
        """Drops the oldest that may be, down to half of `most`, once there are more than that.

        Where fills alone are more, the rest is looked through after each further half of `most`,
        not after each entry.

        Returns:
            How many were dropped.
        """
        if len(self) <= max(most, self._left + most // 2):
            return 0
        dropped = self.drop(most // 2)
        self._left = len(self)
        return dropped

    def drop(self, most: int) -> int:
        """Drops the oldest entries that are neither fills nor the account's, down to `most`.

        Returns:
            How many were dropped; fills are all kept, however many.
        """
        excess = len(self) - most
        kept = [
            (number, entry)
            for place, (number, entry) in enumerate(self)
            if place >= excess or len(entry) == 5 or is_fill(entry)
        ]
        dropped = len(self) - len(kept)
        self._numbers = array("q", [number for number, _ in kept])
        self._entries = [entry for _, entry in kept]
        return dropped

    def clear(self) -> None:
        """Forgets all."""
        self.fills.clear()
        del self._numbers[:]
        self._entries.clear()
        self._left = 0

    def copy(self) -> "Entries":
        """The entries that there are now."""
        other = Entries()
        other.fills = self.fills[:]
        other._numbers, other._entries = self._numbers[:], self._entries[:]
        return other

    def __len__(self) -> int:
        """How many."""
        return len(self._entries)

    def __iter__(self) -> Iterator[Numbered]:
        """Each with its number."""
        return zip(self._numbers, self._entries, strict=True)

    @overload
    def __getitem__(self, which: int) -> Numbered: ...
    @overload
    def __getitem__(self, which: slice) -> list[Numbered]: ...

    def __getitem__(self, which: int | slice) -> Numbered | list[Numbered]:
        """One of them, or a stretch."""
        if isinstance(which, slice):
            return list(zip(self._numbers[which], self._entries[which], strict=True))
        return self._numbers[which], self._entries[which]
