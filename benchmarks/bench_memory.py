"""Does memory stay flat? Resident size of the market-data path after 5 and 50 million messages.

`python -m benchmarks.bench_memory [--millions 5 50] [--write]`. One process feeds a mixture (80 %
trades, 18 % depth, 2 % liquidations) through the whole path: parser, trade continuity, book keeper
with published deltas and top-of-book snapshots, liquidations, bus, one reader that encodes what it
takes. Ids and times go on without end, so that whatever remembers them fills up to its bound; the
depth messages start over with a fresh snapshot after each cycle, as after a resync. Nothing may be
lost, doubled or noted as a gap. Linux only: resident size is read from `/proc`.
"""

import argparse
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from benchmarks.messages import AGG_TRADE, DEPTH, FORCE_ORDER, SYMBOL, make_corpus
from benchmarks.peers.headwater_path import FeedPath, snapshot_record
from benchmarks.report import machine, table, write_section
from headwater.bus.memory import MemoryBus, MemoryReader
from headwater.bus.topics import TopicFilter
from headwater.core.clock import SystemClock
from headwater.core.enums import Channel
from headwater.core.records import BookDelta, BookSnapshot, Gap, Liquidation, Trade

TURN: Final = 256
"""Messages between two turns of the reader and of the book timer."""

TRADES: Final = 205
DEPTHS: Final = 46
LIQUIDATIONS: Final = TURN - TRADES - DEPTHS
"""How many of each kind a turn has: 80, 18 and 2 %."""

MILLION: Final = 1_000_000
GROWTH_MAX: Final = 0.02
"""Most that the last resident size may be above the first."""


def _split(kind: str, mark: bytes) -> list[tuple[bytes, bytes]]:
    """Every payload as what stands before and after the number behind the last `mark`."""
    parts: list[tuple[bytes, bytes]] = []
    for frame in make_corpus(kind).frames:
        at = frame.rindex(mark) + len(mark)
        tail = frame[at:].lstrip(b"0123456789")
        parts.append((frame[:at], tail))
    return parts


def _numbered(parts: list[tuple[bytes, bytes]], first: int, step: int) -> Iterator[bytes]:
    """The payloads over and over, with a number that never comes twice."""
    number = first
    while True:
        for before, after in parts:
            yield b"%s%d%s" % (before, number, after)
            number += step


class Load:
    """The path under load.

    Attributes:
        fed: messages so far.
        delivered: records the reader took.
        gaps: holes in the ledger.
    """

    def __init__(self) -> None:
        kinds = (Trade, BookDelta, BookSnapshot, Liquidation, Gap)
        self._bus = MemoryBus()
        self._reader: MemoryReader = self._bus.subscribe(
            "benchmark", [TopicFilter(kind) for kind in kinds], 16 * TURN
        )
        self._market = FeedPath(self._bus, Channel.TRADES, Channel.LIQUIDATIONS)
        self._public = FeedPath(self._bus, Channel.BOOK)
        self._depth = make_corpus(DEPTH)
        self._trades = _numbered(_split(AGG_TRADE, b'"a":'), 1, 1)
        self._liquidations = _numbered(_split(FORCE_ORDER, b'"T":'), 1_730_000_000_000, 1_000)
        self._depths = self._depth_frames()
        self._encode = msgspec.json.Encoder().encode
        self._now_ns = SystemClock().now_ns
        self.fed = 0
        self.trades_fed = 0
        self.delivered: dict[type, int] = dict.fromkeys(kinds, 0)

    def _depth_frames(self) -> Iterator[bytes]:
        assert self._depth.snapshot is not None
        snapshot = snapshot_record(self._depth.snapshot)
        while True:
            fresh = msgspec.structs.replace(snapshot, received_ns=self._now_ns())
            self._public.books.on_snapshot(fresh)
            yield from self._depth.frames

    def run(self, messages: int) -> None:
        """Feeds so many more messages, in whole turns."""
        on_market, on_public = self._market.link.on_frame, self._public.link.on_frame
        now_ns = self._now_ns
        until = self.fed + messages
        while self.fed < until:
            for _ in range(TRADES):
                on_market(next(self._trades), now_ns())
            for _ in range(DEPTHS):
                on_public(next(self._depths), now_ns())
            for _ in range(LIQUIDATIONS):
                on_market(next(self._liquidations), now_ns())
            self._public.books.flush()
            self._take()
            self.fed += TURN
            self.trades_fed += TRADES

    def _take(self) -> None:
        encode, delivered = self._encode, self.delivered
        for record in self._reader.drain():
            delivered[record.__class__] += 1
            encode(record)

    def check(self) -> None:
        """Raises when a record was lost, doubled or missed."""
        trades = self.delivered[Trade]
        turns = self.fed // TURN
        assert trades == self.trades_fed, f"{trades} trades of {self.trades_fed}"
        assert self.delivered[BookDelta] == turns * DEPTHS, "a delta is missing"
        assert self.delivered[Liquidation] == turns * LIQUIDATIONS, "a liquidation is missing"
        assert not self.delivered[Gap], "a gap without a cause"
        assert not self._reader.stats.dropped, "the reader was too slow"
        assert self._public.books.book(SYMBOL, None) is not None, "the book is not live"


def resident_bytes() -> int:
    """Resident size of this process.

    Raises:
        SystemExit: not on Linux.
    """
    statm = Path("/proc/self/statm")
    if not statm.exists():
        sys.exit("resident size is read from /proc: Linux only")
    return int(statm.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def main() -> int:
    """Measures, prints, writes when asked; 1 when memory is not flat."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--millions", type=float, nargs="+", default=[5.0, 20.0, 35.0, 50.0])
    parser.add_argument("--write", action="store_true", help="put the table into RESULTS.md")
    options = parser.parse_args()
    load = Load()
    sizes: list[int] = []
    rows: list[list[str]] = []
    began = time.process_time()
    for millions in sorted(options.millions):
        load.run(int(millions * MILLION) - load.fed)
        load.check()
        sizes.append(resident_bytes())
        growth = sizes[-1] / sizes[0] - 1
        cpu_us = (time.process_time() - began) / load.fed * MILLION
        rows.append(
            [f"{millions:g} M", f"{sizes[-1] / 2**20:.1f}", f"{growth:+.2%}", f"{cpu_us:.2f}"]
        )
        print(f"{millions:g} M messages: {sizes[-1] / 2**20:.1f} MiB", file=sys.stderr)
    flat = sizes[-1] <= sizes[0] * (1 + GROWTH_MAX)
    header = ["messages", "resident, MiB", "growth", "CPU µs a message, with making it"]
    text = "\n".join(
        [
            "### Memory of the market-data path",
            "",
            table(header, rows),
            "",
            "80 % trades, 18 % depth, 2 % liquidations; nothing lost, doubled or noted as a gap.",
            f"Goal: at most {GROWTH_MAX:+.0%}: {'kept' if flat else 'missed'}.",
            f"Machine: {machine()}.",
        ]
    )
    print(text)
    if options.write:
        write_section("memory", text)
    return 0 if flat else 1


if __name__ == "__main__":
    sys.exit(main())
