"""A recording through the live path: the same records, the same book."""

import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from headwater.bus.memory import MemoryBus
from headwater.bus.topics import TopicFilter
from headwater.core.clock import SystemClock
from headwater.core.enums import GapState
from headwater.core.records import BookDelta, Gap, Record, Trade
from headwater.feeds.replay_source import ReplaySource
from headwater.feeds.tape_format import TapeLine, encode_tape_line
from headwater.venues.discovery import venue

NS = 1_700_000_000_000_000_000


@asynccontextmanager
async def played(
    path: Path, speed: float = 0.0
) -> AsyncIterator[tuple[ReplaySource, list[Record]]]:
    """A source that has played `path` to its end, and what came over the bus."""
    bus = MemoryBus()
    reader = bus.subscribe("test", [TopicFilter(kind) for kind in (Trade, BookDelta, Gap)], 100_000)
    source = ReplaySource(
        venue("binance"), path, bus=bus, clock=SystemClock(), rng=random.Random(1), speed=speed
    )
    await source.start()
    try:
        await source.wait_finished()
        yield source, list(reader.drain())
    finally:
        await source.stop()


def trade_line(number: int, at_ms: int) -> bytes:
    """A trade of the tape."""
    payload = (
        f'{{"stream":"btcusdt@aggTrade","data":{{"e":"aggTrade","E":{at_ms},"s":"BTCUSDT",'
        f'"a":{number},"p":"100.5","q":"0.010","f":1,"l":1,"T":{at_ms},"m":true}}}}'
    )
    return encode_tape_line(
        TapeLine(
            received_ns=NS + at_ms * 1_000_000,
            endpoint="market",
            url="ws://venue/market/stream",
            payload=payload.encode(),
        )
    )


def reply_line(numbers: range, at_ms: int) -> bytes:
    """A recorded back-fill."""
    rows = ",".join(
        f'{{"a":{number},"p":"100.5","q":"0.010","f":1,"l":1,"T":{at_ms},"m":true}}'
        for number in numbers
    )
    return encode_tape_line(
        TapeLine(
            received_ns=NS + at_ms * 1_000_000,
            endpoint="rest",
            url="http://venue/fapi/v1/aggTrades?symbol=BTCUSDT&fromId=1",
            payload=f"[{rows}]".encode(),
        )
    )


async def test_a_real_recording_gives_every_record_and_a_true_book(wire_dir: Path) -> None:
    path = wire_dir / "hftbacktest" / "binance" / "usdm_btcusdt_20240808_first20000.txt"
    async with played(path) as (source, records):
        counts = Counter(type(record) for record in records)
        assert counts[Trade] == 3024
        assert counts[BookDelta] > 1500
        assert counts[Gap] == 0
        assert source.stats.messages == 20_000
        book = await source.book(source.table.resolve("BTC"), depth=1)
        assert book.sequence == 5123114771684
        assert book.bids[0][0] < book.asks[0][0]


async def test_a_recorded_back_fill_closes_its_hole(tmp_path: Path) -> None:
    tape = tmp_path / "tape.ndjson"
    repair = reply_line(range(2, 4), 900)
    middle = [trade_line(number, 100 * number) for number in range(4, 9)]
    lines = [trade_line(1, 0), *middle, repair, trade_line(9, 1000)]
    tape.write_bytes(b"".join(lines))
    async with played(tape) as (source, records):
        assert [one.sequence for one in records if isinstance(one, Trade)] == list(range(1, 10))
        assert source.gaps() == []


async def test_a_hole_that_nothing_closes_is_in_the_ledger(tmp_path: Path) -> None:
    tape = tmp_path / "tape.ndjson"
    tape.write_bytes(trade_line(1, 0) + trade_line(3, 100) + trade_line(4, 20_000))
    async with played(tape) as (source, records):
        assert [one.sequence for one in records if isinstance(one, Trade)] == [1, 3, 4]
        assert [gap.state for gap in source.gaps()] == [GapState.UNRECOVERABLE]
        assert source.gaps()[0].first_sequence == 2


async def test_a_hole_at_the_end_of_the_tape_does_not_hold_its_last_trades_back(
    tmp_path: Path,
) -> None:
    tape = tmp_path / "tape.ndjson"
    tape.write_bytes(trade_line(1, 0) + trade_line(3, 100))
    async with played(tape) as (source, records):
        assert [one.sequence for one in records if isinstance(one, Trade)] == [1, 3]
        assert len(source.gaps()) == 1


async def test_the_speed_is_kept(tmp_path: Path) -> None:
    tape = tmp_path / "tape.ndjson"
    tape.write_bytes(trade_line(1, 0) + trade_line(2, 1000))
    clock = SystemClock()
    started = clock.monotonic()
    async with played(tape, speed=10.0):
        assert clock.monotonic() - started >= 0.09


async def test_broken_lines_are_counted_and_passed(tmp_path: Path) -> None:
    tape = tmp_path / "tape.ndjson"
    tape.write_bytes(trade_line(1, 0) + b"{broken\n" + b"what is this\n" + trade_line(2, 10))
    async with played(tape) as (source, records):
        assert len(records) == 2
        assert source.health().wire_errors == 2
