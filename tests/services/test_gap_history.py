"""The ledger of this run and of earlier ones as one list."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from tests.storage.ready_tables import with_tables
from tests.storage.samples import T0, gap

from headwater.core.clock import ManualClock
from headwater.core.enums import Channel, GapState
from headwater.core.records import Gap
from headwater.services.gap_history import GapHistory, WantedGaps, newest_of
from headwater.storage.store import Store

ALL = WantedGaps(exchanges=("hyperliquid",))
EARLIER = gap(T0, gap_id=1, state=GapState.UNRECOVERABLE)
STALE = gap(T0 + 9, gap_id=2)
NOW = gap(T0 + 9, gap_id=2, state=GapState.REPAIRED, received_ns=99)


async def test_earlier_runs_are_told_and_the_live_word_wins(tmp_path: Path) -> None:
    async with Store(with_tables(tmp_path / "made.sqlite3"), ManualClock()) as store:
        for record in (EARLIER, STALE, gap(T0 + 5, gap_id=3, exchange="okx")):
            store.put(record)
        history = GapHistory(store)
        assert await history.newest([NOW], ALL, limit=10) == [NOW, EARLIER]
        assert await history.newest([NOW], ALL, limit=1) == [NOW]
        assert await history.newest([], ALL, limit=10) == [STALE, EARLIER]
        still_open = WantedGaps(exchanges=("hyperliquid",), state=GapState.OPEN)
        assert await history.newest([NOW], still_open, limit=10) == []
        none = WantedGaps(exchanges=("hyperliquid",), channel=Channel.BOOK)
        assert await history.newest([NOW], none, limit=10) == []


async def test_many_live_holes_do_not_hide_the_stored_ones(tmp_path: Path) -> None:
    """All ten live ones are stored too and newer; the eleventh is of an earlier run."""
    live = [gap(T0 + number, gap_id=number) for number in range(10, 20)]
    async with Store(with_tables(tmp_path / "made.sqlite3"), ManualClock()) as store:
        for record in (*live, EARLIER):
            store.put(record)
        found = await GapHistory(store).newest(live, ALL, limit=11)
        assert found == [*reversed(live), EARLIER]


holes = st.lists(
    st.tuples(st.integers(0, 6), st.sampled_from(GapState), st.sampled_from(Channel)), max_size=12
)


def _made(told: list[tuple[int, GapState, Channel]], received_ns: int) -> list[Gap]:
    """At most one word of each hole; a hole's stream and start follow from its number."""
    return [
        gap(T0 + number % 3, gap_id=number, state=state, received_ns=received_ns)
        for number, (state, _) in {one[0]: one[1:] for one in told}.items()
    ]


@given(live=holes, stored=holes, limit=st.integers(1, 15))
def test_each_hole_once_newest_first_and_live_wins(
    live: list[tuple[int, GapState, Channel]],
    stored: list[tuple[int, GapState, Channel]],
    limit: int,
) -> None:
    now, past = _made(live, 2), _made(stored, 1)
    found = newest_of(now, past, ALL, limit)
    starts = [(one.timestamp_ms, one.gap_id) for one in found]
    assert starts == sorted(set(starts), reverse=True)
    assert len(found) == min(limit, len({one.gap_id for one in (*now, *past)}))
    told = {one.gap_id: one for one in now}
    assert all(told.get(one.gap_id, one) == one for one in found)
