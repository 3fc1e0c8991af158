"""Spells of streams, the downtime between two processes, and what became of open holes."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
from tests.storage.ready_tables import with_tables
from tests.storage.samples import gap, trade

from headwater.bus.memory import MemoryBus, MemoryReader
from headwater.bus.topics import TopicFilter
from headwater.core.clock import ManualClock
from headwater.core.enums import Channel, GapCause, GapState, StoredTable
from headwater.core.records import Gap
from headwater.feeds.gaps import GapLedger
from headwater.services.stream_life import (
    ON_ITS_WAY_MS,
    READING_MS,
    LiveStream,
    StreamLife,
    read_former,
)
from headwater.storage import live_spells
from headwater.storage.base import Span
from headwater.storage.live_spells import LiveSpell
from headwater.storage.store import Store
from headwater.storage.writer import WriterSettings

START_MS = 1_790_000_000_000
TRADES = LiveStream(channel=Channel.TRADES, symbol="BTCUSDT", native_symbol="BTC", last_sequence=70)
LIQUIDATIONS = LiveStream(channel=Channel.LIQUIDATIONS, symbol="*", native_symbol="*")
INTEREST = LiveStream(channel=Channel.OPEN_INTEREST, symbol="BTCUSDT", native_symbol="BTC")
CANDLES = LiveStream(channel=Channel.CANDLES, symbol="BTCUSDT", native_symbol="BTC")
EVERY = (TRADES, LIQUIDATIONS, INTEREST, CANDLES)


class Process:
    """One life of the platform on a database."""

    def __init__(self, store: Store, clock: ManualClock, life: StreamLife, hub: "Hub") -> None:
        self.store = store
        self.clock = clock
        self.life = life
        self.hub = hub

    async def beats(self, streams: Sequence[LiveStream], *, after_ms: int = 5_000) -> None:
        """Time passes, then these streams are live."""
        self.clock.advance(after_ms / 1000)
        self.hub.live = list(streams)
        await self.life.beat()
        await self.store.flush()

    async def spells(self) -> list[LiveSpell]:
        """What is stored."""
        query = live_spells.between(Span(), exchange="hyperliquid")
        return list(await self.store.fetch(query))


class Hub:
    """What is live, and what was published."""

    def __init__(self, bus: MemoryBus) -> None:
        self.live: list[LiveStream] = []
        self._reader: MemoryReader = bus.subscribe("test", [TopicFilter(Gap)], 1_000)

    def told(self) -> list[Gap]:
        """New word of holes."""
        return [one for one in self._reader.drain() if isinstance(one, Gap)]


@asynccontextmanager
async def process(
    folder: Path,
    clock: ManualClock,
    *,
    history: bool = False,
    writer: WriterSettings | None = None,
) -> AsyncIterator[Process]:
    async with Store(with_tables(folder / "made.sqlite3"), clock, writer) as store:
        former = await read_former(store, "hyperliquid")
        bus = MemoryBus()
        hub = Hub(bus)
        life = StreamLife(
            "hyperliquid",
            GapLedger("hyperliquid", bus, clock, last_id=former.last_gap_id),
            bus,
            store,
            clock,
            former=former,
            live=lambda: hub.live,
            wanted={one.key for one in EVERY},
            has_interest_history=history,
        )
        yield Process(store, clock, life, hub)


def at(ms: int = 0) -> ManualClock:
    return ManualClock((START_MS + ms) * 1_000_000)


async def test_a_spell_grows_while_it_lasts_and_another_one_follows_it(tmp_path: Path) -> None:
    async with process(tmp_path, at()) as one:
        for streams in ([TRADES], [TRADES], [], [TRADES], [TRADES]):
            await one.beats(streams)
        assert [(it.since_ms - START_MS, it.until_ms - START_MS) for it in await one.spells()] == [
            (5_000, 10_000),
            (20_000, 25_000),
        ]
        assert one.hub.told() == []


async def test_what_nobody_wants_is_not_kept(tmp_path: Path) -> None:
    async with process(tmp_path, at()) as one:
        await one.beats([LiveStream(channel=Channel.TRADES, symbol="ELSE", native_symbol="E")])
        assert await one.spells() == []


async def test_a_first_start_has_no_downtime(tmp_path: Path) -> None:
    async with process(tmp_path, at()) as one:
        await one.beats(EVERY)
        assert one.hub.told() == []
        assert one.life.take_back() == []


async def test_the_downtime_is_a_hole_of_each_stream_that_was_live(tmp_path: Path) -> None:
    """Live until 5 s; the next process starts at 600 s, its streams are live at 605 s."""
    async with process(tmp_path, at()) as one:
        await one.beats(EVERY)
    async with process(tmp_path, at(600_000)) as two:
        opened = two.hub.told()
        assert {(gap.channel, gap.symbol) for gap in opened} == {one.key for one in EVERY}
        assert {gap.timestamp_ms for gap in opened} == {START_MS + 5_000 - ON_ITS_WAY_MS}
        assert {(gap.cause, gap.state) for gap in opened} == {(GapCause.DOWNTIME, GapState.OPEN)}
        trades = next(gap for gap in opened if gap.channel is Channel.TRADES)
        assert trades.first_sequence == 71
        await two.beats(EVERY)
        lost = {gap.channel: gap for gap in two.hub.told() if gap.state is not GapState.OPEN}
        assert set(lost) == {Channel.LIQUIDATIONS, Channel.OPEN_INTEREST}
        assert {gap.until_ms for gap in lost.values()} == {START_MS + 605_000}
        back = two.life.take_back()
        assert {hole.spell.channel for hole in back} == {Channel.TRADES, Channel.CANDLES}
        assert two.life.take_back() == []
        for hole in back:
            two.life.settle(hole, GapState.REPAIRED, 9, "came back")
        done = two.hub.told()
        assert {(gap.state, gap.recovered, gap.until_ms) for gap in done} == {
            (GapState.REPAIRED, 9, START_MS + 605_000)
        }


async def test_holes_that_were_open_end_with_the_downtime(tmp_path: Path) -> None:
    """One of a stream that is wanted again, one of a stream that is not; numbers go on."""
    left = gap(START_MS, gap_id=40, first_sequence=60)
    gone = gap(START_MS, gap_id=41, symbol="ELSE")
    async with process(tmp_path, at()) as one:
        await one.beats([TRADES])
        for record in (left, gone):
            one.store.put(record)
    async with process(tmp_path, at(600_000)) as two:
        told = two.hub.told()
        assert [(it.gap_id, it.state) for it in told] == [
            (42, GapState.OPEN),
            (41, GapState.UNRECOVERABLE),
        ]
        assert told[0].first_sequence == 60, "from the first trade that is missing"
        assert "stopped before it was settled" in told[1].detail
        await two.beats([TRADES])
        (hole,) = two.life.take_back()
        two.life.settle(hole, GapState.REPAIRED, 11, "by id")
        settled = [it for it in two.hub.told() if it.state is GapState.REPAIRED]
        assert [(it.gap_id, it.until_ms) for it in settled] == [
            (42, START_MS + 605_000),
            (40, START_MS + 605_000),
        ]


async def test_missed_readings_are_a_hole_where_there_is_no_history(tmp_path: Path) -> None:
    """Away from 5 s on: a minute later a reading is missing, at 125 s it is back."""
    for history in (False, True):
        folder = tmp_path / str(history)
        folder.mkdir()
        async with process(folder, at(), history=history) as one:
            await one.beats([INTEREST])
            await one.beats([], after_ms=READING_MS - 1)
            assert one.hub.told() == []
            await one.beats([], after_ms=60_001)
            await one.beats([INTEREST], after_ms=0)
            told = [(it.state, it.timestamp_ms - START_MS, it.until_ms) for it in one.hub.told()]
            hole = [
                (GapState.OPEN, 5_000, None),
                (GapState.UNRECOVERABLE, 5_000, START_MS + 125_000),
            ]
            assert told == ([] if history else hole)
            assert len(await one.spells()) == 2


async def test_rows_that_the_database_did_not_take_in_time_are_a_hole(tmp_path: Path) -> None:
    """More at once than may wait: every one that was dropped is told, none twice."""
    few = WriterSettings(waiting_rows_max=3)
    async with process(tmp_path, at(), writer=few) as one:
        for number in range(5_000):
            heard = msgspec.structs.replace(
                trade(number, at_ms=START_MS + number), exchange="hyperliquid"
            )
            one.store.put(heard)
        await one.beats([TRADES])
        dropped = one.store.health.tables[StoredTable.TRADES].dropped
        _, settled = one.hub.told()
        assert settled.channel is Channel.TRADES
        assert settled.symbol == "BTCUSDT"
        assert (settled.cause, settled.state) == (GapCause.OVERFLOW, GapState.UNRECOVERABLE)
        assert START_MS <= settled.timestamp_ms < (settled.until_ms or 0) < START_MS + 5_000
        assert settled.detail.startswith(f"{dropped} rows were dropped")
        await one.beats([TRADES])
        assert one.hub.told() == []
