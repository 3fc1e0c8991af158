"""Every wanted book: resynchronised after a gap, published when changed, never shown gapped."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
from tests.feeds.made import (
    EXCHANGE,
    ChainRule,
    Heard,
    delta,
    instrument,
    quick_backoff,
    snapshot,
    turns,
)

from headwater.bus.memory import MemoryBus
from headwater.bus.topics import TopicFilter
from headwater.core.clock import ManualClock
from headwater.core.enums import FeedState, GapCause, GapState
from headwater.core.errors import VenueRejected, VenueUnavailable
from headwater.core.records import BookDelta, BookSnapshot
from headwater.feeds.book_keeper import BookKeeper
from headwater.feeds.gaps import GapLedger
from headwater.feeds.repairs import RepairCrew
from headwater.feeds.settings import BookSettings

SYMBOL = "AAAUSDT"


class Desk:
    """A keeper of one book with the venue's REST behind it."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.heard = Heard()
        self.answers: list[BookSnapshot | Exception] = []
        self.asked = 0
        self.states: list[FeedState] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.crew = RepairCrew(2, 10)
        self.ledger = GapLedger(EXCHANGE, self.heard.bus, self.clock)
        self.keeper = BookKeeper(
            EXCHANGE,
            self.heard.bus,
            self.ledger,
            self.crew,
            self.clock,
            ChainRule,
            self.fetch,
            None,
            quick_backoff,
            lambda native, state, reason: self.states.append(state),
            BookSettings(levels=1),
        )
        self.keeper.want(instrument(SYMBOL))

    async def fetch(self, native: str) -> BookSnapshot:
        """The next answer that the test prepared."""
        assert native == SYMBOL
        self.asked += 1
        await self.gate.wait()
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def settle(self) -> None:
        """Until no fetch runs."""
        await turns()
        async with asyncio.timeout(5):
            await self.crew.wait_idle()

    async def bring_up(self) -> None:
        """Makes the book live at sequence 11."""
        self.answers = [snapshot(10)]
        self.keeper.on_delta(delta(11, 10, bids=[(9.5, 2.0)]))
        await self.settle()

    def snapshots(self) -> list[BookSnapshot]:
        """Published snapshots."""
        return [one for one in self.heard.all() if isinstance(one, BookSnapshot)]

    def deltas(self) -> list[int | None]:
        """Sequences of the published deltas."""
        return [one.sequence for one in self.heard.all() if isinstance(one, BookDelta)]


@asynccontextmanager
async def desk() -> AsyncIterator[Desk]:
    """A desk whose crew works."""
    made = Desk()
    workers = [asyncio.create_task(made.crew.work()) for _ in range(2)]
    try:
        yield made
    finally:
        for worker in workers:
            worker.cancel()
        await asyncio.wait(workers)


async def test_the_first_delta_fetches_a_snapshot_and_the_whole_book_is_published() -> None:
    async with desk() as made:
        made.keeper.on_delta(delta(11, 10, bids=[(9.5, 2.0)]))
        assert made.keeper.book(SYMBOL, 5) is None
        made.answers = [snapshot(10)]
        await made.settle()
        published = made.snapshots()[-1]
        assert published.bids == ((9.5, 2.0), (9.0, 1.0))
        assert published.sequence == 11
        assert published.is_start
        assert made.states == [FeedState.LIVE]
        assert made.deltas() == [], "the deltas before the snapshot are in it"


async def test_applied_deltas_are_published_and_snapshots_only_when_changed() -> None:
    async with desk() as made:
        await made.bring_up()
        before = len(made.snapshots())
        made.keeper.flush()
        assert len(made.snapshots()) == before
        made.keeper.on_delta(delta(12, 11, asks=[(10.5, 1.0)]))
        made.keeper.on_delta(delta(12, 11, asks=[(10.5, 1.0)]))
        made.keeper.flush()
        made.keeper.flush()
        assert made.deltas() == [12]
        assert len(made.snapshots()) == before + 1
        assert made.snapshots()[-1].asks == ((10.5, 1.0),), "only the top levels"
        assert made.keeper.ignored == 1


async def test_a_gap_is_told_at_once_and_repaired() -> None:
    async with desk() as made:
        await made.bring_up()
        made.gate.clear()
        made.keeper.on_delta(delta(14, 13))
        assert made.states[-1:] == [FeedState.RESYNCING]
        assert made.keeper.book(SYMBOL, 5) is None
        assert made.ledger.open_count == 1
        published = len(made.snapshots())
        made.keeper.flush()
        assert len(made.snapshots()) == published, "nothing of a gapped book"
        made.answers = [snapshot(13)]
        made.gate.set()
        await made.settle()
        assert made.states[-1:] == [FeedState.LIVE]
        assert [gap.state for gap in made.heard.gaps()] == [GapState.OPEN, GapState.REPAIRED]
        assert made.keeper.resyncs == 1


