"""The gap ledger with its past: what storage has of earlier runs, and what is live of this one.

Where both tell of a hole the live ledger wins: storage may still say what was known a moment ago.
"""

import heapq
from collections.abc import Iterable, Sequence

import msgspec

from headwater.core.enums import Channel, GapState
from headwater.core.records import Gap
from headwater.storage import gaps
from headwater.storage.base import LIMIT_MAX, Span
from headwater.storage.store import Store


class WantedGaps(msgspec.Struct, frozen=True, kw_only=True):
    """Which holes.

    Attributes:
        exchanges: venue ids.
        symbol: canonical symbol, `*` for those of whole markets; None for all.
        channel: which stream, None for all.
        state: what became of them, None for all.
    """

    exchanges: tuple[str, ...]
    symbol: str | None = None
    channel: Channel | None = None
    state: GapState | None = None

    def holds(self, gap: Gap) -> bool:
        """Whether a hole is among them."""
        return (
            gap.exchange in self.exchanges
            and self.symbol in (None, gap.symbol)
            and self.channel in (None, gap.channel)
            and self.state in (None, gap.state)
        )


class GapHistory:
    """Answers questions about holes.

    Args:
        store: where those of earlier runs lie.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    async def newest(self, live: Sequence[Gap], wanted: WantedGaps, *, limit: int) -> Sequence[Gap]:
        """The newest holes, latest start first.

        Args:
            live: the ledgers of this run, whole.
            wanted: which holes.
            limit: most of them, ≥ 1.

        Raises:
            StorageError: the database does not answer.
        """
        # What cannot be written yet is of this run: the live ledgers have it.
        await self._store.written()
        # A stored hole may be one of the live ones, so as many more are asked for. Their state is
        # left out of account: in storage it may be an older one.
        of_any_state = msgspec.structs.replace(wanted, state=None)
        known = sum(of_any_state.holds(gap) for gap in live)
        span = Span(limit=min(limit + known, LIMIT_MAX), newest_first=True)
        stored: list[Gap] = []
        for exchange in wanted.exchanges:
            query = gaps.between(
                span,
                exchange=exchange,
                symbol=wanted.symbol,
                channel=wanted.channel,
                state=wanted.state,
            )
            stored += await self._store.fetch(query)
        return newest_of(live, stored, wanted, limit)


def newest_of(
    live: Sequence[Gap], stored: Iterable[Gap], wanted: WantedGaps, limit: int
) -> list[Gap]:
    """The newest of two tellings of the ledger, latest start first; the live one wins.

    Args:
        live: holes of this run.
        stored: holes of any run.
        wanted: which holes.
        limit: most of them.
    """
    known = {_key(gap) for gap in live}
    past = (gap for gap in stored if _key(gap) not in known)
    found = [gap for gap in (*live, *past) if wanted.holds(gap)]
    return heapq.nlargest(limit, found, key=_begun)


def _key(gap: Gap) -> tuple[str, str, Channel, int, int]:
    """What tells a hole from others, as its table does."""
    return (gap.exchange, gap.symbol, gap.channel, gap.timestamp_ms, gap.gap_id)


def _begun(gap: Gap) -> tuple[int, int]:
    """Where a hole stands in time: by its start; of holes of one start the later found is newer."""
    return (gap.timestamp_ms, gap.gap_id)
