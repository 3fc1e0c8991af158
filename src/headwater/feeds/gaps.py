"""The gap ledger: every hole in a stream, why it arose and what became of it.

A gap is data: it is opened in the call that notices the hole, published, and settled exactly once
as repaired or unrecoverable. Kept in memory, bounded; knows nothing of sockets or repairs.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Final

import msgspec

from headwater.bus.bus import Bus
from headwater.core.clock import Clock
from headwater.core.enums import Channel, GapCause, GapState
from headwater.core.records import Gap

LEDGER_MAX: Final = 10_000
"""Default bound: beyond it the oldest settled hole is forgotten, or the oldest if none is."""


class GapLedger:
    """The holes of one venue.

    Attributes:
        exchange: venue id.

    Args:
        exchange: venue id.
        bus: hears every new and changed hole.
        clock: stamps them.
        limit: most holes remembered, ≥ 1.
        last_id: number of the newest hole of an earlier process; the next one follows it.
    """

    def __init__(
        self, exchange: str, bus: Bus, clock: Clock, limit: int = LEDGER_MAX, last_id: int = 0
    ) -> None:
        self.exchange = exchange
        self._bus = bus
        self._clock = clock
        self._limit = limit
        self._gaps: dict[int, Gap] = {}
        self._last_id = last_id
        self._open = 0
        self._counts: Counter[tuple[Channel, GapCause]] = Counter()

    def open(
        self,
        channel: Channel,
        symbol: str,
        native_symbol: str,
        cause: GapCause,
        *,
        start_ms: int,
        first_sequence: int | None = None,
        last_sequence: int | None = None,
        detail: str = "",
    ) -> int:
        """Notes a new hole and publishes it.

        Args:
            channel: which stream.
            symbol: canonical symbol, `*` for a whole market.
            native_symbol: the venue's spelling.
            cause: why it arose.
            start_ms: venue or wall time of the last record before it.
            first_sequence: first missing trade or change, None where the venue does not count.
            last_sequence: last missing one.
            detail: in words.

        Returns:
            Its id, rising.
        """
        self._last_id += 1
        gap = Gap(
            exchange=self.exchange,
            symbol=symbol,
            native_symbol=native_symbol,
            timestamp_ms=start_ms,
            received_ns=self._clock.now_ns(),
            gap_id=self._last_id,
            channel=channel,
            cause=cause,
            state=GapState.OPEN,
            until_ms=None,
            first_sequence=first_sequence,
            last_sequence=last_sequence,
            recovered=0,
            detail=detail,
        )
        self._make_room()
        self._gaps[gap.gap_id] = gap
        self._open += 1
        self._counts[channel, cause] += 1
        self._bus.publish(gap)
        return gap.gap_id

    def settle(
        self,
        gap_id: int,
        state: GapState,
        *,
        until_ms: int | None = None,
        recovered: int = 0,
        detail: str = "",
        first_sequence: int | None = None,
        last_sequence: int | None = None,
    ) -> None:
        """Says what became of a hole and publishes that. A settled hole never changes again.

        Args:
            gap_id: as `open` returned it.
            state: repaired or unrecoverable.
            until_ms: end of the hole; now when None.
            recovered: records brought back.
            detail: replaces the words when not empty.
            first_sequence: narrows what is missing, when given.
            last_sequence: the same for its end.
        """
        assert state is not GapState.OPEN, "a hole is settled as repaired or unrecoverable"
        gap = self._gaps.get(gap_id)
        if gap is None or gap.state is not GapState.OPEN:
            return
        settled = msgspec.structs.replace(
            gap,
            received_ns=self._clock.now_ns(),
            state=state,
            until_ms=self._clock.now_ms() if until_ms is None else until_ms,
            recovered=gap.recovered + recovered,
            detail=detail or gap.detail,
            first_sequence=gap.first_sequence if first_sequence is None else first_sequence,
            last_sequence=gap.last_sequence if last_sequence is None else last_sequence,
        )
        self._gaps[gap_id] = settled
        self._open -= 1
        assert self._open >= 0, "more holes settled than opened"
        self._bus.publish(settled)

    def note(self, gap_id: int, detail: str) -> None:
        """Changes the words of an open hole and publishes that."""
        gap = self._gaps.get(gap_id)
        if gap is None or gap.state is not GapState.OPEN:
            return
        changed = msgspec.structs.replace(gap, detail=detail, received_ns=self._clock.now_ns())
        self._gaps[gap_id] = changed
        self._bus.publish(changed)

    def get(self, gap_id: int) -> Gap | None:
        """The hole as it stands, None when unknown or forgotten."""
        return self._gaps.get(gap_id)

    def newest_first(
        self, *, symbol: str | None = None, channel: Channel | None = None
    ) -> Sequence[Gap]:
        """All holes remembered, newest first, narrowed by symbol and channel when given."""
        return [
            gap
            for gap in reversed(self._gaps.values())
            if symbol in (None, gap.symbol) and channel in (None, gap.channel)
        ]

    def since(self, start_ms: int) -> int:
        """Holes remembered that began at a time (ms) or later."""
        return sum(gap.timestamp_ms >= start_ms for gap in self._gaps.values())

    @property
    def open_count(self) -> int:
        """Holes not yet settled."""
        return self._open

    @property
    def counts(self) -> dict[tuple[Channel, GapCause], int]:
        """Holes ever opened, by channel and cause; forgetting does not lower it."""
        return dict(self._counts)

    def _make_room(self) -> None:
        if len(self._gaps) < self._limit:
            return
        victim = next(
            (gap_id for gap_id, gap in self._gaps.items() if gap.state is not GapState.OPEN), None
        )
        if victim is None:
            victim = next(iter(self._gaps))
            self._open -= 1
        del self._gaps[victim]