async def test_deltas_in_the_window_do_not_start_a_second_fetch() -> None:
    async with desk() as made:
        made.gate.clear()
        for sequence in range(11, 16):
            made.keeper.on_delta(delta(sequence, sequence - 1))
            await turns(2)
        made.answers = [snapshot(12)]
        made.gate.set()
        await made.settle()
        assert made.asked == 1
        kept = made.keeper.kept(SYMBOL)
        assert kept is not None
        assert kept.book.sequence == 15


async def test_stale_snapshots_and_failures_are_tried_again() -> None:
    async with desk() as made:
        made.answers = [
            VenueUnavailable(EXCHANGE, "down"),
            snapshot(3),
            snapshot(10),
        ]
        made.keeper.on_delta(delta(11, 10))
        await made.settle()
        assert made.asked == 3
        assert made.keeper.book(SYMBOL, 5) is not None


async def test_a_refused_book_is_down_with_the_reason() -> None:
    async with desk() as made:
        made.keeper._settings = BookSettings(retry_ceiling_s=0.001)
        made.answers = [VenueRejected(EXCHANGE, "no such symbol"), snapshot(10)]
        made.keeper.on_delta(delta(11, 10))
        await made.settle()
        assert made.states == [FeedState.DOWN, FeedState.LIVE]


async def test_an_interrupted_stream_ends_the_book_and_its_snapshot_on_the_way_is_refused() -> None:
    async with desk() as made:
        await made.bring_up()
        made.keeper.interrupted([SYMBOL], "connection lost")
        assert made.keeper.book(SYMBOL, 5) is None
        assert made.heard.gaps()[0].cause is GapCause.DISCONNECT
        made.gate.clear()
        made.keeper.on_delta(delta(21, 20))
        await turns()
        made.keeper.interrupted([SYMBOL], "again")
        made.answers = [snapshot(20), snapshot(30)]
        made.gate.set()
        await made.settle()
        assert made.keeper.book(SYMBOL, 5) is None, "no stream, no book"
        made.keeper.on_delta(delta(31, 30))
        await made.settle()
        assert made.keeper.book(SYMBOL, 5) is not None
        assert made.ledger.open_count == 0


async def test_a_confirmed_book_without_deltas_starts_from_rest_alone() -> None:
    async with desk() as made:
        made.answers = [snapshot(10)]
        made.keeper.confirmed([SYMBOL, "UNKNOWN"])
        made.keeper.flush()
        assert made.asked == 0
        made.clock.advance(2.1)
        made.keeper.flush()
        await made.settle()
        assert made.keeper.book(SYMBOL, 5) is not None


async def test_snapshots_of_a_stream_replace_the_book_but_never_by_an_older_one() -> None:
    async with desk() as made:
        made.keeper.on_snapshot(snapshot(10))
        made.keeper.on_snapshot(snapshot(20, bids=[(8.0, 1.0)]))
        made.keeper.on_snapshot(snapshot(15, bids=[(7.0, 1.0)]))
        book = made.keeper.book(SYMBOL, None)
        assert book is not None
        assert (book.sequence, book.bids) == (20, ((8.0, 1.0),))


async def test_a_book_nobody_wants_is_forgotten_with_its_gap() -> None:
    async with desk() as made:
        await made.bring_up()
        made.gate.clear()
        made.keeper.on_delta(delta(14, 13))
        made.keeper.forget(SYMBOL)
        made.answers = [snapshot(13)]
        made.gate.set()
        await made.settle()
        assert made.ledger.open_count == 0
        made.keeper.on_delta(delta(15, 14))
        assert made.keeper.kept(SYMBOL) is None


async def test_only_a_whole_live_book_is_a_start_for_readers_of_deltas() -> None:
    async with desk() as made:
        await made.bring_up()
        started = len(made.snapshots())
        made.keeper.on_delta(delta(12, 11, bids=[(9.6, 1.0)]))
        made.keeper.flush()
        assert [one.is_start for one in made.snapshots()[started:]] == [False]
        top, whole = made.keeper.book(SYMBOL, 2), made.keeper.book(SYMBOL, 3)
        assert top is not None
        assert whole is not None
        assert (top.is_start, whole.is_start) == (False, True)


async def test_an_image_that_replaces_a_live_book_is_a_start() -> None:
    async with desk() as made:
        await made.bring_up()
        started = len(made.snapshots())
        made.keeper.on_snapshot(snapshot(20))
        assert [(one.sequence, one.is_start) for one in made.snapshots()[started:]] == [(20, True)]


def test_a_top_that_supersedes_an_unread_start_is_marked_as_one() -> None:
    bus = MemoryBus()
    reader = bus.subscribe("slow", [TopicFilter(BookSnapshot)], 10)
    for is_start in (True, False):
        bus.publish(msgspec.structs.replace(snapshot(1), is_start=is_start))
    (heard,) = reader.drain()
    assert heard == msgspec.structs.replace(snapshot(1), is_start=True)
